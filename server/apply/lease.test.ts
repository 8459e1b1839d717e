import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BucketName, bucketNames } from '../backend/backend.ts';
import type { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { Lessor } from '../lease/mod.ts';
import { MvccStore } from '../mvcc/mod.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
  LeaseCheckpointRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../proto/gen/rpc.ts';
import { bytes, deletion, Machine, op, put, text, txn } from './testing/machine.ts';

const grant = (ID: bigint, TTL = 100): Partial<InternalRaftRequest> => ({
  lease_grant: LeaseGrantRequest.create({ ID, TTL }),
});
const revoke = (ID: bigint): Partial<InternalRaftRequest> => ({ lease_revoke: LeaseRevokeRequest.create({ ID }) });
const checkpoint = (ID: bigint, remaining_TTL: number): Partial<InternalRaftRequest> => ({
  lease_checkpoint: LeaseCheckpointRequest.create({ checkpoints: [{ ID, remaining_TTL }] }),
});

/** A bucket, that of leases unless told, in hex. */
function records(backend: MemoryBackend, bucket: BucketName = 'lease'): string[] {
  const found: string[] = [];
  backend.scan(bucket, bytes(''), undefined, (key, value) => {
    found.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
  });
  return found;
}

describe('a grant', () => {
  test('tells id, time to live and the revision, which it does not change', () => {
    const m = new Machine();
    m.put('a', '1');
    expect(m.succeed(grant(1n, 1))).toMatchObject({ ID: 1n, TTL: 2, header: { revision: 2 } });
    expect(m.store.currentRevision).toBe(2);
    expect(m.put('b', '', { lease: 1n }).header?.revision).toBe(3);
  });

  test('is refused without effect for an id that is taken', () => {
    const m = new Machine();
    m.succeed(grant(1n, 50));
    expect(m.apply(grant(1n, 60)).error?.message).toBe('etcdserver: lease already exists');
    expect(records(m.backend)).toEqual(['0000000000000001 08011032', '0000000000000007 08071064']);
  });

  test('is refused under NOSPACE, a revocation is not; CORRUPT refuses both', () => {
    const { ACTIVATE } = AlarmRequest_AlarmAction;
    const raise = (m: Machine, alarm: AlarmType) =>
      m.succeed({ alarm: AlarmRequest.create({ action: ACTIVATE, memberID: 5n, alarm }) });
    const m = new Machine();
    raise(m, AlarmType.NOSPACE);
    expect(m.apply(grant(1n)).error?.message).toMatch('database space exceeded');
    m.succeed(revoke(7n));
    raise(m, AlarmType.CORRUPT);
    expect(m.apply(grant(1n)).error?.message).toMatch('corrupt cluster');
    expect(m.apply(revoke(7n)).error?.message).toMatch('corrupt cluster');
  });
});

describe('a revocation', () => {
  test('deletes the keys in the order of their bytes, at one revision, and the record with them', () => {
    const m = new Machine();
    for (const key of ['z', 'a\0', '\xff', 'a']) m.put(key, key, { lease: 7n });
    m.put('free', '');
    expect(m.succeed(revoke(7n))).toMatchObject({ header: { revision: 7 } });
    const deleted: string[] = [];
    m.backend.scan('key', bytes(''), undefined, (key, value) => {
      if (key.length === 18) deleted.push(`${key[7]}.${key[16]} ${text(value.subarray(2))}`);
    });
    expect(deleted).toEqual(['7.0 a', '7.1 a\0', '7.2 z', '7.3 \xff']);
    expect(m.value('free')).toBe('');
    expect(records(m.backend)).toEqual([]);
    expect(m.apply(put7()).error?.message).toMatch('lease not found');
  });

  test('of a lease without keys leaves the revision; of none is refused', () => {
    const m = new Machine();
    m.put('a', '', { lease: 7n });
    m.put('a', '');
    expect(m.succeed(revoke(7n))).toMatchObject({ header: { revision: 3 } });
    expect(m.apply(revoke(7n)).error?.message).toBe('etcdserver: requested lease not found');
    expect(m.value('a')).toBe('');
  });

  test('finds keys that transactions have attached, and misses those that they have taken', () => {
    const m = new Machine();
    m.put('taken', '', { lease: 7n });
    m.put('deleted', '', { lease: 7n });
    m.txn(txn([op.put('new', '', { lease: 7n }), op.put('taken'), op.deletion('deleted')]));
    m.put('deleted', 'again');
    m.succeed(revoke(7n));
    expect(['new', 'taken', 'deleted'].map((key) => m.value(key))).toEqual([undefined, '', 'again']);
  });
});

test('a checkpoint sets what is left, whether the lease is there or not', () => {
  const m = new Machine();
  m.succeed(checkpoint(7n, 40));
  m.succeed(checkpoint(8n, 40));
  m.lessor.promote(0);
  expect(m.lessor.timeToLive(7n)).toMatchObject({ grantedTtlSeconds: 100, remainingTtlSeconds: 40 });
});

const put7 = (): Partial<InternalRaftRequest> => ({ put: put('a', '', { lease: 7n }) });

/** Random requests over few keys and leases; lease 9 never exists. */
const request: fc.Arbitrary<Partial<InternalRaftRequest>> = (() => {
  const key = fc.constantFrom('a', 'b', 'b\0', 'c', '\xff');
  const lease = fc.constantFrom(0n, 0n, 1n, 2n, -3n, 9n);
  const id = fc.constantFrom(1n, 2n, -3n);
  const onePut = fc.tuple(key, lease).map(([k, l]) => put(k, 'v', { lease: l }));
  return fc.oneof(
    { weight: 4, arbitrary: onePut.map((one) => ({ put: one })) },
    { weight: 1, arbitrary: key.map((k) => ({ put: put(k, 'kept', { ignore_lease: true }) })) },
    { weight: 1, arbitrary: fc.tuple(key, key).map(([from, to]) => ({ delete_range: deletion(from, to) })) },
    { weight: 1, arbitrary: key.map((k) => ({ delete_range: deletion(k) })) },
    {
      weight: 1,
      arbitrary: fc.tuple(key, lease, key).map(([k, l, other]) => ({
        txn: txn([op.deletion(other), op.put(`${k}2`, '', { lease: l }), op.put(k, '', { lease: l })]),
      })),
    },
    { weight: 2, arbitrary: id.map((each) => grant(each)) },
    { weight: 1, arbitrary: id.map(revoke) },
    { weight: 1, arbitrary: fc.tuple(id, fc.nat(100)).map(([each, left]) => checkpoint(each, left)) },
  );
})();

/** Which keys each lease must have: those whose stored pair names it. */
function attachedByDefinition(m: Machine): Map<bigint, string[]> {
  const attached = new Map<bigint, string[]>();
  for (const { key, lease } of m.store.range(bytes('\0'), bytes('\0')).kvs) {
    if (lease !== 0n) attached.set(lease, [...(attached.get(lease) ?? []), text(key) as string]);
  }
  return attached;
}

function expectAttachments(m: Machine, lessor = m.lessor): void {
  const expected = attachedByDefinition(m);
  for (const id of lessor.list()) expect(lessor.keysOf(id), `lease ${id}`).toEqual(expected.get(id) ?? []);
  for (const id of expected.keys()) expect(lessor.exists(id), `lease ${id}`).toBe(true);
}

/** What a restart reads from the backend. */
function restarted(backend: MemoryBackend): { lessor: Lessor; store: MvccStore } {
  const lessor = new Lessor({ backend, now: () => 0, minTtlSeconds: 2 });
  lessor.restore();
  const store = new MvccStore(backend, { onRestore: (key, lease) => lessor.restoreKey(key, lease) });
  store.restore();
  return { lessor, store };
}

describe('whatever is applied', () => {
  test('a lease has exactly the keys whose pairs name it, before and after a restart', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const m = new Machine();
        for (const each of requests) {
          m.apply(each);
          expectAttachments(m);
        }
        expectAttachments(m, restarted(m.backend).lessor);
      }),
    );
  });

  test('members on different clocks, one of them leading, have the same data and give the same answers', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), fc.nat(1_000_000), (requests, stepMs) => {
        const [leader, follower] = [new Machine(), new Machine()];
        leader.lessor.promote(0);
        for (const each of requests) {
          leader.nowMs += stepMs;
          const one = leader.apply(InternalRaftRequest.create(each));
          const other = follower.apply(InternalRaftRequest.create(each));
          expect(one.response).toEqual(other.response);
          expect(one.error?.message).toBe(other.error?.message);
        }
        for (const bucket of bucketNames) {
          expect(records(leader.backend, bucket)).toEqual(records(follower.backend, bucket));
        }
      }),
      { numRuns: 50 },
    );
  });
});
