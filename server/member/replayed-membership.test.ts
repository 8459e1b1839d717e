/** What raft is told of membership changes when a log is applied for the first time, and when it is replayed. */
import { describe, expect, test } from 'vitest';
import { BoltBackend } from '../backend/bolt-backend.ts';
import { silentLogger } from '../base/logger.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { Cluster, encodeContext, newMember } from '../membership/mod.ts';
import { ConfChange, ConfChangeType, ConfState, Entry, EntryType, Snapshot } from '../proto/gen/raft.ts';
import { encodeV2Store } from '../snap/mod.ts';
import { isJustRestored, replayedMembership } from './replayed-membership.ts';
import { StateMachine } from './state-machine.ts';

const { ConfChangeAddNode, ConfChangeRemoveNode } = ConfChangeType;

function entry(index: number, type: ConfChangeType, id: bigint, url = `http://m${id}:1`): Entry {
  const context = Buffer.from(encodeContext({ member: newMember({ id, peerURLs: [url] }), isPromote: false }));
  const Data = ConfChange.encode(ConfChange.create({ id: BigInt(index), type, node_id: id, context }));
  return Entry.create({ Type: EntryType.EntryConfChange, Term: 1, Index: index, Data });
}

/** Applies a log. @returns the node ids that raft is told of, 0 for a change that was refused */
async function apply(fs: CrashFileSystem, snapshot: Snapshot, entries: Entry[]): Promise<bigint[]> {
  const backend = await BoltBackend.open('/db', { fs });
  const cluster = Cluster.load(7n, backend);
  const machine = StateMachine.open(
    backend,
    cluster,
    { log: silentLogger, quotaBackendBytes: 0 } as ConstructorParameters<typeof StateMachine>[2],
    replayedMembership(7n, snapshot, silentLogger),
  );
  const told: bigint[] = [];
  for (const each of entries) {
    machine.apply(each, ({ node_id }) => {
      told.push(node_id);
      return ConfState.create();
    });
  }
  await backend.close();
  return told;
}

/** m3 is refused, for m2 has its URL; m2 is gone at the end, so that the last membership would not refuse m3. */
const log = [
  entry(1, ConfChangeAddNode, 1n),
  entry(2, ConfChangeAddNode, 2n),
  entry(3, ConfChangeAddNode, 3n, 'http://m2:1'),
  entry(4, ConfChangeRemoveNode, 2n),
];

describe('a change that was refused', () => {
  test('is refused again when the log is replayed from its beginning', async () => {
    const fs = new CrashFileSystem();
    expect(await apply(fs, Snapshot.create(), log)).toEqual([1n, 2n, 0n, 2n]);
    expect(await apply(fs, Snapshot.create(), log)).toEqual([1n, 2n, 0n, 2n]);
  });

  test('is refused again when the log is replayed from a snapshot', async () => {
    const fs = new CrashFileSystem();
    await apply(fs, Snapshot.create(), log);
    const members = [1n, 2n].map((id) => newMember({ id, peerURLs: [`http://m${id}:1`] }));
    const data = encodeV2Store({ members, removed: [], index: 2 });
    const snapshot = Snapshot.create({ data, metadata: { index: 2, term: 1, conf_state: ConfState.create() } });
    expect(await apply(fs, snapshot, log.slice(2))).toEqual([0n, 2n]);
  });
});

test('replay goes on where the database ends, by the membership that it has', async () => {
  const fs = new CrashFileSystem();
  await apply(fs, Snapshot.create(), log);
  const more = [...log, entry(5, ConfChangeAddNode, 2n), entry(6, ConfChangeAddNode, 3n)];
  // m2 was removed for good; its URL is free again.
  expect(await apply(fs, Snapshot.create(), more)).toEqual([1n, 2n, 0n, 2n, 0n, 3n]);
});

test.each([
  ['is empty, as those of etcd 3.8', ''],
  ['is no v2 store', '{'],
  ['has no members', '{"Root":{"Path":"/"}}'],
])('a snapshot whose data %s leaves all changes accepted', async (_, data) => {
  const fs = new CrashFileSystem();
  await apply(fs, Snapshot.create(), log);
  const metadata = { index: 2, term: 1, conf_state: ConfState.create() };
  expect(await apply(fs, Snapshot.create({ data: Buffer.from(data), metadata }), log.slice(2))).toEqual([3n, 2n]);
});

describe('a data directory with a snapshot', () => {
  const members = [1n, 2n].map((id) => newMember({ id, peerURLs: [`http://m${id}:1`] }));
  const snapshot = (index: number, term: number, clusterVersion?: string): Snapshot =>
    Snapshot.create({
      data: encodeV2Store({ members, removed: [], index, ...(clusterVersion !== undefined && { clusterVersion }) }),
      metadata: { index, term, conf_state: ConfState.create() },
    });

  test('of its members alone has just been restored, until something is applied', () => {
    expect(isJustRestored(snapshot(2, 1), 2)).toBe(true);
    expect(isJustRestored(snapshot(2, 1), 3)).toBe(false);
  });

  test.each([
    ['of more than its members', snapshot(3, 1), 3],
    ['of a later term', snapshot(2, 2), 2],
    ['that knows its version', snapshot(2, 1, '3.5.0'), 2],
    ['without membership', Snapshot.create({ metadata: { index: 2, term: 1, conf_state: ConfState.create() } }), 2],
    ['that cannot be read', { ...snapshot(2, 1), data: Buffer.from('{') }, 2],
    ['that is none', Snapshot.create(), 0],
  ])('%s was not just restored', (_, of, appliedIndex) => {
    expect(isJustRestored(of, appliedIndex)).toBe(false);
  });
});
