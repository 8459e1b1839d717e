import { describe, expect, test } from 'vitest';
import { benchWithHistory, WatchBench } from './testing/watch-bench.ts';

describe('a compaction', () => {
  test('ends a watch that starts before it: created first, then cancelled with its revision and no reason', async () => {
    const bench = benchWithHistory();
    await bench.store.compact(4).done;
    const client = bench.client();
    client.watch('a', '', { startRevision: 3 });
    expect(client.drain()).toEqual([
      { id: 0, revision: 5, created: true },
      { id: 0, revision: 0, canceled: true, compacted: 4 },
    ]);
    expect(bench.hub.stats()).toMatchObject({ watchers: 0, slowWatchers: 0 });
  });

  test('leaves the id of the watch that it ended in use until the client cancels it', async () => {
    const bench = benchWithHistory();
    await bench.store.compact(4).done;
    const client = bench.client();
    client.watch('a', '', { startRevision: 3, id: 5 });
    client.watch('a');
    client.drain();
    client.watch('a', '', { id: 5 });
    client.stream.cancel(5n);
    client.watch('a', '', { id: 5 });
    client.stream.requestProgress();
    expect(client.drain()).toEqual([
      { id: -1, revision: 5, created: true, canceled: true, reason: expect.stringContaining('duplicate watch ID') },
      { id: 5, revision: 5, canceled: true },
      { id: 5, revision: 5, created: true },
      { id: -1, revision: 5 },
    ]);
  });

  test('does not keep others from being told their progress', async () => {
    const bench = benchWithHistory();
    await bench.store.compact(4).done;
    const client = bench.client();
    client.watch('a', '', { startRevision: 3 });
    client.drain();
    client.stream.requestProgress();
    expect(client.drain()).toEqual([]);
    client.watch('a');
    client.stream.requestProgress();
    expect(client.drain()).toEqual([
      { id: 1, revision: 5, created: true },
      { id: -1, revision: 5 },
    ]);
    client.stream.close();
    expect(bench.hub.stats().watchers).toBe(0);
  });

  test('leaves a watch alone that starts exactly at it', async () => {
    const bench = benchWithHistory();
    await bench.store.compact(5).done;
    const client = bench.client();
    client.watch('a', 'z', { startRevision: 5 });
    expect(client.drainEvents()).toEqual(['DELETE b@5']);
  });

  test('leaves alone a watch that has been told everything, and one that waits for the future', async () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a');
    client.watch('a', '', { startRevision: 7 });
    await bench.store.compact(5).done;
    bench.write('a=3');
    bench.write('a=4');
    expect(client.drain().slice(2)).toEqual([
      { id: 0, revision: 7, events: ['PUT a=3@6', 'PUT a=4@7'] },
      { id: 1, revision: 7, events: ['PUT a=4@7'] },
    ]);
  });
});

describe('a cancelled watch', () => {
  test('is told so without a reason, and nothing after', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a');
    client.watch('a');
    client.stream.cancel(0n);
    bench.write('a=3');
    expect(client.drain().slice(2)).toEqual([
      { id: 0, revision: 5, canceled: true },
      { id: 1, revision: 6, events: ['PUT a=3@6'] },
    ]);
  });

  test('in the middle of its history gets no more of it', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    client.stream.cancel(0n);
    expect(client.drainEvents()).toEqual([]);
  });

  test('that there is not is passed over', () => {
    const client = new WatchBench().client();
    client.stream.cancel(5n);
    expect(client.take()).toEqual([]);
  });
});

describe('progress that a client asks for', () => {
  test('comes with id -1 and the current revision when all watches are up to date', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a');
    client.watch('b', '', { startRevision: 5 });
    client.drain();
    client.stream.requestProgress();
    expect(client.take()).toEqual([{ id: -1, revision: 5 }]);
  });

  test('does not come without a watch, while one is behind, or while one waits for the future', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.stream.requestProgress();
    client.watch('a', '', { startRevision: 2 });
    client.stream.requestProgress();
    expect(client.drain().map(({ id }) => id)).toEqual([0, 0]);
    client.watch('a', '', { startRevision: 6 });
    client.stream.requestProgress();
    expect(client.drain()).toEqual([{ id: 1, revision: 5, created: true }]);
    bench.write('b=6');
    client.stream.requestProgress();
    expect(client.drain()).toEqual([{ id: -1, revision: 6 }]);
  });

  test('comes after the events that it stands for, and no later event slips in before it', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a');
    bench.write('a=1');
    client.stream.requestProgress();
    bench.write('a=2');
    expect(client.take().slice(1)).toEqual([
      { id: 0, revision: 2, events: ['PUT a=1@2'] },
      { id: -1, revision: 2 },
      { id: 0, revision: 3, events: ['PUT a=2@3'] },
    ]);
  });
});

describe('progress from time to time', () => {
  test('comes for each watch that wants it and was quiet, with its own id', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a', '', { progress: true });
    client.watch('b', '', { progress: true });
    client.watch('c');
    bench.write('a=1');
    client.drain();
    client.stream.tickProgress();
    expect(client.take()).toEqual([{ id: 1, revision: 2 }]);
    client.stream.tickProgress();
    expect(client.take()).toEqual([
      { id: 0, revision: 2 },
      { id: 1, revision: 2 },
    ]);
  });

  test('comes for a watch whose events are all filtered', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a', '', { progress: true, puts: false, deletes: false });
    bench.write('a=1');
    client.drain();
    client.stream.tickProgress();
    expect(client.take()).toEqual([{ id: 0, revision: 2 }]);
  });

  test('comes after the events that it stands for, and no later event slips in before it', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a', '', { progress: true });
    bench.write('a=1');
    client.stream.tickProgress();
    bench.write('a=2');
    expect(client.take().slice(1)).toEqual([
      { id: 0, revision: 2, events: ['PUT a=1@2'] },
      { id: 0, revision: 2 },
      { id: 0, revision: 3, events: ['PUT a=2@3'] },
    ]);
  });

  test('does not come while a watch is behind or waits for the future', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('c', '', { progress: true, startRevision: 2 });
    client.watch('c', '', { progress: true, startRevision: 6 });
    client.take();
    client.stream.tickProgress();
    expect(client.take()).toEqual([]);
  });
});

test('a stream that is closed leaves nothing behind', () => {
  const bench = benchWithHistory();
  const client = bench.client();
  client.watch('a', '', { startRevision: 2 });
  client.watch('a', 'z');
  bench.write('a=3');
  expect(bench.hub.stats()).toMatchObject({ watchStreams: 1, watchers: 2, slowWatchers: 1, pendingEvents: 1 });
  client.stream.close();
  expect(bench.hub.stats()).toMatchObject({ watchStreams: 0, watchers: 0, slowWatchers: 0, pendingEvents: 0 });
  bench.write('a=4');
  expect(client.drain()).toEqual([]);
});

test('a hub that is closed ends its streams, and those that are opened later', () => {
  const bench = new WatchBench();
  const before = bench.client();
  bench.hub.close();
  const after = bench.client();
  bench.settle();
  expect([before.isEnded, after.isEnded]).toEqual([true, true]);
});
