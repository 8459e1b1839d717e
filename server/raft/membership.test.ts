import { describe, expect, test } from 'vitest';
import { ConfChange, ConfChangeType, ConfChangeV2, ConfState, EntryType, MessageType } from '../proto/gen/raft.ts';
import { ConfChangeError, ProposalDropped } from './errors.ts';
import { Cluster } from './testing/cluster.ts';
import { pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { ConfChangeAddNode, ConfChangeRemoveNode, ConfChangeUpdateNode, ConfChangeAddLearnerNode } = ConfChangeType;
const { MsgVoteResp, MsgApp, MsgAppResp, MsgTimeoutNow } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);
const change = (type: ConfChangeType, node_id: bigint): ConfChange => ConfChange.create({ type, node_id });
const addVoter = (id: bigint): ConfChange => change(ConfChangeAddNode, id);
const addLearner = (id: bigint): ConfChange => change(ConfChangeAddLearnerNode, id);
const remove = (id: bigint): ConfChange => change(ConfChangeRemoveNode, id);

function changeMembers(cluster: Cluster, what: ConfChange): void {
  cluster.leader?.node.proposeConfChange(what);
  cluster.settle();
}

describe('the configuration', () => {
  const apply = (what: ConfChange | ConfChangeV2): ConfState =>
    startNode({ voters: [3n, 1n, 2n], learners: [4n] }).applyConfChange(what);

  test.each([
    { what: 'gets a voter', by: addVoter(7n), voters: [1n, 2n, 3n, 7n], learners: [4n] },
    { what: 'gets a learner', by: addLearner(7n), voters: [1n, 2n, 3n], learners: [4n, 7n] },
    { what: 'has its learner promoted', by: addVoter(4n), voters: [1n, 2n, 3n, 4n], learners: [] },
    { what: 'has a voter demoted', by: addLearner(3n), voters: [1n, 2n], learners: [3n, 4n] },
    { what: 'loses a voter', by: remove(1n), voters: [2n, 3n], learners: [4n] },
    { what: 'loses its learner', by: remove(4n), voters: [1n, 2n, 3n], learners: [] },
    { what: 'stays when a stranger is removed', by: remove(9n), voters: [1n, 2n, 3n], learners: [4n] },
    {
      what: 'stays when a member is updated',
      by: change(ConfChangeUpdateNode, 2n),
      voters: [1n, 2n, 3n],
      learners: [4n],
    },
    { what: 'stays when the change was refused', by: remove(0n), voters: [1n, 2n, 3n], learners: [4n] },
    {
      what: 'takes a simple change in the second form',
      by: ConfChangeV2.create({ changes: [{ type: ConfChangeAddNode, node_id: 4n }] }),
      voters: [1n, 2n, 3n, 4n],
      learners: [],
    },
  ])('$what', ({ by, voters, learners }) => {
    expect(apply(by)).toEqual(ConfState.create({ voters, learners }));
  });

  test('does not change jointly', () => {
    const joint = ConfChangeV2.create({
      changes: [
        { type: ConfChangeAddNode, node_id: 5n },
        { type: ConfChangeRemoveNode, node_id: 1n },
      ],
    });
    expect(() => apply(joint)).toThrow(ConfChangeError);
    expect(() => apply(ConfChangeV2.create({}))).toThrow('joint consensus is not supported');
  });

  test('keeps at least one voter', () => {
    const node = startNode({ voters: [1n] });
    expect(() => node.applyConfChange(remove(1n))).toThrow('no voter would be left');
    expect(node.applyConfChange(addLearner(2n)).voters).toEqual([1n]);
  });
});

describe('a change of members (thesis §4.1)', () => {
  test('waits for the one before to be applied: a second becomes an empty entry', () => {
    const leader = startLeader();
    leader.proposeConfChange(addVoter(4n));
    leader.proposeConfChange(addVoter(5n));
    const [first, second] = leader.entries(2, 4, 1e9);
    expect(first?.Type).toBe(EntryType.EntryConfChange);
    expect(second).toEqual({ Type: EntryType.EntryNormal, Term: 1, Index: 3 });
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 3 });
    pump(leader);
    leader.proposeConfChange(addVoter(5n));
    expect(leader.entries(4, 5, 1e9)[0]?.Type).toBe(EntryType.EntryConfChange);
  });

  test('waits for a new leader to apply all that it has taken over', () => {
    const leader = startNode({ log: [1] });
    leader.campaign();
    pump(leader);
    receive(leader, { type: MsgVoteResp, from: 2n, term: 2 });
    leader.proposeConfChange(addVoter(4n));
    expect(leader.entries(3, 4, 1e9)[0]?.Type).toBe(EntryType.EntryNormal);
  });

  test('keeps a member from standing for election before it has applied it', () => {
    const confChange = { Type: EntryType.EntryConfChange, Term: 1, Index: 1, Data: ConfChange.encode(addVoter(4n)) };
    const node = startNode();
    receive(node, { type: MsgApp, from: 2n, term: 1, entries: [confChange], commit: 1 });
    const ready = node.ready();
    node.persisted(ready);
    node.campaign();
    expect(node.status().state).toBe('follower');
    const [entry] = node.ready().committedEntries;
    expect(entry?.Index).toBe(1);
    node.applyConfChange(addVoter(4n));
    node.applied(1);
    node.campaign();
    expect(node.status().state).toBe('candidate');
  });

  test('of several in a log that power failure has cut short, all but the last are committed', () => {
    // Else a member could campaign in a configuration that is two changes old.
    const node = startNode({
      entries: [4n, 5n].map((id, i) => ({
        Type: EntryType.EntryConfChange,
        Term: 1,
        Index: i + 1,
        Data: ConfChange.encode(addVoter(id)),
      })),
    });
    expect(node.status().commit).toBe(1);
    expect(node.ready().committedEntries.map(({ Index }) => Index)).toEqual([1]);
  });

  test('that removes a voter may commit what waited for its answer', () => {
    const leader = startLeader({ voters: [1n, 2n] });
    pump(leader);
    leader.proposeConfChange(remove(2n));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    pump(leader);
    leader.applyConfChange(remove(2n));
    leader.propose(data('a'));
    expect(pump(leader).committed).toMatchObject([{ Index: 3 }]);
  });

  test('taking one of two voters away holds proposals back until it is applied', () => {
    const leader = startLeader({ voters: [1n, 2n] });
    leader.proposeConfChange(remove(1n));
    expect(() => leader.propose(data('a'))).toThrow(ProposalDropped);
    const heir = startNode({
      voters: [1n, 2n],
      entries: [{ Type: EntryType.EntryConfChange, Term: 1, Index: 1, Data: ConfChange.encode(remove(2n)) }],
    });
    heir.campaign();
    pump(heir);
    receive(heir, { type: MsgVoteResp, from: 2n, term: 1 });
    expect(heir.status().state).toBe('leader');
    expect(() => heir.propose(data('a'))).toThrow(ProposalDropped);
    const three = startLeader();
    three.proposeConfChange(remove(1n));
    expect(() => three.propose(data('a'))).not.toThrow();
  });

  test('that removes who was to lead ends the transfer', () => {
    const leader = startLeader();
    leader.transferLeader(3n);
    leader.applyConfChange(remove(3n));
    expect(leader.status().leadTransferee).toBe(0n);
  });

  test('gives a new member an election timeout to be heard from', () => {
    const leader = startLeader({ voters: [1n], config: { checkQuorum: true } });
    for (let i = 0; i < 9; i++) leader.tick();
    leader.applyConfChange(addVoter(2n));
    leader.tick();
    expect(leader.status().state).toBe('leader');
    for (let i = 0; i < 10; i++) leader.tick();
    expect(leader.status().state).toBe('follower');
  });

  test('a removed leader takes no proposals, and hands over to the voter that has most', () => {
    const leader = startLeader({ voters: [1n, 2n, 3n] });
    leader.proposeConfChange(remove(1n));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 3n, term: 1, index: 2 });
    pump(leader);
    leader.applyConfChange(remove(1n));
    expect(() => leader.propose(data('a'))).toThrow('no voter any more');
    expect(sent(leader, MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
    for (let i = 0; i < 10; i++) leader.tick();
    expect(sent(leader, MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
  });
});

describe('a cluster', () => {
  test('grows by a learner that catches up, is promoted, and then counts', () => {
    const cluster = new Cluster({ voters: 3 });
    cluster.elect(1n).node.propose(data('a'));
    cluster.settle();
    cluster.addHost(4n);
    changeMembers(cluster, addLearner(4n));
    cluster.tick(2);
    expect(cluster.host(4n).machine).toMatchObject({ checksum: cluster.host(1n).machine.checksum });
    expect(cluster.host(1n).node.status().progress.get(4n)).toMatchObject({ isLearner: true, state: 'replicate' });
    changeMembers(cluster, addVoter(4n));
    cluster.isolate(3n);
    cluster.host(1n).node.propose(data('b'));
    cluster.settle();
    expect(cluster.host(4n).machine.index).toBe(cluster.host(1n).node.lastIndex());
    expect(cluster.host(4n).machine.confState.voters).toEqual([1n, 2n, 3n, 4n]);
  });

  test('a removed member disturbs nobody', () => {
    const cluster = new Cluster({ voters: 3 });
    const leader = cluster.elect(1n);
    cluster.isolate(3n);
    changeMembers(cluster, remove(3n));
    cluster.network.heal();
    const { term } = leader.node.status();
    cluster.tick(60);
    expect(leader.node.status()).toMatchObject({ state: 'leader', term });
    expect([...leader.node.status().progress.keys()]).toEqual([1n, 2n]);
  });

  test('whose leader is removed has another without an election timeout', () => {
    for (const voters of [2, 3, 5]) {
      const cluster = new Cluster({ voters });
      cluster.elect(1n).node.propose(data('a'));
      cluster.settle();
      changeMembers(cluster, remove(1n));
      expect(cluster.leader?.id).toBe(2n);
      cluster.leader?.node.propose(data('b'));
      cluster.settle();
      expect(cluster.host(2n).machine.confState.voters).not.toContain(1n);
      expect(cluster.host(2n).machine.index).toBe(cluster.host(2n).node.lastIndex());
    }
  });
});
