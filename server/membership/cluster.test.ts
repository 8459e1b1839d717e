import { describe, expect, test } from 'vitest';
import type { Backend } from '../backend/backend.ts';
import { type ConfChange, ConfChangeType } from '../proto/gen/raft.ts';
import { Cluster } from './cluster.ts';
import { initialMembers, parseInitialCluster } from './initial-cluster.ts';
import { encodeContext, type Member, newMember } from './member-json.ts';
import { MembershipError } from './records.ts';

/** A backend of strings in memory; `dump` shows what would be on disk. */
class MemoryBackend implements Pick<Backend, 'get' | 'scan' | 'put' | 'delete'> {
  readonly dump = new Map<string, string>();

  get(bucket: string, key: Uint8Array): Uint8Array | undefined {
    const value = this.dump.get(`${bucket}/${Buffer.from(key)}`);
    return value === undefined ? undefined : Buffer.from(value);
  }

  scan(bucket: string, _start: Uint8Array, _end: Uint8Array | undefined, visit: Parameters<Backend['scan']>[3]): void {
    for (const [path, value] of [...this.dump].sort()) {
      const [name, key = ''] = path.split('/');
      if (name === bucket) visit(Buffer.from(key), Buffer.from(value));
    }
  }

  put(bucket: string, key: Uint8Array, value: Uint8Array): void {
    this.dump.set(`${bucket}/${Buffer.from(key)}`, Buffer.from(value).toString());
  }

  delete(bucket: string, key: Uint8Array): void {
    this.dump.delete(`${bucket}/${Buffer.from(key)}`);
  }
}

function setUp(): { backend: MemoryBackend; cluster: Cluster } {
  const backend = new MemoryBackend();
  return { backend, cluster: Cluster.load(77n, backend as unknown as Backend) };
}

function change(type: ConfChangeType, id: bigint, fields?: Partial<Member>, isPromote = false): ConfChange {
  const context = Buffer.from(encodeContext({ member: newMember({ id, ...fields }), isPromote }));
  return { id: 0n, type, node_id: id, ...(fields === undefined ? {} : { context }) };
}

const add = (id: bigint, url = `http://m${id}:1`) => change(ConfChangeType.ConfChangeAddNode, id, { peerURLs: [url] });
const addLearner = (id: bigint) =>
  change(ConfChangeType.ConfChangeAddLearnerNode, id, { peerURLs: [`http://m${id}:1`], isLearner: true });
const promote = (id: bigint) => change(ConfChangeType.ConfChangeAddNode, id, {}, true);
const update = (id: bigint, url: string) => change(ConfChangeType.ConfChangeUpdateNode, id, { peerURLs: [url] });
const remove = (id: bigint) => change(ConfChangeType.ConfChangeRemoveNode, id);

describe('a new cluster', () => {
  test('knows its members at once, and has them in the database once their additions are applied', () => {
    const backend = new MemoryBackend();
    const initial = parseInitialCluster('a=http://a:1,b=http://b:1');
    const { clusterId, members: initialOnes } = initialMembers(initial, 't');
    const cluster = Cluster.fromMembers(clusterId, initialOnes, backend as unknown as Backend);
    const members = cluster.members();
    expect(members.map((member) => member.name).sort()).toEqual(['a', 'b']);
    expect(backend.dump.size).toBe(0);
    expect(cluster.v2StoreInput().members).toEqual([]);
    for (const member of members) {
      const bootstrap = change(ConfChangeType.ConfChangeAddNode, member.id, member);
      expect(cluster.validateConfChange(bootstrap)).toBeUndefined();
      expect(cluster.applyConfChange(bootstrap)).toEqual({ kind: 'added', member });
      expect(cluster.validateConfChange(bootstrap)?.message).toBe('etcdserver: member ID already exist');
    }
    expect(Cluster.load(cluster.id, backend as unknown as Backend).members()).toEqual(members);
  });
});

describe('a membership change', () => {
  test('is written as upstream writes it', () => {
    const { backend, cluster } = setUp();
    cluster.applyConfChange(add(0xffff_ffff_ffff_fffen));
    cluster.applyConfChange(add(0x0an));
    cluster.setAttributes(0x0an, { name: 'm', clientURLs: ['http://c:1'] });
    cluster.applyConfChange(remove(0xffff_ffff_ffff_fffen));
    cluster.setVersion('3.5.0');
    cluster.setDowngrade({ enabled: true, targetVersion: '3.4.0' });
    expect(Object.fromEntries(backend.dump)).toEqual({
      'members/a': '{"id":10,"peerURLs":["http://m10:1"],"name":"m","clientURLs":["http://c:1"]}',
      'members_removed/fffffffffffffffe': 'removed',
      'cluster/clusterVersion': '3.5.0',
      'cluster/downgrade': '{"target-version":"3.4.0","enabled":true}',
    });
  });

  test('survives a restart, whatever it was', () => {
    const { backend, cluster } = setUp();
    for (const each of [add(1n), add(2n), addLearner(3n), promote(3n), update(2n, 'http://new:1'), remove(1n)]) {
      cluster.applyConfChange(each);
    }
    cluster.setVersion('3.5.0');
    cluster.setDowngrade({ enabled: true, targetVersion: '3.4.0' });
    const again = Cluster.load(77n, backend as unknown as Backend);
    expect(again.members()).toEqual(cluster.members());
    expect(again.members()).toEqual([
      newMember({ id: 2n, peerURLs: ['http://new:1'] }),
      newMember({ id: 3n, peerURLs: ['http://m3:1'] }),
    ]);
    expect(again.isRemoved(1n)).toBe(true);
    expect(again.version()).toBe('3.5.0');
    expect(again.downgrade()).toEqual({ enabled: true, targetVersion: '3.4.0' });
    expect(again.v2StoreInput()).toEqual({ members: again.members(), removed: [1n], clusterVersion: '3.5.0' });
  });

  test('tells what it did', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    expect(cluster.applyConfChange(addLearner(3n))).toMatchObject({ kind: 'added', member: { isLearner: true } });
    expect(cluster.applyConfChange(promote(3n))).toMatchObject({ kind: 'promoted', member: { isLearner: false } });
    expect(cluster.applyConfChange(update(3n, 'http://x:1'))).toMatchObject({
      kind: 'updated',
      member: { peerURLs: ['http://x:1'] },
    });
    expect(cluster.applyConfChange(remove(3n))).toEqual({ kind: 'removed', id: 3n });
  });

  test.each([
    ['an addition of a removed member', remove(1n), add(1n), 'etcdserver: member not found'],
    ['an addition of a member that is there', undefined, add(1n), 'etcdserver: member ID already exist'],
    ['an addition with a URL in use', undefined, add(5n, 'http://m1:1'), 'etcdserver: Peer URLs already exists'],
    ['a second learner', undefined, addLearner(5n), 'etcdserver: too many learner members in cluster'],
    ['a promotion of a voter', undefined, promote(1n), 'etcdserver: can only promote a learner member'],
    ['a promotion of nobody', undefined, promote(9n), 'etcdserver: member not found'],
    ['a removal of nobody', undefined, remove(9n), 'etcdserver: member not found'],
    ['an update of nobody', undefined, update(9n, 'http://x:1'), 'etcdserver: member not found'],
    ['an update to another’s URL', undefined, update(1n, 'http://m2:1'), 'etcdserver: Peer URLs already exists'],
  ])('%s is refused', (_, before, refused, text) => {
    const { backend, cluster } = setUp();
    for (const each of [add(1n), add(2n), addLearner(3n)]) cluster.applyConfChange(each);
    if (before !== undefined) cluster.applyConfChange(before);
    expect(cluster.validateConfChange(refused)?.message).toBe(text);
    const dump = [...backend.dump];
    expect(() => cluster.applyConfChange(refused)).toThrow(MembershipError);
    expect([...backend.dump]).toEqual(dump);
  });

  test('that updates a learner makes a voter of it unless it says otherwise, as with upstream', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    cluster.applyConfChange(addLearner(3n));
    const kept = { peerURLs: ['http://x:1'], isLearner: true };
    cluster.applyConfChange(change(ConfChangeType.ConfChangeUpdateNode, 3n, kept));
    expect(cluster.member(3n)).toMatchObject(kept);
    cluster.applyConfChange(update(3n, 'http://y:1'));
    expect(cluster.member(3n)).toMatchObject({ peerURLs: ['http://y:1'], isLearner: false });
  });

  test('that would leave no voter is refused', () => {
    const { cluster } = setUp();
    for (const each of [add(1n), addLearner(3n)]) cluster.applyConfChange(each);
    expect(cluster.validateConfChange(remove(1n))?.message).toBe(
      'etcdserver: re-configuration failed due to not enough started members',
    );
    expect(cluster.validateConfChange(remove(3n))).toBeUndefined();
    cluster.applyConfChange(promote(3n));
    expect(cluster.validateConfChange(remove(1n))).toBeUndefined();
  });

  test('is judged again by the members of its time, and changes no database then', () => {
    const was = { members: [newMember({ id: 1n, peerURLs: ['http://m1:1'] })], removed: [7n] };
    const cluster = Cluster.recall(77n, was);
    expect(cluster.validateConfChange(add(7n))?.message).toBe('etcdserver: member not found');
    expect(cluster.validateConfChange(add(5n, 'http://m1:1'))?.message).toBe('etcdserver: Peer URLs already exists');
    cluster.applyConfChange(add(2n));
    expect(cluster.validateConfChange(add(2n))?.message).toBe('etcdserver: member ID already exist');
    cluster.applyConfChange(remove(1n));
    expect(cluster.members().map(({ id }) => id)).toEqual([2n]);
  });

  test('may keep a member’s own URL', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    expect(cluster.validateConfChange(update(1n, 'http://m1:1'))).toBeUndefined();
  });

  test('cannot be made by changing what was handed out', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    cluster.members()[0]?.peerURLs.push('http://evil:1');
    cluster.member(1n)?.clientURLs.push('http://evil:1');
    expect(cluster.member(1n)).toEqual(newMember({ id: 1n, peerURLs: ['http://m1:1'] }));
  });

  test('attributes of a member that is gone change nothing', () => {
    const { backend, cluster } = setUp();
    expect(cluster.setAttributes(5n, { name: 'x', clientURLs: [] })).toBeUndefined();
    expect(backend.dump.size).toBe(0);
  });
});

describe('a database with nonsense in it', () => {
  test.each([
    ['members/xyz', '{"id":1}', 'key "xyz" of bucket members is not a member id'],
    ['members/1', '{', 'record of member 1'],
    ['members_removed/-', 'removed', 'key "-" of bucket members_removed'],
    ['cluster/downgrade', '{', 'cluster/downgrade'],
  ])('%s = %s is refused by name', (path, value, text) => {
    const { backend, cluster } = setUp();
    cluster.applyConfChange(add(1n));
    backend.dump.set(path, value);
    expect(() => Cluster.load(cluster.id, backend as unknown as Backend)).toThrow(text);
  });
});

describe('strict reconfiguration', () => {
  const start = (cluster: Cluster, ...ids: bigint[]) => {
    for (const id of ids) cluster.setAttributes(id, { name: `m${id}`, clientURLs: [] });
  };

  test('lets one member grow to two, but not on before the second has started', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    start(cluster, 1n);
    expect(cluster.canAddVoter()).toBe(true);
    cluster.applyConfChange(add(2n));
    expect(cluster.canAddVoter()).toBe(false);
    start(cluster, 2n);
    expect(cluster.canAddVoter()).toBe(true);
  });

  test('refuses to remove the last member, or a started one when the rest would have no quorum', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    start(cluster, 1n);
    expect(cluster.canRemoveVoter(1n)).toBe(false);
    cluster.applyConfChange(add(2n));
    expect(cluster.canRemoveVoter(1n)).toBe(false);
    expect(cluster.canRemoveVoter(2n)).toBe(true);
  });

  test('counts a learner that is to be promoted as started', () => {
    const { cluster } = setUp();
    cluster.applyConfChange(add(1n));
    start(cluster, 1n);
    cluster.applyConfChange(addLearner(2n));
    expect(cluster.canPromoteLearner()).toBe(true);
    cluster.applyConfChange(add(3n));
    cluster.applyConfChange(add(4n));
    expect(cluster.canPromoteLearner()).toBe(false);
  });
});
