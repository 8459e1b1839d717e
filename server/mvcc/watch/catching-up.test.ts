import { describe, expect, test } from 'vitest';
import { open } from '../testing/drive.ts';
import { type TestClient, WatchBench } from './testing/watch-bench.ts';

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Of an event in words. */
function revisionOf(event: string): number {
  return Number(/@(\d+)/.exec(event)?.[1]);
}

/** The revisions of the events that a client has been sent. */
function revisions(client: TestClient): number[] {
  return client.drainEvents().map(revisionOf);
}

describe('history', () => {
  test('is read in steps of so many revisions, with a turn between them for others', () => {
    const bench = new WatchBench({ revisions: 10 });
    for (let i = 0; i < 25; i++) bench.write('a=1');
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    client.take();
    const counts: number[] = [];
    while (bench.step()) counts.push(client.take().flatMap(({ events = [] }) => events).length);
    expect(counts).toEqual([10, 10, 5]);
  });

  test('is read in steps of so many bytes, but whole revisions', () => {
    const bench = new WatchBench({ readBytes: 100 });
    for (let i = 0; i < 6; i++) bench.write(`a=${'x'.repeat(59)}`, 'b=');
    const client = bench.client();
    client.watch('a', 'z', { startRevision: 2 });
    client.take();
    const counts: number[] = [];
    while (bench.step()) counts.push(client.take().flatMap(({ events = [] }) => events).length);
    expect(counts).toEqual([4, 4, 4]);
  });

  test('is read for so many watches at a time, and for all in the end', () => {
    const bench = new WatchBench({ watchers: 2 });
    for (let i = 0; i < 3; i++) bench.write('a=1');
    const client = bench.client();
    for (let i = 0; i < 5; i++) client.watch('a', '', { startRevision: 2 });
    bench.step();
    expect(bench.hub.stats().slowWatchers).toBe(3);
    expect(revisions(client)).toHaveLength(15);
    expect(bench.hub.stats().slowWatchers).toBe(0);
  });

  test('of a long way back does not keep those waiting who are nearly there', () => {
    const bench = new WatchBench({ revisions: 10 });
    for (let i = 0; i < 1000; i++) bench.write('a=1');
    const [far, near] = [bench.client(), bench.client()];
    far.watch('a', '', { startRevision: 2 });
    near.watch('a', '', { startRevision: 995 });
    near.take();
    bench.step();
    bench.step();
    expect(near.take()).toHaveLength(1);
    expect(revisions(far)).toEqual(numbers(2, 1001));
  });

  test('and what happens meanwhile come in order and once', () => {
    const bench = new WatchBench({ revisions: 3 });
    for (let i = 0; i < 10; i++) bench.write('a=1');
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    do bench.write('a=2');
    while (bench.step() && bench.store.currentRevision < 20);
    expect(revisions(client)).toEqual(numbers(2, bench.store.currentRevision));
  });

  test('has the store’s revision in its header, even when more is to come', () => {
    const bench = new WatchBench({ revisions: 2 });
    for (let i = 0; i < 4; i++) bench.write('a=1');
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    client.take();
    bench.step();
    expect(client.take()).toMatchObject([{ revision: 5, events: ['PUT a=1@2', 'PUT a=1@3'] }]);
  });

  test('that is compacted away while it is read ends the watch', async () => {
    const bench = new WatchBench({ revisions: 2 });
    for (let i = 0; i < 10; i++) bench.write('a=1');
    const client = bench.client();
    client.watch('a', '', { startRevision: 2 });
    bench.step();
    await bench.store.compact(9).done;
    const frames = client.drain();
    expect(frames.flatMap(({ events = [] }) => events)).toEqual(['PUT a=1@2', 'PUT a=1@3']);
    expect(frames.at(-1)).toEqual({ id: 0, revision: 0, canceled: true, compacted: 9 });
  });
});

describe('a client that does not read', () => {
  test('makes its watches slow, and gets everything when it reads again', () => {
    const bench = new WatchBench({ queueBytes: 2000 });
    const client = bench.client();
    client.watch('a');
    client.watch('a', 'z');
    for (let i = 0; i < 500; i++) bench.write('a=1', 'b=1');
    expect(bench.hub.stats().slowWatchers).toBe(2);
    const frames = client.drain();
    const of = (id: number): string[] => frames.filter((frame) => frame.id === id).flatMap(({ events = [] }) => events);
    expect(of(0)).toEqual(numbers(2, 501).map((revision) => `PUT a=1@${revision}`));
    expect(of(1)).toEqual(numbers(2, 501).flatMap((revision) => [`PUT a=1@${revision}`, `PUT b=1@${revision}`]));
    expect(bench.hub.stats()).toMatchObject({ slowWatchers: 0, pendingEvents: 0, sentEvents: 1500 });
  });

  test('costs no more memory than its bound while a hundred thousand writes pass', () => {
    const bench = new WatchBench({ queueBytes: 64 * 1024 });
    const client = bench.client();
    client.watch('a', 'z', { previous: true });
    let largest = 0;
    for (let i = 0; i < 100_000; i++) {
      bench.write(`a=${i}`);
      if (i % 100 === 0) bench.settle();
      largest = Math.max(largest, client.stream.queuedBytes);
    }
    expect(largest).toBeGreaterThan(60 * 1024);
    expect(largest).toBeLessThan(70 * 1024);
    expect(bench.hub.stats().pendingEvents).toBeLessThan(2000);
    // A list this long takes for ever to be shown when it differs.
    expect(revisions(client).join() === numbers(2, 100_001).join()).toBe(true);
  });

  test('does not hold up another', () => {
    const bench = new WatchBench({ queueBytes: 1000 });
    const [slow, quick] = [bench.client(), bench.client()];
    slow.watch('a');
    quick.watch('a');
    const seen: number[] = [];
    for (let i = 0; i < 100; i++) {
      bench.write('a=1');
      seen.push(...quick.take().flatMap(({ events = [] }) => events.map(revisionOf)));
    }
    expect(seen).toEqual(numbers(2, 101));
  });

  test('is not told of progress, asked for or not, before what it has missed', () => {
    const bench = new WatchBench({ queueBytes: 1000 });
    const client = bench.client();
    client.watch('a', '', { progress: true });
    for (let i = 0; i < 100; i++) bench.write('a=1');
    client.stream.requestProgress();
    client.stream.tickProgress();
    const frames = client.drain();
    expect(frames.flatMap(({ events = [] }) => events)).toHaveLength(100);
    expect(frames.filter(({ events, created }) => events === undefined && !created)).toEqual([]);
  });

  test('is told of no progress, asked for or not, when as much waits as may', () => {
    const bench = new WatchBench({ queueBytes: 1000 });
    const client = bench.client();
    client.watch('a', '', { progress: true });
    bench.write(`a=${'x'.repeat(1000)}`);
    const { queuedBytes } = client.stream;
    for (let i = 0; i < 10; i++) {
      client.stream.requestProgress();
      client.stream.tickProgress();
    }
    expect(client.stream.queuedBytes).toBe(queuedBytes);
  });

  test('and begins to read is caught up before it has read all', () => {
    const bench = new WatchBench({ queueBytes: 4000, frameBytes: 1 });
    const client = bench.client();
    client.watch('a');
    for (let i = 0; i < 100; i++) bench.write('a=1');
    const { queuedBytes } = client.stream;
    while (client.stream.queuedBytes > queuedBytes / 2) client.take(1);
    client.take(1);
    const left = client.stream.queuedBytes;
    bench.settle();
    expect(left).toBeGreaterThan(0);
    expect(client.stream.queuedBytes).toBeGreaterThan(left);
  });

  test('loses its watch when what it has missed is compacted away', async () => {
    const bench = new WatchBench({ queueBytes: 1000 });
    const client = bench.client();
    client.watch('a');
    for (let i = 0; i < 100; i++) bench.write('a=1');
    await bench.store.compact(101).done;
    const frames = client.drain();
    const sent = frames.flatMap(({ events = [] }) => events);
    expect(sent).toEqual(numbers(2, sent.length + 1).map((revision) => `PUT a=1@${revision}`));
    expect(frames.at(-1)).toEqual({ id: 0, revision: 0, canceled: true, compacted: 101 });
  });

  test('still gets one event that is larger than its whole bound', () => {
    const bench = new WatchBench({ queueBytes: 1000 });
    const client = bench.client();
    client.watch('a');
    client.take();
    bench.write(`a=${'x'.repeat(5000)}`);
    bench.write('a=small');
    expect(client.drainEvents().map((event) => event.slice(-8))).toEqual([
      expect.stringMatching(/@2$/),
      'a=small@3'.slice(-8),
    ]);
  });
});

describe('when another store takes the place of the present one', () => {
  /** Writes the same to both, as members of a cluster do. */
  function replaced(bench: WatchBench, before: number, after: number): void {
    const other = open(undefined, { onChange: (revision, events) => bench.hub.changed(revision, events) });
    const present = bench.store;
    bench.store = other;
    // The hub still looks at the other store, whose changes it must not be told of.
    const watched = bench.hub.changed;
    bench.hub.changed = () => {};
    for (let i = 0; i < before + after; i++) bench.write('a=1');
    bench.hub.changed = watched;
    expect(present.currentRevision).toBe(before + 1);
  }

  test('watches go on where they were, with what they missed', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a');
    for (let i = 0; i < 3; i++) bench.write('a=1');
    expect(revisions(client)).toEqual([2, 3, 4]);
    replaced(bench, 3, 4);
    bench.settle();
    bench.hub.restore(bench.store);
    bench.write('a=1');
    expect(revisions(client)).toEqual([5, 6, 7, 8, 9]);
  });

  test('a watch is cancelled when what it missed is compacted away there, and not when it missed nothing', async () => {
    for (const [compactRevision, isCancelled] of [
      [5, false],
      [6, true],
    ] as const) {
      const bench = new WatchBench();
      const client = bench.client();
      client.watch('b');
      for (let i = 0; i < 3; i++) bench.write('a=1');
      replaced(bench, 3, 4);
      await bench.store.compact(compactRevision).done;
      bench.hub.restore(bench.store);
      const frames = client.drain().slice(1);
      expect(frames).toEqual(isCancelled ? [{ id: 0, revision: 0, canceled: true, compacted: 6 }] : []);
    }
  });

  test('a watch for the future goes on waiting', () => {
    const bench = new WatchBench();
    const client = bench.client();
    client.watch('a', '', { startRevision: 7 });
    for (let i = 0; i < 3; i++) bench.write('a=1');
    replaced(bench, 3, 1);
    bench.hub.restore(bench.store);
    bench.write('a=1');
    bench.write('a=1');
    expect(revisions(client)).toEqual([7]);
  });
});
