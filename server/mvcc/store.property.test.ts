import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { MvccStore } from './mod.ts';
import { type Change, NaiveStore } from './testing/naive-store.ts';

const keys = ['a', 'a\0', 'ab', 'b', 'c', '\xff'];
const ends = ['', 'b', 'c', 'zz', 'a', '\0'];

const put = fc.record({
  kind: fc.constant('put' as const),
  key: fc.constantFrom(...keys),
  value: fc.constantFrom('', 'x', 'a longer value'),
  lease: fc.constantFrom(0n, 1n, -1n),
});
const deletion = fc.record({
  kind: fc.constant('delete' as const),
  key: fc.constantFrom(...keys),
  end: fc.constantFrom(...ends),
});
const change = fc.oneof({ weight: 2, arbitrary: put }, { weight: 1, arbitrary: deletion });

type Command = { readonly write: readonly Change[] } | { readonly compactPart: number };
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ write: fc.array(change, { maxLength: 4 }) }) },
  // Where between the last compaction and now the next one is.
  { weight: 1, arbitrary: fc.record({ compactPart: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);
const history = fc.array(command, { maxLength: 40 });

/** Finding the smallest counterexample must not take for ever. */
const bounded = { interruptAfterTimeLimit: 8000 };

/** Plays commands on both stores; compactions are waited for. */
async function play(commands: readonly Command[], store: MvccStore, naive: NaiveStore): Promise<void> {
  for (const each of commands) {
    if ('write' in each) {
      naive.write(each.write);
      write(store, each.write);
    } else {
      const revision = compactionRevision(naive, each.compactPart);
      if (revision <= naive.compacted) continue;
      naive.compact(revision);
      await store.compact(revision).done;
    }
  }
}

function write(store: MvccStore, changes: readonly Change[]): void {
  const txn = store.beginWrite();
  for (const each of changes) {
    if (each.kind === 'put') txn.put(bytes(each.key), bytes(each.value), each.lease);
    else txn.deleteRange(bytes(each.key), bytes(each.end));
  }
  txn.end();
}

function compactionRevision(naive: NaiveStore, part: number): number {
  const first = Math.max(naive.compacted + 1, 1);
  return Math.min(first + Math.floor(part * (naive.current - first)), naive.current);
}

function expectSame(store: MvccStore, naive: NaiveStore): void {
  expectSameRanges(store, naive);
  for (let revision = Math.max(naive.compacted, 0); revision <= naive.current; revision++) {
    expect(hashOf(store, revision)).toEqual(naive.hashKv(revision));
  }
  expect(hashOf(store, 0)).toEqual(naive.hashKv(0));
}

function expectSameRanges(store: MvccStore, naive: NaiveStore): void {
  expect(store.currentRevision).toBe(naive.current);
  expect(store.compactRevision).toBe(naive.compacted);
  for (let revision = Math.max(naive.compacted, 1); revision <= naive.current; revision++) {
    for (const end of ends) {
      for (const key of ['\0', 'a', 'b']) {
        const expected = naive.range(key, end, revision);
        const { kvs, count } = store.range(bytes(key), bytes(end), { revision });
        expect(plain(kvs)).toEqual(plain(expected));
        expect(count).toBe(expected.length);
        expect(store.range(bytes(key), bytes(end), { revision, countOnly: true }).count).toBe(expected.length);
        const limited = store.range(bytes(key), bytes(end), { revision, limit: 2 });
        expect(plain(limited.kvs)).toEqual(plain(expected.slice(0, 2)));
        expect(limited.count).toBe(expected.length);
      }
    }
  }
}

function hashOf(store: MvccStore, revision: number): { hash: number; compactRevision: number } {
  const { hash, compactRevision } = store.hashKv(revision);
  return { hash, compactRevision };
}

function recordKeys(backend: MemoryBackend): string[] {
  const found: string[] = [];
  backend.scan('key', bytes(''), undefined, (key) => {
    found.push(Buffer.from(key).toString('hex'));
  });
  return found;
}

/** Comparable whatever kind of array holds the bytes. */
function plain(kvs: readonly { key: Uint8Array; value: Uint8Array }[]): unknown[] {
  return kvs.map((kv) => ({
    ...kv,
    key: Buffer.from(kv.key).toString('hex'),
    value: Buffer.from(kv.value).toString(),
  }));
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

describe('the store and its definition agree', () => {
  test('on every range at every revision, on every hash, and on which records are left', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (commands) => {
        const backend = new MemoryBackend();
        const store = new MvccStore(backend, { compactionBatchRecords: 3 });
        const naive = new NaiveStore();
        await play(commands, store, naive);
        expectSame(store, naive);
        expect(recordKeys(backend)).toEqual(naive.recordKeys());
      }),
      { ...bounded, numRuns: 150 },
    );
  });

  test('after a restart, and on what is written then', async () => {
    await fc.assert(
      fc.asyncProperty(history, history, async (before, after) => {
        const backend = new MemoryBackend();
        const naive = new NaiveStore();
        const first = new MvccStore(backend);
        await play(before, first, naive);
        await first.close();
        await backend.commit();

        const second = new MvccStore(backend.crash());
        second.restore();
        expect(second.keyCount).toBe(first.keyCount);
        naive.forgetHashes();
        expectSame(second, naive);
        await play(after, second, naive);
        expectSame(second, naive);
      }),
      { ...bounded, numRuns: 100 },
    );
  });

  test('after a compaction was interrupted anywhere by a crash, and taken up again', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat({ max: 30 }), async (commands, pauses) => {
        const backend = new MemoryBackend();
        const naive = new NaiveStore();
        let left = Number.POSITIVE_INFINITY;
        let survivor: MemoryBackend | undefined;
        const yieldControl = async () => {
          await backend.commit();
          if (--left === 0) survivor = backend.crash();
        };
        const store = new MvccStore(backend, { compactionBatchRecords: 2, yieldControl });
        await play(commands, store, naive);
        if (naive.compacted === naive.current) return;
        left = pauses;
        naive.compact(naive.current);
        const { done } = store.compact(naive.current);
        // With no pause to crash in, crash when only the schedule is durable.
        survivor = backend.crash();
        await done;

        const restarted = new MvccStore(survivor);
        await restarted.restore().compaction;
        naive.forgetHashes();
        expectSame(restarted, naive);
        expect(recordKeys(survivor)).toEqual(naive.recordKeys());
      }),
      { ...bounded, numRuns: 150 },
    );
  });

  test('and writes during a compaction meet no half of it', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.array(change, { minLength: 1, maxLength: 10 }), async (commands, during) => {
        const backend = new MemoryBackend();
        const naive = new NaiveStore();
        const waiting = [...during];
        let isMeddling = false;
        const yieldControl = async () => {
          const next = isMeddling ? waiting.shift() : undefined;
          if (next === undefined) return;
          naive.write([next]);
          write(store, [next]);
          expectSameRanges(store, naive);
        };
        const store = new MvccStore(backend, { compactionBatchRecords: 1, yieldControl });
        await play(commands, store, naive);
        const revision = naive.current;
        if (revision <= naive.compacted) return;
        naive.compact(revision);
        isMeddling = true;
        await store.compact(revision).done;
        expectSame(store, naive);
        expect(recordKeys(backend)).toEqual(naive.recordKeys());
      }),
      { ...bounded, numRuns: 100 },
    );
  });
});
