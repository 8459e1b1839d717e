/** Calls as they go over the wire, with any metadata, and answers in a form that can be compared. */
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { MethodDefinition } from '../../server/proto/wire.ts';

export type Answer = { readonly response: unknown } | { readonly error: string };
export type RawAnswer = { readonly bytes: Buffer } | { readonly error: string };

const unchanged = (part: Buffer): Buffer => part;
const timeoutMs = 20_000;

export class RawCaller {
  private readonly grpc: Client;

  constructor(url: string, channel: ChannelCredentials = credentials.createInsecure()) {
    // TLS knows servers by names, not by addresses; the test certificates have this one.
    this.grpc = new Client(new URL(url).host, channel, { 'grpc.ssl_target_name_override': 'localhost' });
  }

  /** Sends one message and takes the first that comes back; a stream is given up then. */
  async ask<Q, A>(
    method: MethodDefinition<Q, A>,
    request: Q,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await this.exchange(method, request, headers);
    return 'error' in answer ? answer : { response: method.response.decode(answer.bytes) };
  }

  /** As `ask`, with the answer as it came over the wire. */
  exchange<Q, A>(
    method: MethodDefinition<Q, A>,
    request: Q,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const message = Buffer.from(method.request.encode(request));
    const { path, requestStream, responseStream } = method;
    const options = { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, bytes?: Buffer): void => {
        if (error !== null) resolve({ error: `${error.code} ${error.details}` });
        else resolve({ bytes: bytes ?? Buffer.alloc(0) });
      };
      if (!responseStream) {
        this.grpc.makeUnaryRequest(path, unchanged, unchanged, message, metadata, options, done);
        return;
      }
      const stream = requestStream
        ? this.grpc.makeBidiStreamRequest(path, unchanged, unchanged, metadata, options)
        : this.grpc.makeServerStreamRequest(path, unchanged, unchanged, message, metadata, options);
      stream.on('error', (error) => done(error as ServiceError));
      stream.once('data', (bytes: Buffer) => {
        done(null, bytes);
        stream.cancel();
      });
      if (requestStream) (stream as ReturnType<Client['makeBidiStreamRequest']>).write(message);
    });
  }

  /** Sends one message and takes what comes back, up to the first message that is the last. @throws ServiceError */
  async takeUntil<Q, A>(method: MethodDefinition<Q, A>, request: Q, isLast: (message: A) => boolean): Promise<A[]> {
    const options = { deadline: Date.now() + timeoutMs };
    const stream = this.grpc.makeBidiStreamRequest(method.path, unchanged, unchanged, new Metadata(), options);
    // Cancelling it below is no failure.
    stream.on('error', () => undefined);
    stream.write(Buffer.from(method.request.encode(request)));
    const messages: A[] = [];
    try {
      for await (const bytes of stream) {
        const message = method.response.decode(bytes as Buffer);
        messages.push(message);
        if (isLast(message)) return messages;
      }
    } finally {
      stream.cancel();
    }
    throw new Error(`${method.path} ended before its last message`);
  }

  close(): void {
    this.grpc.close();
  }
}

/** Leaves out who answered and when: of a header only the revision is left. */
export function comparable(answer: Answer): unknown {
  if ('error' in answer) return answer.error;
  return JSON.parse(
    JSON.stringify(answer.response, (name, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      if (name === 'header' && value != null) return { revision: (value as { revision: number }).revision };
      if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
      // Buffers turn into this before they come here.
      if (isBufferJson(value)) return Buffer.from(value.data).toString('latin1');
      return value;
    }),
  );
}

function isBufferJson(value: unknown): value is { type: 'Buffer'; data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
}
