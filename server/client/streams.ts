/** Streams of messages as async iterables: read at the reader's pace, ended when the reader stops. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { Code } from '../errors/etcd-error.ts';
import { type OpenStream, toRpcError } from './caller.ts';
import { RpcError } from './rpc-error.ts';

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
