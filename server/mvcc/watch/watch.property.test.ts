import fc from 'fast-check';
import { expect, test } from 'vitest';
import { open } from '../testing/drive.ts';
import { type PlainFrame, type TestClient, WatchBench } from './testing/watch-bench.ts';

const keys = ['a', 'a\0', 'ab', 'b', 'c', '\xff'];
const ends = ['', 'b', 'c', '\0'];

type Action =
  | { readonly kind: 'write'; readonly changes: readonly string[] }
  | { readonly kind: 'watch'; readonly of: Wanted }
  | { readonly kind: 'take'; readonly client: number; readonly frames: number }
  | { readonly kind: 'cancel'; readonly nth: number }
  | { readonly kind: 'compact'; readonly part: number }
  | { readonly kind: 'step' | 'replace' };

interface Wanted {
  readonly client: number;
  readonly key: string;
  readonly end: string;
  /** How far from the current revision; undefined for no start revision. */
  readonly offset: number | undefined;
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly previous: boolean;
}

const key = fc.constantFrom(...keys);
const change = fc.oneof(
  fc.tuple(key, fc.constantFrom('', 'x', 'y'.repeat(90))).map(([name, value]) => `${name}=${value}`),
  fc.tuple(key, fc.constantFrom(...ends)).map(([name, end]) => (end === '' ? `-${name}` : `-${name}..${end}`)),
);
const wanted = fc.record({
  ...{ client: fc.nat({ max: 1 }), key, end: fc.constantFrom(...ends) },
  offset: fc.option(fc.integer({ min: -12, max: 3 }), { nil: undefined }),
  ...{ puts: fc.boolean(), deletes: fc.boolean(), previous: fc.boolean() },
});
/** The API lets a transaction change a key once: of changes that do not go together, the first stays. */
function lawful(changes: readonly string[]): string[] {
  const kept: string[] = [];
  for (const each of changes) if (!kept.some((other) => collide(each, other))) kept.push(each);
  return kept;
}

function collide(a: string, b: string): boolean {
  const [put, other] = a.includes('=') ? [a, b] : [b, a];
  if (!put.includes('=')) return false;
  const name = put.split('=')[0] as string;
  if (other.includes('=')) return other.split('=')[0] === name;
  const [start = '', end = ''] = other.slice(1).split('..');
  return covers(start, end, name);
}

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      changes: fc.array(change, { maxLength: 3 }).map(lawful),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('watch' as const), of: wanted }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ kind: fc.constant('take' as const), client: fc.nat({ max: 1 }), frames: fc.integer({ min: 1, max: 4 }) },
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('step' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat({ max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const) }) },
);
const limits = fc.record({
  revisions: fc.integer({ min: 1, max: 4 }),
  watchers: fc.integer({ min: 1, max: 3 }),
  readBytes: fc.constantFrom(1, 100, 10_000),
  queueBytes: fc.constantFrom(1, 400, 1500, 100_000),
  frameBytes: fc.constantFrom(1, 300, 100_000),
});

/** An event as the definition has it: who changed what when, and what was there before. */
interface NaiveEvent {
  readonly revision: number;
  readonly key: string;
  readonly isPut: boolean;
  readonly text: string;
  readonly previous: { readonly value: string; readonly revision: number } | undefined;
}

interface NaiveWatch extends Wanted {
  readonly id: number;
  readonly from: number;
  cancelled: boolean;
}

/** Watches as they are defined: everything that happened in one list, and each watch a question about it. */
class Model {
  readonly events: NaiveEvent[] = [];
  readonly watches: NaiveWatch[] = [];
  current = 1;
  private readonly values = new Map<string, { value: string; revision: number }>();

  write(changes: readonly string[]): void {
    const revision = this.current + 1;
    const before = this.events.length;
    for (const each of changes) {
      const [name = '', value] = each.split('=');
      if (value !== undefined) this.put(name, value, revision);
      else this.remove(name.slice(1), revision);
    }
    if (this.events.length > before) this.current = revision;
  }

  /** What a watch is to see in the end. */
  expected(watch: NaiveWatch): NaiveEvent[] {
    return this.events.filter(
      ({ revision, key: name, isPut }) =>
        revision >= watch.from && covers(watch.key, watch.end, name) && (isPut ? watch.puts : watch.deletes),
    );
  }

  private put(name: string, value: string, revision: number): void {
    const text = `PUT ${name}=${value}@${revision}`;
    this.events.push({ revision, key: name, isPut: true, text, previous: this.values.get(name) });
    this.values.set(name, { value, revision });
  }

  private remove(range: string, revision: number): void {
    const [start = '', end = ''] = range.split('..');
    const found = [...this.values.keys()].filter((name) => covers(start, end, name)).sort();
    for (const name of found) {
      const previous = this.values.get(name);
      this.events.push({ revision, key: name, isPut: false, text: `DELETE ${name}@${revision}`, previous });
      this.values.delete(name);
    }
  }
}

function covers(start: string, end: string, name: string): boolean {
  return end === '' ? name === start : name >= start && (end === '\0' || name < end);
}

class Play {
  private readonly bench: WatchBench;
  private readonly model = new Model();
  private readonly clients: TestClient[];
  private readonly received: PlainFrame[][] = [[], []];
  private readonly history: (readonly string[])[] = [];
  private compactions: Promise<void>[] = [];

  constructor(wantedLimits: ConstructorParameters<typeof WatchBench>[0]) {
    this.bench = new WatchBench(wantedLimits);
    this.clients = [this.bench.client(), this.bench.client()];
  }

  async run(actions: readonly Action[]): Promise<void> {
    for (const each of actions) await this.act(each);
    for (const [n, client] of this.clients.entries()) this.received[n]?.push(...client.drain());
    await Promise.all(this.compactions);
    for (const watch of this.model.watches) this.check(watch);
    expect(this.bench.hub.stats()).toMatchObject({ slowWatchers: 0, pendingEvents: 0 });
  }

  private async act(each: Action): Promise<void> {
    switch (each.kind) {
      case 'write':
        this.history.push(each.changes);
        this.model.write(each.changes);
        this.bench.write(...each.changes);
        return;
      case 'watch':
        this.watch(each.of);
        return;
      case 'take':
        this.received[each.client]?.push(...(this.clients[each.client] as TestClient).take(each.frames));
        return;
      case 'step':
        this.bench.step();
        return;
      case 'cancel': {
        const watch = this.model.watches[each.nth];
        if (watch === undefined) return;
        watch.cancelled = true;
        this.clients[watch.client]?.stream.cancel(BigInt(watch.id));
        return;
      }
      case 'compact': {
        const { store } = this.bench;
        const first = Math.max(store.compactRevision + 1, 1);
        const revision = first + Math.floor(each.part * (store.currentRevision - first));
        if (revision <= store.compactRevision || revision > store.currentRevision) return;
        this.compactions.push(store.compact(revision).done);
        return;
      }
      case 'replace':
        await Promise.all(this.compactions);
        this.replace();
    }
  }

  private watch(of: Wanted): void {
    const { currentRevision } = this.bench.store;
    const startRevision = of.offset === undefined ? 0 : Math.max(1, currentRevision + of.offset);
    const isRefused = of.end.length > 0 && of.end !== '\0' && of.end <= of.key;
    const id = this.model.watches.filter(({ client }) => client === of.client).length;
    this.clients[of.client]?.watch(of.key, of.end, {
      ...of,
      startRevision,
      key: Buffer.from(of.key, 'latin1'),
      end: Buffer.from(of.end, 'latin1'),
    });
    if (isRefused) return;
    const from = startRevision === 0 ? currentRevision + 1 : startRevision;
    this.model.watches.push({ ...of, id, from, cancelled: false });
  }

  /** As a snapshot from another member does: the same history, compacted as far. */
  private replace(): void {
    const { bench } = this;
    const { compactRevision } = bench.store;
    let isWatched = false;
    bench.store = open(undefined, {
      onChange: (revision, events) => isWatched && bench.hub.changed(revision, events),
    });
    for (const changes of this.history) bench.write(...changes);
    if (compactRevision > 0) this.compactions.push(bench.store.compact(compactRevision).done);
    isWatched = true;
    bench.hub.restore(bench.store);
  }

  private check(watch: NaiveWatch): void {
    const frames = (this.received[watch.client] as PlainFrame[]).filter(({ id }) => id === watch.id);
    expect(frames[0]).toMatchObject({ created: true });
    const end = frames.findIndex(({ canceled }) => canceled);
    // Behind its end by a compaction there may be the answer to its cancellation.
    for (const after of end < 0 ? [] : frames.slice(end)) expect(after).toMatchObject({ canceled: true });
    const seen = frames.flatMap(({ events = [] }) => events);
    const all = this.model.expected(watch);
    const compacted = frames[end]?.compacted;
    // One that was ended has seen whole revisions from the start on, and none if it began before the compaction.
    const expected = watch.cancelled || compacted !== undefined ? all.slice(0, seen.length) : all;
    expect(seen.map(withoutPrevious)).toEqual(expected.map(({ text }) => text));
    const last = expected.at(-1)?.revision;
    if (expected.length < all.length) expect(all[expected.length]?.revision).not.toBe(last);
    if (!watch.cancelled) expect(compacted !== undefined).toBe(end >= 0);
    for (const [i, event] of seen.entries()) this.checkPrevious(watch, event, expected[i] as NaiveEvent);
  }

  private checkPrevious(watch: NaiveWatch, seen: string, { text, previous }: NaiveEvent): void {
    if (seen === text) {
      // Left out: there was none, nobody asked, or it may have been compacted away.
      if (watch.previous && previous !== undefined) expect(this.bench.store.compactRevision).toBeGreaterThan(0);
    } else {
      expect(watch.previous).toBe(true);
      expect(seen).toBe(`${text} was ${previous?.value}@${previous?.revision}`);
    }
  }
}

function withoutPrevious(event: string): string {
  return event.replace(/ was .*$/, '');
}

test('every watch sees exactly what it is to see, in order and once, whatever happens around it', async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(action, { maxLength: 60, size: 'max' }), (wantedLimits, actions) =>
      new Play(wantedLimits).run(actions),
    ),
    { numRuns: 400, interruptAfterTimeLimit: 12_000 },
  );
});
