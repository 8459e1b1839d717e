import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BoltBackend } from '../../../server/backend/bolt-backend.ts';
import { BoltDatabase } from '../../../server/bolt/mod.ts';
import { fileHashKv, snapshotStatus } from '../../../server/etcdutl/mod.ts';
import { MvccStore } from '../../../server/mvcc/mod.ts';
import { Event } from '../../../server/proto/gen/kv.ts';
import type { SnapshotManifest } from '../../engine/manifest.ts';
import type { Backup } from '../backup-store.ts';
import { decidePruneDeltas } from '../continuous/prune-deltas.ts';
import { type Chain, listChains, type SegmentFile } from '../deltas/chain.ts';
import { ChainWriter, type ReceivedRevision } from '../deltas/chain-writer.ts';
import { type BuildOptions, type BuiltState, buildState } from './build.ts';
import { newestMoment, planRestore, type RestorePlan } from './plan.ts';
import { parseTarget } from './target.ts';

const clusterId = 'cafe';
const signal = new AbortController().signal;
const hour = 3_600_000;

describe('what --to means', () => {
  test.each([
    ['r123', { kind: 'revision', revision: 123 }],
    ['123', { kind: 'revision', revision: 123 }],
    ['2026-11-20T14:30:00Z', { kind: 'time', atMs: Date.UTC(2026, 10, 20, 14, 30) }],
    ['2026-11-20t14:30:00.5+01:00', { kind: 'time', atMs: Date.UTC(2026, 10, 20, 13, 30, 0, 500) }],
    ['20261120-143000', { kind: 'backup', id: '20261120-143000' }],
    ['20261120-143000-2', { kind: 'backup', id: '20261120-143000-2' }],
    ['r0', { kind: 'backup', id: 'r0' }],
  ])('%s', (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  test.each([
    '2026-11-20',
    '2026-11-20T14:30:00',
    '2026-13-20T14:30:00Z',
    '2026-02-30T14:30:00Z',
    '2026-11-20 at noon',
  ])('%s is no time, and that is said', (text) => {
    expect(() => parseTarget(text)).toThrow('is no time');
  });

  test.each([
    ['2026-11-20T14:30:00', 'write it like 2026-11-20T14:30:00Z,'],
    ['14:30:00', 'write it like 1970-01-01T00:00:00Z,'],
    ['2026-11-20', 'write it like 1970-01-01T00:00:00Z,'],
  ])('%s is no time: %s', (text, advice) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ advice: [expect.stringContaining(advice)] }));
  });
});

const segment = (number: number, fromRevision: number, lastRevision: number, chain = 'a'): SegmentFile => ({
  file: `/${chain}/${number}`,
  header: {
    format: 'etcdlab-delta/1',
    chain,
    number,
    clusterId,
    fromRevision,
    fromMs: (fromRevision - 1) * hour,
    previousSha256: null,
    base: { backup: 'first', sha256: '', revision: 10 },
  },
  lastRevision,
  lastAtMs: lastRevision * hour,
  sizeBytes: 1,
  sha256: '',
});
const chainOf = (id: string, segments: SegmentFile[]): Chain => ({
  id,
  folder: `/${id}`,
  clusterId,
  base: { backup: 'first', sha256: '', revision: 10 },
  segments,
  fromRevision: segments[0]?.header.fromRevision ?? 0,
  lastRevision: segments.at(-1)?.lastRevision ?? 0,
  fromMs: segments[0]?.header.fromMs ?? 0,
  lastAtMs: segments.at(-1)?.lastAtMs ?? 0,
});
const backupAt = (revision: number, change: Partial<SnapshotManifest> = {}): Backup => ({
  id: `at-${revision}`,
  folder: '',
  snapshot: '',
  manifest: { clusterId, revision, sha256: '', ...change } as SnapshotManifest,
  proofs: [],
});

describe('a plan', () => {
  // Three segments: after 10, 20 and 30; backups at 10, at 25 (within a segment) and at 40.
  const chain = chainOf('a', [segment(1, 11, 20), segment(2, 21, 30), segment(3, 31, 40)]);
  const backups = [backupAt(40), backupAt(25), backupAt(10)];
  const numbers = ({ segments }: RestorePlan): number[] => segments.map(({ header }) => header.number);
  const plan = (to: string) => planRestore(parseTarget(to) as { kind: 'revision'; revision: number }, backups, [chain]);

  test('takes the newest backup that is not behind the revision, and the segments between', () => {
    expect([plan('r24').base.id, numbers(plan('r24'))]).toEqual(['at-10', [1, 2]]);
    expect([plan('r25').base.id, numbers(plan('r25'))]).toEqual(['at-25', [2]]);
    expect([plan('r39').base.id, numbers(plan('r39'))]).toEqual(['at-25', [2, 3]]);
    expect([plan('r40').base.id, numbers(plan('r40'))]).toEqual(['at-40', [3]]);
    expect(plan('r39').lastRevision).toBe(40);
  });

  test('for a time takes a backup that is certainly not behind it', () => {
    const at = new Date(35 * hour).toISOString();
    expect([plan(at).base.id, numbers(plan(at))]).toEqual(['at-25', [2, 3]]);
    const early = new Date(26 * hour).toISOString();
    expect([plan(early).base.id, numbers(plan(early))]).toEqual(['at-10', [1, 2]]);
  });

  test.each(['r9', 'r41', new Date(9 * hour).toISOString(), new Date(41 * hour).toISOString()])(
    'to %s there is none, and what can be reached is said',
    (to) => {
      const reach = expect.objectContaining({ details: expect.arrayContaining([expect.stringContaining('10 to 40')]) });
      expect(() => plan(to)).toThrow(reach);
    },
  );

  test.each([
    { kind: 'revision', revision: 24 },
    { kind: 'time', atMs: 24 * hour },
  ] as const)('to a $kind that the log holds, whose full backup is elsewhere, asks for its store', (target) => {
    const advice = [expect.stringContaining('add --store'), 'etcdlab backup deltas shows what can be reached'];
    expect(() => planRestore(target, [], [chain])).toThrow(expect.objectContaining({ advice }));
  });

  test('does not build on a backup that is damaged, of another cluster, or was raised', () => {
    const damaged: Backup = { ...backupAt(25), proofs: [{ passed: false } as Backup['proofs'][number]] };
    const raised = backupAt(26, { derivedFrom: { bumpedBy: 1 } as NonNullable<SnapshotManifest['derivedFrom']> });
    const other = backupAt(27, { clusterId: 'beef' });
    const found = planRestore({ kind: 'revision', revision: 28 }, [damaged, raised, other, backupAt(10)], [chain]);
    expect(found.base.id).toBe('at-10');
  });

  test('of two histories with the revision takes the newer one; without a log, a backup that is exactly there', () => {
    const newer = chainOf('b', [segment(1, 11, 15, 'b')]);
    const found = (revision: number) => planRestore({ kind: 'revision', revision }, backups, [chain, newer]);
    expect([found(15).chain?.id, found(16).chain?.id]).toEqual(['b', 'a']);
    expect(planRestore({ kind: 'revision', revision: 25 }, backups, [])).toMatchObject({
      base: { id: 'at-25' },
      segments: [],
    });
  });

  test('to the end of the newest log is offered when no backup reaches as far', () => {
    expect(newestMoment([backupAt(25), backupAt(10)], [chain])).toEqual({ revision: 40, atMs: 40 * hour, beyond: 15 });
    expect(newestMoment(backups, [chain])).toBeUndefined();
    expect(newestMoment([backupAt(25, { clusterId: 'beef' })], [chain])).toBeUndefined();
    expect(newestMoment(backups, [])).toBeUndefined();
  });

  test('stays possible from every backup that is left, whatever is pruned', () => {
    const some = fc.subarray([backupAt(40), backupAt(35), backupAt(31), backupAt(30), backupAt(25), backupAt(10)], {
      minLength: 1,
    });
    fc.assert(
      fc.property(some, (left) => {
        const going = decidePruneDeltas([chain], left, 'a');
        const segments = chain.segments.filter(({ file }) => !going.includes(file));
        expect(segments.at(-1)?.lastRevision).toBe(40);
        const kept = chainOf('a', segments);
        for (const { manifest } of left) {
          for (let revision = manifest.revision; revision <= 40; revision++)
            expect(() => planRestore({ kind: 'revision', revision }, left, [kept])).not.toThrow();
        }
      }),
    );
    expect(decidePruneDeltas([chain], [], 'a')).toEqual([]);
    expect(decidePruneDeltas([chain], [], 'b')).toEqual(['/a']);
  });
});

/** What a client can do to a store. */
type Op = { put: number; value: string; lease: bigint } | { drop: number; to: number } | { compact: number };
const name = (n: number): Buffer => Buffer.from(`k${n}`);
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ put: fc.nat(9), value: fc.string({ maxLength: 5 }), lease: fc.constantFrom(0n, 7n, 8n) }),
  },
  { weight: 2, arbitrary: fc.record({ drop: fc.nat(9), to: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.nat(100) }) },
);

describe('the state of a past revision', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A store that is worked on, with all its changes, its backup after some of them, and its hash at each revision. */
  async function live(transactions: readonly Op[][], backupAfter: number) {
    const work = mkdtempSync(path.join(folder, 'live-'));
    const changes: ReceivedRevision[] = [];
    const backend = await BoltBackend.open(path.join(work, 'db'), {});
    const store = new MvccStore(backend, {
      onChange: (revision, events) => changes.push({ revision, events: events.map(Event.encode) }),
    });
    store.restore();
    const snapshot = path.join(work, 'snapshot.db');
    let base: Backup | undefined;
    const hashes = new Map<number, { hash: number; compactRevision: number }>();
    for (const [i, transaction] of [...transactions, []].entries()) {
      if (i === backupAfter || (i === transactions.length && base === undefined)) {
        const frozen = await backend.snapshot();
        const bytes: Uint8Array[] = [];
        for await (const chunk of frozen.chunks()) bytes.push(Buffer.from(chunk));
        frozen.close();
        const content = Buffer.concat(bytes);
        writeFileSync(snapshot, Buffer.concat([content, createHash('sha256').update(content).digest()]));
        const { currentRevision: revision, compactRevision } = store;
        base = { ...backupAt(revision, { compactRevision }), snapshot };
      }
      for (const op of transaction) {
        if ('compact' in op && op.compact > store.compactRevision && op.compact < store.currentRevision)
          await store.compact(op.compact).done;
      }
      const txn = store.beginWrite();
      for (const op of transaction) {
        if ('put' in op) txn.put(name(op.put), Buffer.from(op.value), op.lease);
        else if ('drop' in op) txn.deleteRange(name(op.drop), name(op.to));
      }
      txn.end();
      if (base !== undefined) hashes.set(store.currentRevision, store.hashKv(store.currentRevision));
    }
    await store.close();
    await backend.close();
    return { base: base as Backup, changes, hashes };
  }

  async function logged(
    base: Backup,
    changes: readonly ReceivedRevision[],
    splitAt: number,
    { lateFrom = Number.POSITIVE_INFINITY, leaseAtEnd }: { lateFrom?: number; leaseAtEnd?: bigint } = {},
  ): Promise<Chain> {
    const chains = mkdtempSync(path.join(folder, 'chains-'));
    const writer = await ChainWriter.create(chains, {
      id: '20261120-081500-cafe',
      clusterId,
      base: { backup: base.id, sha256: 'ab'.repeat(32), revision: base.manifest.revision },
      fromMs: 0,
    });
    await writer.recordLeases(new Map([[7n, 60]]));
    for (const each of changes.filter(({ revision }) => revision > base.manifest.revision)) {
      await writer.record([each], { atMs: each.revision * hour, isLate: each.revision >= lateFrom });
      if (each.revision === splitAt) await writer.seal();
    }
    if (leaseAtEnd !== undefined) await writer.recordLeases(new Map([[leaseAtEnd, 60]]));
    await writer.close();
    return (await listChains(chains))[0] as Chain;
  }

  async function built(
    plan: RestorePlan,
    options: Partial<BuildOptions> = {},
  ): Promise<{ state: BuiltState; file: string }> {
    const file = path.join(mkdtempSync(path.join(folder, 'built-')), 'snapshot.db');
    return { file, state: await buildState(plan, file, { bumpBy: 0, signal, ...options }) };
  }

  test('has the HashKV that the cluster had then, at every revision after the backup', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(ops, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 25 }),
        fc.nat(25),
        fc.nat(30),
        async (transactions, backupAfter, splitAt) => {
          const { base, changes, hashes } = await live(transactions, backupAfter);
          const chain = await logged(base, changes, splitAt);
          for (const [revision, { hash, compactRevision }] of hashes) {
            const { file } = await built(planRestore({ kind: 'revision', revision }, [base], [chain]));
            expect(await fileHashKv(file, revision, compactRevision)).toMatchObject({ hash, compactRevision });
            // A file without a record does not tell that a store begins at revision 1.
            if (revision > 1) expect(await snapshotStatus(file)).toMatchObject({ revision, trailer: 'ok' });
          }
        },
      ),
      { numRuns: 15, interruptAfterTimeLimit: 20_000 },
    );
  });

  const put = (n: number, lease = 0n): Op[] => [{ put: n, value: `value ${n}`, lease }];

  test('at a time is that of the last revision recorded by then; what comes next is said', async () => {
    const { base, changes } = await live([put(1), put(2), put(3), put(4)], 1);
    const chain = await logged(base, changes, 3);
    const { state } = await built(planRestore({ kind: 'time', atMs: 4.5 * hour }, [base], [chain]));
    expect(state).toMatchObject({
      restoredRevision: 4,
      restoredAtMs: 4 * hour,
      nextAtMs: 5 * hour,
      appliedRevisions: 2,
    });
    expect(state.keys.sort()).toEqual(['k1', 'k2', 'k3']);
  });

  test('has the leases of its keys, as far as the backup or the log knows them', async () => {
    const { base, changes } = await live([put(1), put(2, 7n), put(3, 8n)], 1);
    const chain = await logged(base, changes, 0);
    const { file, state } = await built(planRestore({ kind: 'revision', revision: 4 }, [base], [chain]));
    expect(state).toMatchObject({ leases: 1, unknownLeases: [8n] });
    const database = await BoltDatabase.open(file, { readOnly: true, sizeBytes: readFileSync(file).length - 32 });
    const view = database.view();
    expect([...view.pairs('lease')].map(([key]) => key.readBigInt64BE())).toEqual([7n]);
    view.close();
    await database.close();
  });

  test('has leases too that the log learned of only behind the target', async () => {
    const { base, changes } = await live([put(1), put(2, 8n), put(3), put(4)], 1);
    const chain = await logged(base, changes, 3, { leaseAtEnd: 8n });
    const { state } = await built(planRestore({ kind: 'revision', revision: 3 }, [base], [chain]));
    expect(state).toMatchObject({ leases: 1, unknownLeases: [] });
  });

  test('at a time says whether the revision behind it may have happened before', async () => {
    const { base, changes } = await live([put(1), put(2), put(3), put(4)], 1);
    const at = async (lateFrom: number, atMs: number) => {
      const chain = await logged(base, changes, 0, { lateFrom });
      return (await built(planRestore({ kind: 'time', atMs }, [base], [chain]))).state.isNextLate;
    };
    expect(await at(5, 4.5 * hour)).toBe(true);
    expect(await at(6, 4.5 * hour)).toBe(false);
    expect(await at(4, 5 * hour)).toBe(false);
  });

  test('raised, holds the same keys at a higher revision, below which all is compacted', async () => {
    const { base, changes } = await live([put(1), put(1), put(2)], 1);
    const chain = await logged(base, changes, 0);
    const { file, state } = await built(planRestore({ kind: 'revision', revision: 3 }, [base], [chain]), {
      bumpBy: 1000,
    });
    expect(state).toMatchObject({ revision: 1003, restoredRevision: 3, keys: ['k1'] });
    expect(await fileHashKv(file, 0)).toMatchObject({ hashRevision: 1003, compactRevision: 1003 });
    await expect(fileHashKv(file, 3)).rejects.toThrow('compacted');
  });

  test('is not made of a backup and a log of different histories: the revision is named', async () => {
    const one = await live([put(1), put(2), put(3)], 2);
    const other = await live([put(1), put(5), put(6)], 1);
    const chain = await logged(other.base, other.changes, 0);
    const plan = planRestore({ kind: 'revision', revision: 4 }, [one.base], [chain]);
    expect(plan.base.manifest.revision).toBe(3);
    await expect(built(plan)).rejects.toThrow('revision 3 is not the same in the backup and in the delta log');
  });
});
