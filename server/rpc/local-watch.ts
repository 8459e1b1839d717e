/** A watch from inside the server, for the services that wait for keys on behalf of clients. */
import type { SeenEvents, WatchedSpan } from '../concurrency/mod.ts';
import { Code, EtcdError, errStopped } from '../errors/etcd-error.ts';
import type { WatchHub } from '../mvcc/watch/mod.ts';
import { WatchResponse } from '../proto/gen/rpc.ts';

/**
 * Ends when there may be events that it missed, since they were compacted away: read the keys again. Leaving the loop
 * closes the watch.
 *
 * @throws EtcdError Canceled when `signal` fires, `server stopped` when the member stops
 */
export async function* localWatch(
  watches: WatchHub,
  spec: WatchedSpan,
  signal: AbortSignal,
): AsyncGenerator<SeenEvents, void, undefined> {
  let wake = (): void => {};
  let failure: EtcdError | undefined;
  const fail = (error: EtcdError): void => {
    failure ??= error;
    wake();
  };
  const abort = (): void => fail(new EtcdError(Code.Canceled, 'context canceled'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const stream = watches.open({ onFrames: () => wake(), onEnd: () => fail(errStopped()) });
  try {
    stream.create(0n, { ...spec, puts: true, deletes: true, previous: false, progress: false, fragments: false });
    for (;;) {
      if (failure !== undefined) throw failure;
      const frame = stream.take();
      if (frame === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (frame.canceled) {
        return;
      } else if (frame.events.length > 0) {
        yield { events: WatchResponse.decode(Buffer.concat(frame.events)).events };
      }
    }
  } finally {
    signal.removeEventListener('abort', abort);
    stream.close();
  }
}
