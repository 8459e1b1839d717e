/** An etcd member as far as a test makes it one: gRPC methods by path, over @grpc/grpc-js, on a port of loopback. */
import { type MethodDefinition as GrpcMethod, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import type { MethodDefinition } from '../../proto/wire.ts';

const raw = (bytes: Buffer): Buffer => bytes;

/** What a method answers: a response, several for a stream, or an error with gRPC code and details. */
export type Answer<Request, Response> = (
  request: Request,
  token: string | undefined,
) => Response | readonly Response[] | Promise<Response | readonly Response[]>;

export class FakeMember {
  readonly calls: string[] = [];
  private readonly server = new Server();
  private readonly methods: Record<string, GrpcMethod<Buffer, Buffer>> = {};
  private readonly handlers: Record<string, UntypedHandleCall> = {};
  port = 0;

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Answers each request of a method. A stream of responses ends after them, unless one of requests goes with it. */
  on<Request, Response>(method: MethodDefinition<Request, Response>, answer: Answer<Request, Response>): this {
    const { path } = method;
    this.methods[path] = {
      path,
      requestStream: method.requestStream,
      responseStream: method.responseStream,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    };
    const respond = async (bytes: Buffer, token: string | undefined): Promise<Buffer[]> => {
      this.calls.push(path.replace(/.*\//, ''));
      const responses = await answer(method.request.decode(bytes), token);
      return [responses].flat().map((response) => Buffer.from(method.response.encode(response as Response)));
    };
    const handle: unknown = method.requestStream
      ? duplex(respond)
      : method.responseStream
        ? stream(respond)
        : unary(respond);
    this.handlers[path] = handle as UntypedHandleCall;
    return this;
  }

  async listen(credentials = ServerCredentials.createInsecure(), port = 0): Promise<this> {
    if (Object.keys(this.methods).length > 0) this.server.addService(this.methods, this.handlers);
    this.port = await new Promise<number>((resolve, reject) =>
      this.server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    return this;
  }

  /** Drops every connection at once. */
  stop(): void {
    this.server.forceShutdown();
  }
}

type Respond = (bytes: Buffer, token: string | undefined) => Promise<Buffer[]>;

interface Call {
  request: Buffer;
  metadata: { get(name: string): unknown[] };
  write(response: Buffer): void;
  end(): void;
  emit(event: 'error', error: unknown): void;
}

function unary(respond: Respond) {
  return (call: Call, callback: (error: unknown, response?: Buffer) => void): void => {
    respond(call.request, tokenOf(call)).then(
      ([response]) => callback(null, response),
      (error: unknown) => callback(error),
    );
  };
}

function stream(respond: Respond) {
  return (call: Call): void => {
    respond(call.request, tokenOf(call)).then(
      (responses) => {
        for (const response of responses) call.write(response);
        call.end();
      },
      (error: unknown) => call.emit('error', error),
    );
  };
}

function duplex(respond: Respond) {
  return (call: Call & { on(event: 'data', listener: (bytes: Buffer) => void): void }): void => {
    call.on('data', (bytes) => {
      respond(bytes, tokenOf(call)).then(
        (responses) => {
          for (const response of responses) call.write(response);
        },
        (error: unknown) => call.emit('error', error),
      );
    });
  };
}

function tokenOf(call: Pick<Call, 'metadata'>): string | undefined {
  return call.metadata.get('token')[0] as string | undefined;
}

/** An error that a method answers with. */
export function refusal(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}
