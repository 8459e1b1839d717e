import { expect, test } from 'vitest';
import {
  type LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../proto/gen/rpc.ts';
import { LineBench } from '../../rpc/testing/line-bench.ts';
import { NodeStore } from './node-store.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

/** A tree on a store in memory, and another client that writes right before this one's next change. */
function bench() {
  const store = new LineBench();
  const leases = new Set<bigint>();
  let lastLease = 0n;
  let others: string[] = [];
  const tree = new NodeStore({
    range: (request) => store.range(RangeRequest.create(request)),
    txn: async (request) => {
      const isChange = (request.compare ?? []).length > 0;
      const key = isChange ? others.shift() : undefined;
      if (key !== undefined) await store.put(PutRequest.create({ key: bytes(key) }));
      return store.txn(TxnRequest.create(request));
    },
    leaseGrant: async ({ TTL = 0 }: Partial<LeaseGrantRequest>) => {
      const ID = ++lastLease;
      store.machine.lessor.grant(ID, TTL);
      leases.add(ID);
      return LeaseGrantResponse.create({ ID, TTL });
    },
    leaseRevoke: async ({ ID = 0n }) => {
      leases.delete(ID);
      return LeaseRevokeResponse.create();
    },
    leaseTimeToLive: async ({ ID = 0n }) => LeaseTimeToLiveResponse.create({ ID, TTL: 1 }),
  });
  return {
    tree,
    store,
    leases,
    othersWrite: (...keys: string[]) => {
      others = keys;
    },
  };
}

const forever = { ttl: 0 };

test('a directory that is empty is removed; one that is filled at that moment is kept with what is in it', async () => {
  const { tree, store, othersWrite } = bench();
  await tree.write('/d', '', { ...forever, isDirectory: true });
  othersWrite('/d/new');
  await expect(tree.remove('/d', 'empty-directory')).rejects.toThrow('108: Directory not empty (/d)');
  expect(store.keys()).toEqual(['/d/', '/d/new']);
  await tree.write('/e', '', { ...forever, isDirectory: true });
  await tree.remove('/e', 'empty-directory');
  expect(store.keys()).toEqual(['/d/', '/d/new']);
});

test('a file is removed, but not what is written below it at that moment; a tree goes with everything', async () => {
  const { tree, store, othersWrite } = bench();
  await tree.write('/f', 'x', forever);
  othersWrite('/f/new');
  await expect(tree.remove('/f', 'file')).rejects.toThrow('108: Directory not empty (/f)');
  expect(store.keys()).toEqual(['/f', '/f/new']);
  othersWrite('/f/newer');
  await tree.remove('/f', 'tree');
  expect(store.keys()).toEqual([]);
});

test('a write with a time to live that is refused leaves no lease behind', async () => {
  const { tree, store, leases, othersWrite } = bench();
  await tree.write('/f', 'x', forever);
  await expect(tree.write('/f', 'y', { ttl: 5, mustNotExist: true })).rejects.toThrow('105: Key already exists');
  await expect(tree.write('/f/below', 'y', { ttl: 5 })).rejects.toThrow('104: Not a directory (/f)');
  othersWrite('/g');
  await expect(tree.write('/g', 'y', { ttl: 5, mustNotExist: true })).rejects.toThrow('105: Key already exists');
  expect([...leases]).toEqual([]);
  othersWrite('/h');
  await tree.write('/h', 'y', { ttl: 5 });
  const [kv] = (await store.range(RangeRequest.create({ key: bytes('/h') }), {} as never)).kvs;
  expect([...leases]).toEqual([kv?.lease]);
});

test('who writes in order takes the next name when another one has the first', async () => {
  const { tree, store, othersWrite } = bench();
  await tree.write('/q', '', { ...forever, isDirectory: true });
  const name = (revision: number): string => `/q/${String(revision).padStart(20, '0')}`;
  const { currentRevision } = store.store;
  othersWrite(name(currentRevision + 1));
  const { node } = await tree.writeInOrder('/q', 'mine', 0);
  expect(node.key).toBe(name(currentRevision + 2));
});
