/** Calls without our client between: what goes over the wire, and what comes back. */
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { MethodDefinition } from '../../server/proto/wire.ts';

export interface RawCall<Response> {
  readonly answer: Promise<Response>;
  /** What has become of it. */
  readonly state: 'waiting' | 'answered' | 'failed';
  cancel(): void;
}

/** One connection without TLS. */
export class RawGrpc {
  private readonly client: Client;

  /** @param url of a member, `http://host:port` */
  constructor(url: string) {
    this.client = new Client(url.replace('http://', ''), credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  call<Request, Response>(
    { path, request, response }: MethodDefinition<Request, Response>,
    message: Partial<Request>,
    headers: Record<string, string> = {},
  ): RawCall<Response> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const started = {
      answer: promise,
      state: 'waiting' as RawCall<Response>['state'],
      cancel: () => under.cancel(),
    };
    const under = this.client.makeUnaryRequest(
      path,
      (value: Request) => Buffer.from(request.encode(value)),
      (bytes) => response.decode(bytes),
      request.create(message),
      metadata,
      { deadline: Date.now() + 60_000 },
      (error: ServiceError | null, value?: Response) => {
        started.state = error === null ? 'answered' : 'failed';
        if (error === null) resolve(value as Response);
        else reject(error);
      },
    );
    // Whoever does not wait for it looks at its state.
    promise.catch(() => undefined);
    return started;
  }

  stream<Request, Response>(
    { path, request, response }: MethodDefinition<Request, Response>,
    message: Partial<Request>,
  ): ClientReadableStream<Response> {
    return this.client.makeServerStreamRequest(
      path,
      (value: Request) => Buffer.from(request.encode(value)),
      (bytes) => response.decode(bytes),
      request.create(message),
    );
  }

  close(): void {
    this.client.close();
  }
}

/** How a call was refused: `code text`. @throws when it was not */
export async function refusal(call: RawCall<unknown>): Promise<string> {
  try {
    await call.answer;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return `${code} ${details}`;
  }
  throw new Error('the call was answered');
}
