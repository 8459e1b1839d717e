import { describe, expect, test } from 'vitest';
import { WatchResponse } from '../../proto/gen/rpc.ts';
import { benchWithHistory, WatchBench } from './testing/watch-bench.ts';

const compacted = 'etcdserver: mvcc: required revision has been compacted';

describe('a watch that is created', () => {
  test('is told so with the current revision, before any event', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    bench.write('a=3');
    expect(client.drain()).toEqual([
      { id: 0, revision: 5, created: true },
      { id: 0, revision: 6, events: ['PUT a=1@2', 'PUT a=2@4', 'PUT a=3@6'] },
    ]);
  });

  test('gets ids from 0 on that skip those in use and never come back', () => {
    const client = new WatchBench().client();
    client.watch('a');
    client.watch('a', '', { id: 1 });
    client.watch('a');
    client.stream.cancel(2n);
    client.watch('a');
    client.watch('a', '', { id: 2 });
    expect(client.take().map(({ id, canceled }) => (canceled ? -id : id))).toEqual([0, 1, 2, -2, 3, 2]);
  });

  test.each([
    ['whose id is in use', { id: 7 }, 'b', '', 'mvcc: duplicate watch ID provided on the WatchStream'],
    ['whose range ends before it begins', {}, 'b', 'a', 'mvcc: watcher range is empty'],
    ['whose range ends where it begins', {}, 'b', 'b', 'mvcc: watcher range is empty'],
    ['with a negative revision', { startRevision: -1 }, 'b', '', compacted],
  ])('%s is created and cancelled in one, with id -1 and the reason', (_, wanted, key, end, reason) => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a', '', { id: 7 });
    client.watch(key, end, wanted);
    expect(client.take()[1]).toEqual({ id: -1, revision: 5, created: true, canceled: true, reason });
    bench.write('a=3');
    expect(client.drain()).toEqual([{ id: 7, revision: 6, events: ['PUT a=3@6'] }]);
  });
});

describe('a watch sees', () => {
  const seen = (key: string, end: string, wanted = {}): string[] => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch(key, end, { startRevision: 2, ...wanted });
    const history = client.drainEvents();
    bench.write('c=1', 'a=3');
    return [...history, ...client.drainEvents()];
  };

  test('one key', () => {
    expect(seen('a', '')).toEqual(['PUT a=1@2', 'PUT a=2@4', 'PUT a=3@6']);
  });

  test('a range without its end', () => {
    expect(seen('a', 'b')).toEqual(['PUT a=1@2', 'PUT a=2@4', 'PUT a=3@6']);
    expect(seen('b', 'd')).toEqual(['PUT b=1@3', 'DELETE b@5', 'PUT c=1@6']);
  });

  test('everything from a key on with an end of one zero byte', () => {
    expect(seen('b', '\0')).toEqual(['PUT b=1@3', 'DELETE b@5', 'PUT c=1@6']);
  });

  test('everything with an empty key and such an end', () => {
    expect(seen('', '\0')).toHaveLength(6);
  });

  test('nothing with an empty key alone, which stands for the key of one zero byte', () => {
    expect(seen('', '')).toEqual([]);
  });

  test('what comes from now on without a start revision', () => {
    expect(seen('a', '', { startRevision: 0 })).toEqual(['PUT a=3@6']);
  });

  test('a start revision that is the current one', () => {
    expect(seen('b', '', { startRevision: 5 })).toEqual(['DELETE b@5']);
  });

  test('nothing older than a start revision in the future', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a', '', { startRevision: 8 });
    for (const change of ['a=6', 'a=7', 'a=8', 'a=9']) bench.write(change);
    expect(client.drainEvents()).toEqual(['PUT a=8@8', 'PUT a=9@9']);
  });

  test('no puts, no deletions, or neither, with filters', () => {
    expect(seen('b', '', { puts: false })).toEqual(['DELETE b@5']);
    expect(seen('b', '', { deletes: false })).toEqual(['PUT b=1@3']);
    expect(seen('b', '', { puts: false, deletes: false })).toEqual([]);
  });

  test('of a deletion key and revision only', () => {
    const bench = benchWithHistory();
    const client = bench.client();
    client.watch('a');
    bench.write('-a');
    const frames = [client.stream.take(), client.stream.take()];
    const [event] = WatchResponse.decode(Buffer.concat(frames[1]?.events ?? [])).events;
    expect(event?.kv).toEqual({
      ...{ key: Buffer.from('a'), mod_revision: 6, create_revision: 0, version: 0, lease: 0n },
      value: new Uint8Array(0),
    });
  });
});

describe('events of one revision', () => {
  test('come together, in the order of the changes', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a', 'z');
    client.take();
    bench.write('b=1', 'a=1', 'c=1');
    expect(client.take()).toEqual([{ id: 0, revision: 2, events: ['PUT b=1@2', 'PUT a=1@2', 'PUT c=1@2'] }]);
    bench.write('-a..z');
    expect(client.take()).toEqual([{ id: 0, revision: 3, events: ['DELETE a@3', 'DELETE b@3', 'DELETE c@3'] }]);
  });

  test('are never split, however small messages are to be, while several revisions share one that is large enough', () => {
    for (const [frameBytes, frames] of [
      [1, 3],
      [1_000_000, 1],
    ] as const) {
      const bench = new WatchBench({ frameBytes });
      const client = bench.client();
      for (let i = 0; i < 3; i++) bench.write('a=1', 'b=1');
      client.watch('a', 'z', { startRevision: 2 });
      const taken = client.drain().slice(1);
      expect(taken).toHaveLength(frames);
      expect(taken.every(({ events = [] }) => events.length === 6 / frames)).toBe(true);
    }
  });
});

describe('the pair before an event', () => {
  test.each([
    ['live', 0],
    ['from history', 2],
  ])('is there for overwrites and deletions, and not for new keys: %s', (_, startRevision) => {
    const bench = new WatchBench();
    const client = bench.client();
    const watch = (): void => client.watch('a', 'z', { startRevision, previous: true });
    if (startRevision === 0) watch();
    for (const change of ['a=1', 'a=2', '-a', 'a=3']) bench.write(change);
    if (startRevision !== 0) watch();
    expect(client.drainEvents()).toEqual(['PUT a=1@2', 'PUT a=2@3 was 1@2', 'DELETE a@4 was 2@3', 'PUT a=3@5']);
  });

  test('is left out, without an error, when it is compacted away', async () => {
    const bench = new WatchBench();
    for (const change of ['a=1', 'a=2', 'a=3']) bench.write(change);
    await bench.store.compact(3).done;
    const client = bench.client();
    client.watch('a', '', { startRevision: 3, previous: true });
    expect(client.drainEvents()).toEqual(['PUT a=2@3', 'PUT a=3@4 was 2@3']);
  });

  test('is only for those who want it', () => {
    const bench = new WatchBench();
    bench.write('a=1');
    const client = bench.client();
    client.watch('a', '', { previous: true });
    client.watch('a');
    bench.write('a=2');
    expect(client.drainEvents()).toEqual(['PUT a=2@3 was 1@2', 'PUT a=2@3']);
  });
});
