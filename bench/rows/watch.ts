/** One write, and all who watch the key: how soon they know, and how many events go out in a second. */
import { KVService, PutRequest, WatchCreateRequest, WatchRequest, WatchService } from '../../server/proto/gen/rpc.ts';
import { processorMs, type Target } from '../engines/target.ts';
import type { LoadCall } from '../load/call.ts';
import { type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import { Samples } from '../load/percentiles.ts';
import { WatchCounter } from '../load/watch-counter.ts';
import type { Figure, LoadRow, Measured, Scale } from '../row.ts';

const key = Buffer.from('watched');
const value = Buffer.alloc(32, 'v');
/** Watches share streams, as those of upstream's client do. */
const connections = 10;
const answerMs = 30_000;

/** Puts one after another, each when all watches have told of the one before. */
async function measureWatch(target: Target, watchers: number, scale: Scale): Promise<Measured> {
  const opened = await openConnections(target, Math.min(connections, watchers) + 1);
  const counter = new WatchCounter(answerMs);
  try {
    const [writer, ...watching] = opened as [LoadConnection, ...LoadConnection[]];
    const message = framed(WatchRequest.encode({ create_request: WatchCreateRequest.create({ key }) }));
    const calls = watching.map((each): LoadCall => each.call(each.head(WatchService.Watch), counter));
    for (let i = 0; i < watchers; i++) (calls[i % calls.length] as LoadCall).send(message, false);
    await counter.created(watchers);
    const put = framed(PutRequest.encode(PutRequest.create({ key, value })));
    const head = writer.head(KVService.Put);
    const round = async (latencies: Samples): Promise<void> => {
      const sentMs = performance.now();
      const seen = counter.events(watchers, () => latencies.add(performance.now() - sentMs));
      const answered = new Promise<void>((resolve, reject) => {
        const end = (failure: Error | undefined): void => (failure === undefined ? resolve() : reject(failure));
        writer.call(head, { message: () => {}, end }).send(put, true);
      });
      await Promise.all([seen, answered]);
    };
    const repeat = async (durationMs: number): Promise<{ latencies: Samples; seconds: number }> => {
      const latencies = new Samples();
      const startMs = performance.now();
      do await round(latencies);
      while (performance.now() - startMs < durationMs);
      return { latencies, seconds: (performance.now() - startMs) / 1000 };
    };
    await repeat(scale.warmUpMs);
    const beforeMs = processorMs(target);
    const { latencies, seconds } = await repeat(scale.durationMs);
    const [p50Ms, p99Ms] = latencies.percentiles(0.5, 0.99) as [number, number];
    const processorMicros = (1000 * (processorMs(target) - beforeMs)) / latencies.count;
    return { perSecond: latencies.count / seconds, p50Ms, p99Ms, processorMicros };
  } finally {
    counter.close();
    for (const connection of opened) connection.close();
  }
}

const watcherCounts = [1, 10, 100, 1000, 10_000];

export const watchRows: readonly LoadRow[] = watcherCounts.map((watchers) => {
  const growth = (of: string): Pick<Figure, 'growth'> => ({ growth: { of, with: 'watchers', at: watchers } });
  return {
    name: `watch-${watchers}`,
    title: `watch, ${watchers.toLocaleString('en-US')} on one key`,
    on: 'shared cluster',
    hasCeiling: true,
    figures: () => ({
      perSecond: { title: 'events', unit: '/s', better: 'higher', ...growth('events') },
      p50Ms: { title: 'p50 from put to event', unit: 'ms', better: 'lower' },
      p99Ms: { title: 'p99 from put to event', unit: 'ms', better: 'lower', ...growth('p99 from put to event') },
      processorMicros: { title: 'CPU of all members per event', unit: 'µs', better: 'lower' },
    }),
    measure: (target, { scale }) => measureWatch(target, watchers, scale),
  };
});
