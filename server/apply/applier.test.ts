import { describe, expect, test } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import { MvccStore } from '../mvcc/mod.ts';
import { ClusterVersionSetRequest } from '../proto/gen/membership.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  type AlarmResponse,
  AlarmType,
  CompactionRequest,
  type DeleteRangeResponse,
  LeaseGrantRequest,
  type RangeResponse,
} from '../proto/gen/rpc.ts';
import { AlarmStore, Quota, quotaCost } from './mod.ts';
import { compare, deletion, Machine, op, put, range, text, txn } from './testing/machine.ts';

const { GET, ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction;
const { NONE, NOSPACE, CORRUPT } = AlarmType;
const spaceExceeded = 'etcdserver: mvcc: database space exceeded';

function alarm(m: Machine, action: AlarmRequest['action'], type: AlarmType, memberID = 5n): string {
  const response = m.succeed({ alarm: AlarmRequest.create({ action, memberID, alarm: type }) }) as AlarmResponse;
  return response.alarms.map((each) => `${each.memberID}:${each.alarm}`).join(' ');
}

describe('a put', () => {
  test('tells its revision and, if asked, the pair before it', () => {
    const m = new Machine();
    expect(m.put('a', '1').header?.revision).toBe(2);
    const response = m.put('a', '2', { prev_kv: true });
    expect([response.header?.revision, text(response.prev_kv?.value)]).toEqual([3, '1']);
    expect(m.put('b', '', { prev_kv: true }).prev_kv).toBeUndefined();
  });

  test('with a lease that does not exist is refused and changes nothing', () => {
    const m = new Machine();
    const { error } = m.apply({ put: put('a', 'v', { lease: 8n }) });
    expect([error?.code, error?.message]).toEqual([Code.NotFound, 'etcdserver: requested lease not found']);
    expect(m.store.currentRevision).toBe(1);
  });

  test('without a lease detaches the key from its lease; with ignore_lease it stays; again with the same it stays', () => {
    const m = new Machine();
    const leaseOf = () => m.store.range(Buffer.from('a'), Buffer.alloc(0)).kvs[0]?.lease;
    m.put('a', '1', { lease: 7n });
    m.put('a', '2', { ignore_lease: true });
    expect(leaseOf()).toBe(7n);
    m.put('a', '3', { lease: 7n });
    expect(leaseOf()).toBe(7n);
    m.put('a', '4');
    expect(leaseOf()).toBe(0n);
  });

  test('that ignores the value keeps it and takes a new lease', () => {
    const m = new Machine();
    m.put('a', 'kept');
    m.put('a', '', { ignore_value: true, lease: 7n });
    const [kv] = m.store.range(Buffer.from('a'), Buffer.alloc(0)).kvs;
    expect([text(kv?.value), kv?.lease, kv?.version]).toEqual(['kept', 7n, 2]);
  });

  test('that keeps a part of a missing key is refused, for the lease first', () => {
    const m = new Machine();
    expect(m.apply({ put: put('a', '', { ignore_value: true }) }).error?.message).toBe('etcdserver: key not found');
    expect(m.apply({ put: put('a', '', { ignore_value: true, lease: 8n }) }).error?.message).toMatch(/lease not found/);
    m.put('b');
    expect(m.store.currentRevision).toBe(2);
  });
});

describe('deleting, reading and compacting', () => {
  test('a deletion of nothing tells the unchanged revision', () => {
    const m = new Machine();
    m.put('a');
    const nothing = m.succeed({ delete_range: deletion('x', 'z') }) as DeleteRangeResponse;
    expect([nothing.deleted, nothing.header?.revision]).toEqual([0, 2]);
    const all = m.succeed({ delete_range: deletion('\0', '\0', { prev_kv: true }) }) as DeleteRangeResponse;
    expect([all.deleted, all.header?.revision, all.prev_kvs.length]).toEqual([1, 3, 1]);
  });

  test('a range may come through the log', () => {
    const m = new Machine();
    m.put('a', 'v');
    expect((m.succeed({ range: range('a') }) as RangeResponse).count).toBe(1);
  });

  test('a compaction answers at once with the current revision, and tells when it is done', async () => {
    const m = new Machine();
    m.put('a', '1');
    m.put('a', '2');
    const result = m.apply({ compaction: CompactionRequest.create({ revision: 2, physical: true }) });
    expect(result.response?.header?.revision).toBe(3);
    await result.compacted;
    expect(m.store.compactRevision).toBe(2);
    const again = m.apply({ compaction: CompactionRequest.create({ revision: 2 }) });
    expect([again.error?.code, again.compacted]).toEqual([Code.OutOfRange, undefined]);
  });
});

describe('the quota', () => {
  test.each([
    ['a put costs its key, its value and 256', { put: put('abc', 'de') }, 261],
    ['a lease costs 64', { lease_grant: LeaseGrantRequest.create() }, 64],
    ['a transaction costs its dearer branch', { txn: txn([op.put('a')], [op.put('b'), op.put('cc')]) }, 515],
    ['what writes nothing costs nothing', { txn: txn([op.range('a'), op.deletion('a')]) }, 0],
    ['puts in nested transactions do not count in 3.5', { txn: txn([op.txn([op.put('a')])]) }, 0],
  ])('%s', (_, request, expected) => {
    expect(quotaCost(request)).toBe(expected);
  });

  test('is 2 GiB unless told, and none when negative', () => {
    expect(new Quota(0, () => 0).limitBytes).toBe(2_147_483_648);
    expect(new Quota(-1, () => Number.MAX_SAFE_INTEGER).admits(1)).toBe(true);
  });

  test('is reached when file and cost come to it', () => {
    expect(new Quota(1000, () => 700).admits(299)).toBe(true);
    expect(new Quota(1000, () => 700).admits(300)).toBe(false);
    expect(new Quota(1000, () => 2000).admits(0)).toBe(true);
  });

  test('that a put exceeds only when applied does not undo it: it is applied and answered with an error', () => {
    const m = new Machine({ quota: new Quota(1000, () => 1000) });
    const result = m.apply({ put: put('a', 'v') });
    expect(result.error?.message).toBe(spaceExceeded);
    expect(result.response?.header?.revision).toBe(2);
    expect(m.value('a')).toBe('v');
  });

  test('gives way to what else is wrong with the request', () => {
    const m = new Machine({ quota: new Quota(1000, () => 1000) });
    expect(m.apply({ put: put('a', 'v', { lease: 8n }) }).error?.message).toMatch(/lease not found/);
  });
});

describe('alarms', () => {
  test('are one for each member and type, and are cleared one by one', () => {
    const m = new Machine();
    expect(alarm(m, ACTIVATE, NOSPACE, 5n)).toBe('5:1');
    expect(alarm(m, ACTIVATE, NOSPACE, 5n)).toBe('5:1');
    expect(alarm(m, ACTIVATE, NOSPACE, 6n)).toBe('6:1');
    expect(alarm(m, ACTIVATE, CORRUPT, 5n)).toBe('5:2');
    expect(alarm(m, GET, NONE)).toBe('5:1 5:2 6:1');
    expect(alarm(m, GET, NOSPACE)).toBe('5:1 6:1');
    expect(alarm(m, DEACTIVATE, NOSPACE, 5n)).toBe('5:1');
    expect(alarm(m, DEACTIVATE, NOSPACE, 5n)).toBe('');
    expect(alarm(m, GET, NONE)).toBe('5:2 6:1');
  });

  test('of type NONE are raised in silence: success, and nothing is', () => {
    const m = new Machine();
    expect(alarm(m, ACTIVATE, NONE)).toBe('');
    expect(alarm(m, GET, NONE)).toBe('');
  });

  test('of types and with actions that nobody has defined do nothing', () => {
    const m = new Machine();
    expect(alarm(m, ACTIVATE, 9 as AlarmType)).toBe('');
    expect(alarm(m, 9 as AlarmRequest['action'], NOSPACE)).toBe('');
    expect(alarm(m, GET, NONE)).toBe('');
  });

  test('lie in bucket alarm as upstream keeps them, and are there after a restart', () => {
    const m = new Machine();
    alarm(m, ACTIVATE, NOSPACE, 0x27d9ec074a11489an);
    expect(m.backend.get('alarm', Buffer.from('089a91c5d0f480fbec271001', 'hex'))).toHaveLength(0);
    const next = new AlarmStore(m.backend);
    next.restore();
    expect(next.list(NONE)).toEqual(m.alarms.list(NONE));
    alarm(m, DEACTIVATE, NOSPACE, 0x27d9ec074a11489an);
    expect(m.backend.get('alarm', Buffer.from('089a91c5d0f480fbec271001', 'hex'))).toBeUndefined();
  });

  const requests: Record<string, Partial<InternalRaftRequest>> = {
    put: { put: put('a') },
    'txn with a put': { txn: txn([], [op.put('b')]) },
    'txn without a put': { txn: txn([op.deletion('b')]) },
    'txn with a nested put': { txn: txn([op.txn([op.put('c')])]) },
    range: { range: range('a') },
    delete: { delete_range: deletion('a') },
    compaction: { compaction: CompactionRequest.create({ revision: 2 }) },
    'lease grant': { lease_grant: LeaseGrantRequest.create() },
  };

  test('NOSPACE of any member refuses what may need room, and lets work what may make room', () => {
    const m = new Machine();
    m.put('a');
    alarm(m, ACTIVATE, NOSPACE);
    const refused = Object.keys(requests).filter(
      (name) => m.apply(requests[name] ?? {}).error?.message === spaceExceeded,
    );
    expect(refused).toEqual(['put', 'txn with a put', 'lease grant']);
    alarm(m, DEACTIVATE, NOSPACE);
    expect(m.apply({ put: put('a') }).error).toBeUndefined();
  });

  test('CORRUPT of any member refuses everything on keys and leases', () => {
    const m = new Machine();
    m.put('a');
    alarm(m, ACTIVATE, CORRUPT);
    for (const name of Object.keys(requests)) {
      expect(m.apply(requests[name] ?? {}).error?.message, name).toBe('etcdserver: corrupt cluster');
    }
    expect(m.store.currentRevision).toBe(2);
    expect(alarm(m, DEACTIVATE, CORRUPT)).toBe('5:2');
    expect(m.apply({ put: put('a') }).error).toBeUndefined();
  });
});

describe('other requests', () => {
  test('on membership go to their handler', () => {
    const m = new Machine();
    const request = ClusterVersionSetRequest.create({ ver: '3.5.0' });
    expect(m.apply({ cluster_version_set: request })).toEqual({});
    expect(m.membershipCalls).toEqual([request]);
  });

  test('of a kind to come stop the member: going on without them would make it differ', () => {
    const m = new Machine();
    expect(() => m.apply({ header: { ID: 1n, username: '', auth_revision: 0 } })).toThrow('does not implement');
  });

  test('damage is thrown, so that the member stops', () => {
    const m = new Machine();
    m.put('a', 'v');
    m.backend.delete('key', Buffer.from('00000000000000025f0000000000000000', 'hex'));
    expect(() => m.apply({ put: put('a', '', { prev_kv: true }) })).toThrow(/damaged/);
  });
});

describe('the state machine', () => {
  test('comes to the same data on every member, also on one that was restarted on the way', async () => {
    const log = Array.from({ length: 60 }, (_, i) =>
      InternalRaftRequest.encode(
        InternalRaftRequest.create(
          i % 7 === 6
            ? { delete_range: deletion(`k${i % 5}`, 'k3') }
            : {
                txn: txn([op.put(`k${i % 5}`, `${i}`)], [op.put('other')], [compare(`k${i % 3}`, { version: i % 4 })]),
              },
        ),
      ),
    );
    const one = new Machine();
    const two = new Machine();
    for (const entry of log) one.apply(InternalRaftRequest.decode(entry));
    for (const entry of log.slice(0, 30)) two.apply(InternalRaftRequest.decode(entry));
    const store = new MvccStore(two.backend);
    store.restore();
    const three = new Machine({ store });
    for (const entry of log.slice(30)) three.apply(InternalRaftRequest.decode(entry));
    expect(store.hashKv(0)).toEqual(one.store.hashKv(0));
    expect(store.currentRevision).toBeGreaterThan(30);
  });
});
