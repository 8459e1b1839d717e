import { describe, expect, test } from 'vitest';
import { ConfState, MessageType, type Snapshot } from '../proto/gen/raft.ts';
import { RaftError } from './errors.ts';
import type { RawNode } from './mod.ts';
import { Cluster } from './testing/cluster.ts';
import { entriesOf, pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgApp, MsgAppResp, MsgSnap, MsgHeartbeatResp } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);

function snapshot(index: number, term: number, voters = [1n, 2n, 3n]): Snapshot {
  return { data: data('state'), metadata: { index, term, conf_state: ConfState.create({ voters }) } };
}

describe('a snapshot from the leader (Raft paper §7)', () => {
  test('replaces the log, is handed out to be stored, and acknowledged when it is', () => {
    const node = startNode({ log: [1, 1] });
    receive(node, { type: MsgSnap, from: 2n, term: 3, snapshot: snapshot(10, 2) });
    const ready = node.ready();
    expect(ready).toMatchObject({
      snapshot: { metadata: { index: 10 } },
      entries: [],
      hardState: { term: 3, commit: 10 },
      mustSync: true,
      messages: [],
      messagesAfterPersist: [{ type: MsgAppResp, to: 2n, index: 10, reject: false }],
      committedEntries: [],
    });
    expect(node.lastIndex()).toBe(10);
    expect(node.term(10)).toBe(2);
    expect(node.term(2)).toBeUndefined();
  });

  test('brings its configuration with it', () => {
    const node = startNode({ id: 4n, voters: [], hardState: { term: 0 } });
    receive(node, { type: MsgSnap, from: 2n, term: 3, snapshot: snapshot(10, 2, [1n, 2n, 3n, 4n]) });
    pump(node);
    node.campaign();
    expect(pump(node).messages).toHaveLength(3);
  });

  test('keeps the member from standing for election until it is stored', () => {
    const node = startNode();
    receive(node, { type: MsgSnap, from: 2n, term: 3, snapshot: snapshot(10, 2) });
    const ready = node.ready();
    node.campaign();
    expect(node.status().state).toBe('follower');
    node.persisted(ready);
    node.campaign();
    expect(node.status().state).toBe('candidate');
  });

  test('is followed by entries, which are handed out behind it', () => {
    const node = startNode();
    receive(node, { type: MsgSnap, from: 2n, term: 3, snapshot: snapshot(10, 2) });
    const first = node.ready();
    receive(node, { type: MsgApp, from: 2n, term: 3, index: 10, logTerm: 2, entries: entriesOf([3], 11), commit: 11 });
    const second = node.ready();
    node.persisted(first);
    expect(node.ready().committedEntries).toEqual([]);
    node.persisted(second);
    expect(node.ready().committedEntries.map(({ Index }) => Index)).toEqual([11]);
  });

  test('lets no earlier write vouch for what comes behind it', () => {
    const node = startNode();
    receive(node, { type: MsgApp, from: 2n, term: 1, entries: entriesOf([1, 1, 1, 1]) });
    const early = node.ready();
    receive(node, { type: MsgSnap, from: 3n, term: 2, snapshot: snapshot(2, 2) });
    receive(node, { type: MsgApp, from: 3n, term: 2, index: 2, logTerm: 2, entries: entriesOf([2, 2], 3), commit: 4 });
    const late = node.ready();
    node.persisted(early);
    expect(node.ready().committedEntries).toEqual([]);
    node.persisted(late);
    expect(node.ready().committedEntries.map(({ Index }) => Index)).toEqual([3, 4]);
  });

  test.each([
    { what: 'older than what is committed', given: snapshot(2, 1), commit: 3 },
    { what: 'of a configuration without this member', given: snapshot(9, 1, [2n, 3n]), commit: 3 },
    { what: 'whose entries are all in the log', given: snapshot(4, 1), commit: 4 },
    { what: 'that is empty, as in every message of 3.5', given: snapshot(0, 0, []), commit: 3 },
  ])('is not taken when it is one $what', ({ given, commit }) => {
    const node = startNode({ log: [1, 1, 1, 1, 1], hardState: { commit: 3 } });
    receive(node, { type: MsgSnap, from: 2n, term: 1, snapshot: given });
    const ready = node.ready();
    expect(ready.snapshot).toBeUndefined();
    expect(ready.messagesAfterPersist).toMatchObject([{ type: MsgAppResp, index: commit, reject: false }]);
    expect(node.lastIndex()).toBe(5);
  });
});

describe('a leader that has compacted what a peer lacks', () => {
  function startCompacted(): RawNode {
    const leader = startLeader();
    for (const text of ['a', 'b', 'c']) leader.propose(data(text));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 4 });
    pump(leader);
    // Member 3 turns out to have nothing behind index 1.
    receive(leader, { type: MsgAppResp, from: 3n, term: 1, index: 4, reject: true, rejectHint: 1, logTerm: 1 });
    leader.reportUnreachable(3n);
    pump(leader);
    return leader;
  }
  const answer = { type: MsgHeartbeatResp, from: 3n, term: 1 };
  const toThree = (leader: RawNode) => pump(leader).messages.filter(({ to }) => to === 3n);
  const confState = ConfState.create({ voters: [1n, 2n, 3n] });

  test('waits while there is no snapshot that reaches so far', () => {
    const leader = startCompacted();
    leader.createSnapshot(3, confState, data('of no use'));
    leader.compact(4);
    receive(leader, answer);
    expect(toThree(leader)).toEqual([]);
    leader.createSnapshot(4, confState, data('s4'));
    receive(leader, answer);
    expect(toThree(leader)).toMatchObject([{ type: MsgSnap }]);
  });

  test('sends its newest one, and nothing more until it hears what became of it', () => {
    const leader = startCompacted();
    leader.createSnapshot(3, confState, data('s3'));
    leader.createSnapshot(4, confState, data('s4'));
    leader.createSnapshot(2, confState, data('old'));
    leader.compact(4);
    receive(leader, answer);
    expect(toThree(leader)).toMatchObject([
      { type: MsgSnap, snapshot: { data: data('s4'), metadata: { index: 4, term: 1, conf_state: confState } } },
    ]);
    expect(leader.status().progress.get(3n)).toMatchObject({ state: 'snapshot' });
    receive(leader, answer);
    leader.propose(data('d'));
    expect(toThree(leader)).toEqual([]);
  });

  test('goes on behind it when it has arrived', () => {
    const leader = startCompacted();
    leader.createSnapshot(4, confState, data('s4'));
    leader.compact(4);
    receive(leader, answer);
    pump(leader);
    leader.reportSnapshot(3n, true);
    expect(leader.status().progress.get(3n)).toMatchObject({ state: 'probe', next: 5 });
    leader.propose(data('d'));
    expect(toThree(leader)).toEqual([]);
    receive(leader, { type: MsgAppResp, from: 3n, term: 1, index: 4 });
    expect(toThree(leader)).toMatchObject([{ type: MsgApp, index: 4, entries: [{ Index: 5 }] }]);
    expect(leader.status().progress.get(3n)).toMatchObject({ state: 'replicate', match: 4 });
  });

  test('tries again, with the next answer of the peer, when it has not', () => {
    const leader = startCompacted();
    leader.createSnapshot(4, confState, data('s4'));
    leader.compact(4);
    receive(leader, answer);
    pump(leader);
    leader.reportSnapshot(3n, false);
    expect(leader.status().progress.get(3n)).toMatchObject({ state: 'probe', next: 2 });
    expect(toThree(leader)).toEqual([]);
    receive(leader, answer);
    expect(toThree(leader)).toMatchObject([{ type: MsgSnap }]);
  });

  test('does not send it over and over to a peer that does not take it', () => {
    const leader = startCompacted();
    leader.createSnapshot(4, confState, data('s4'));
    leader.compact(4);
    receive(leader, answer);
    expect(toThree(leader)).toMatchObject([{ type: MsgSnap }]);
    leader.reportSnapshot(3n, true);
    receive(leader, { type: MsgAppResp, from: 3n, term: 1, index: 1 });
    expect(toThree(leader)).toEqual([]);
  });

  test('sends none to a peer that is silent', () => {
    const leader = startLeader({ config: { checkQuorum: true } });
    leader.propose(data('a'));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    pump(leader);
    for (let i = 0; i < 10; i++) leader.tick();
    pump(leader);
    leader.reportUnreachable(3n);
    leader.createSnapshot(2, confState, data('s2'));
    leader.compact(2);
    leader.propose(data('b'));
    expect(toThree(leader).filter(({ type }) => type === MsgSnap)).toEqual([]);
    receive(leader, answer);
    expect(sent(leader, MsgSnap)).toMatchObject([{ to: 3n }]);
  });
});

describe('compaction', () => {
  test('forgets applied entries, and no others', () => {
    const node = startNode({ log: [1, 1, 1], hardState: { commit: 2 } });
    expect(() => node.compact(1)).toThrow(RaftError);
    pump(node);
    expect(() => node.compact(3)).toThrow('only 2 entries are applied');
    node.compact(2);
    expect([node.firstIndex(), node.lastIndex(), node.term(2), node.term(1)]).toEqual([3, 3, 1, undefined]);
    expect(() => node.entries(2, 4, 1e9)).toThrow(RaftError);
  });

  test('leaves no snapshot to be made of what is not applied or forgotten', () => {
    const node = startNode({ log: [1, 1, 1], hardState: { commit: 2 } });
    pump(node);
    node.compact(2);
    for (const index of [1, 3])
      expect(() => node.createSnapshot(index, ConfState.create(), data(''))).toThrow(RaftError);
    node.createSnapshot(2, ConfState.create(), data(''));
  });

  test('does not keep a new member from catching up by snapshot', () => {
    const cluster = new Cluster({ voters: 1 });
    const leader = cluster.elect(1n);
    for (let i = 0; i < 30; i++) leader.node.propose(data(`${i}`));
    cluster.settle();
    leader.snapshot(3);
    cluster.addHost(2n);
    leader.node.proposeConfChange({ id: 0n, type: 0, node_id: 2n });
    cluster.settle();
    cluster.tick(5);
    expect(cluster.checker.counts.snapshots).toBe(1);
    expect(cluster.host(2n).machine).toMatchObject({ index: 33, checksum: leader.machine.checksum });
    leader.node.propose(data('behind it'));
    cluster.settle();
    expect(cluster.host(2n).machine).toMatchObject({ index: 34, checksum: leader.machine.checksum });
  });
});
