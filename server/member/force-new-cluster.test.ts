import { describe, expect, test } from 'vitest';
import { encodeContext, newMember } from '../membership/mod.ts';
import { ConfChange, ConfChangeType, ConfState, Entry, EntryType, Snapshot } from '../proto/gen/raft.ts';
import { type StandaloneInput, standaloneLog } from './force-new-cluster.ts';

function entry(index: number, change?: Partial<ConfChange>): Entry {
  const data = change === undefined ? undefined : ConfChange.encode(ConfChange.create(change));
  const Type = data === undefined ? EntryType.EntryNormal : EntryType.EntryConfChange;
  return Entry.create({ Type, Term: 2, Index: index, ...(data && { Data: data }) });
}

const add = (node_id: bigint) => ({ type: ConfChangeType.ConfChangeAddNode, node_id });
const addLearner = (node_id: bigint) => ({ type: ConfChangeType.ConfChangeAddLearnerNode, node_id });
const remove = (node_id: bigint) => ({ type: ConfChangeType.ConfChangeRemoveNode, node_id });

function snapshotAt(index: number, confState: Partial<ConfState>): Snapshot {
  return Snapshot.create({ metadata: { index, term: 1, conf_state: ConfState.create(confState) } });
}

function forced(input: Partial<StandaloneInput>) {
  const log = standaloneLog({
    id: 1n,
    snapshot: Snapshot.create(),
    hardState: { term: 5, vote: 3n, commit: 3 },
    entries: [entry(1, add(1n)), entry(2, add(2n)), entry(3, add(3n))],
    appliedIndex: 0,
    peerURLs: ['http://self:2380'],
    ...input,
  });
  const changes = log.appended.map(({ Index, Term, Data }) => {
    const { type, node_id, context } = ConfChange.decode(Data ?? new Uint8Array());
    const said = context === undefined || context.length === 0 ? '' : Buffer.from(context).toString();
    return [Index, Term, type, node_id, said];
  });
  return { ...log, indexes: log.entries.map(({ Index }) => Index), changes };
}

describe('the log of a forced new cluster', () => {
  test('removes every other member, in the order of their ids, and is committed to its end', () => {
    const { changes, hardState, indexes } = forced({});
    const { ConfChangeRemoveNode } = ConfChangeType;
    expect(changes).toEqual([
      [4, 5, ConfChangeRemoveNode, 2n, ''],
      [5, 5, ConfChangeRemoveNode, 3n, ''],
    ]);
    expect(hardState).toEqual({ term: 5, vote: 3n, commit: 5 });
    expect(indexes).toEqual([1, 2, 3, 4, 5]);
  });

  test('loses what was not committed', () => {
    const entries = [entry(1, add(1n)), entry(2, add(2n)), entry(3), entry(4, add(9n)), entry(5)];
    const { changes, indexes } = forced({ entries });
    expect(indexes).toEqual([1, 2, 3, 4]);
    expect(changes.map(([index, , , id]) => [index, id])).toEqual([[4, 2n]]);
  });

  test('keeps what the database holds the effect of, although the commit index on disk is behind it', () => {
    const entries = [entry(1, add(1n)), entry(2, add(2n)), entry(3), entry(4), entry(5)];
    expect(forced({ entries, appliedIndex: 4 }).indexes).toEqual([1, 2, 3, 4, 5]);
    expect(forced({ entries, appliedIndex: 4 }).changes[0]?.[0]).toBe(5);
  });

  test('counts members of the snapshot, learners among them, and what changed behind it', () => {
    const snapshot = snapshotAt(10, { voters: [1n, 2n, 3n], learners: [4n] });
    const entries = [entry(11, remove(2n)), entry(12, add(4n)), entry(13, addLearner(5n))];
    const { changes } = forced({ snapshot, entries, hardState: { term: 5, vote: 0n, commit: 13 } });
    expect(changes.map(([index, , type, id]) => [index, type, id])).toEqual([
      [14, ConfChangeType.ConfChangeRemoveNode, 3n],
      [15, ConfChangeType.ConfChangeRemoveNode, 4n],
      [16, ConfChangeType.ConfChangeRemoveNode, 5n],
    ]);
  });

  test('begins behind the snapshot when there is nothing else', () => {
    const snapshot = snapshotAt(10, { voters: [1n, 2n] });
    const { hardState, indexes } = forced({ snapshot, entries: [], hardState: { term: 5, vote: 0n, commit: 10 } });
    expect(indexes).toEqual([11]);
    expect(hardState.commit).toBe(11);
  });

  test('adds the member first when it is not among the members, and promotes it when it is a learner', () => {
    const self = newMember({ id: 9n, peerURLs: ['http://self:2380'] });
    expect(forced({ id: 9n }).changes.slice(0, 2)).toEqual([
      [4, 5, ConfChangeType.ConfChangeAddNode, 9n, encodeContext({ member: self, isPromote: false })],
      [5, 5, ConfChangeType.ConfChangeRemoveNode, 1n, ''],
    ]);
    const entries = [entry(1, add(2n)), entry(2), entry(3, addLearner(1n))];
    expect(forced({ entries }).changes).toEqual([
      [4, 5, ConfChangeType.ConfChangeAddNode, 1n, '{"id":1,"peerURLs":null,"isPromote":true}'],
      [5, 5, ConfChangeType.ConfChangeRemoveNode, 2n, ''],
    ]);
  });

  test('stays as it is when the member is alone already', () => {
    const { appended, hardState } = forced({ entries: [entry(1, add(1n)), entry(2), entry(3)] });
    expect(appended).toEqual([]);
    expect(hardState.commit).toBe(3);
  });
});
