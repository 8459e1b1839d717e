/** Streams of messages as async iterables: read at the reader's pace, ended when the reader stops. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { Code, errInvalidAuthToken } from '../errors/etcd-error.ts';
import { type OpenStream, toRpcError } from './caller.ts';
import { RpcError } from './rpc-error.ts';
import { needsNewToken } from './token-refusal.ts';

/**
 * The messages of a stream, decoded. Leaving the loop early, or `signal`, cancels the stream.
 *
 * @throws RpcError with the status that the server ended the stream with
 */
export async function* messages<Message>(
  { stream, endpoint }: OpenStream<ClientReadableStream<Buffer>>,
  decode: (bytes: Uint8Array) => Message,
  signal?: AbortSignal | undefined,
): AsyncGenerator<Message, void, undefined> {
  const cancel = (): void => stream.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  let ended = false;
  try {
    for await (const bytes of stream) {
      // What has arrived already is not taken back by cancelling.
      if (signal?.aborted) throw new RpcError(Code.Canceled, 'context canceled', { endpoint });
      yield decode(bytes as Buffer);
    }
    ended = true;
  } catch (error) {
    throw toRpcError(error, endpoint);
  } finally {
    signal?.removeEventListener('abort', cancel);
    if (!ended) {
      // The cancellation that we ask for comes back as an error that nobody waits for.
      stream.on('error', () => {});
      stream.cancel();
    }
  }
}

/**
 * As `messages`, of a stream that is opened once more, with a new login, when its token is refused before anything else
 * has come of it.
 *
 * @param open opens the stream, and sends what it begins with
 * @param options.isRefused whether the first message is such a refusal
 * @throws RpcError as `messages`
 */
export async function* messagesWithLogin<Message>(
  open: () => Promise<OpenStream<ClientReadableStream<Buffer>>>,
  decode: (bytes: Uint8Array) => Message,
  { signal, isRefused }: { signal?: AbortSignal | undefined; isRefused?: (first: Message) => boolean } = {},
): AsyncGenerator<Message, void, undefined> {
  let mayRenew = true;
  for (;;) {
    const opened = await open();
    try {
      for await (const message of messages(opened, decode, signal)) {
        if (mayRenew && isRefused?.(message)) throw refused(opened.endpoint);
        mayRenew = false;
        yield message;
      }
      return;
    } catch (error) {
      if (!mayRenew || !needsNewToken(error) || !opened.renewLogin()) throw error;
      mayRenew = false;
    }
  }
}

function refused(endpoint: string): RpcError {
  return new RpcError(Code.Unauthenticated, errInvalidAuthToken().message, { endpoint });
}
