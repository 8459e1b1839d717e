/** Streams of messages as async iterables: read at the reader's pace, ended when the reader stops. */
import { Code, errInvalidAuthToken } from '../errors/etcd-error.ts';
import type { OpenStream } from './caller.ts';
import { RpcError } from './rpc-error.ts';
import { needsNewToken } from './token-refusal.ts';

/**
 * The messages of a stream, decoded. Leaving the loop early cancels the stream.
 *
 * @throws RpcError with the status that the server ended the stream with
 */
export async function* messages<Message>(
  { stream }: OpenStream,
  decode: (bytes: Uint8Array) => Message,
): AsyncGenerator<Message, void, undefined> {
  for await (const bytes of stream) yield decode(bytes);
}

/**
 * As `messages`, of a stream that is opened once more, with a new login, when its token is refused before anything else
 * has come of it.
 *
 * @param open opens the stream, and sends what it begins with
 * @param isRefused whether the first message is such a refusal
 * @throws RpcError as `messages`
 */
export async function* messagesWithLogin<Message>(
  open: () => Promise<OpenStream>,
  decode: (bytes: Uint8Array) => Message,
  isRefused: (first: Message) => boolean = () => false,
): AsyncGenerator<Message, void, undefined> {
  let mayRenew = true;
  for (;;) {
    const opened = await open();
    try {
      for await (const message of messages(opened, decode)) {
        if (mayRenew && isRefused(message)) throw refused(opened.endpoint);
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
