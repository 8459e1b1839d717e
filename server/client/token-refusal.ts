/** How members refuse a token that was good once: they expire, restarts forget them, and changes of users make them old. */
import { Code, errAuthOldRevision, errInvalidAuthToken } from '../errors/etcd-error.ts';
import type { WatchResponse } from '../proto/gen/rpc.ts';
import { RpcError } from './rpc-error.ts';

/** Four of the maintenance methods answer in the words of the auth store, without a code of their own. */
const wordsOfAuthStore = 'auth: invalid auth token';
/** A watch is told why it is refused as Go prints an error of gRPC. */
const reasonsOfWatch = [
  `rpc error: code = Unauthenticated desc = ${errInvalidAuthToken().message}`,
  `rpc error: code = InvalidArgument desc = ${errAuthOldRevision().message}`,
];

/** Whether a call was refused for its token. It has had no effect then. */
export function needsNewToken(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return (
    error.code === Code.Unauthenticated ||
    error.message === errAuthOldRevision().message ||
    error.message === wordsOfAuthStore
  );
}

/** Whether a watch was refused for its token, on a stream that goes on. */
export function watchNeedsNewToken({ created, canceled, cancel_reason }: WatchResponse): boolean {
  return created && canceled && reasonsOfWatch.includes(cancel_reason);
}
