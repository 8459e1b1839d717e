import { describe, expect, test } from 'vitest';
import { Message, MessageType, Snapshot } from '../proto/gen/raft.ts';
import { RaftError } from './errors.ts';
import { Cluster } from './testing/cluster.ts';
import { entriesOf, pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgVoteResp, MsgApp, MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgProp, MsgUnreachable } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);

describe('a follower takes in entries (Raft paper §5.3)', () => {
  test('behind an entry that matches, and answers with the index up to which it now agrees', () => {
    const node = startNode({ log: [1, 1] });
    receive(node, { type: MsgApp, from: 2n, term: 2, index: 2, logTerm: 1, entries: entriesOf([2, 2], 3) });
    expect(sent(node, MsgAppResp)).toMatchObject([{ to: 2n, term: 2, index: 4, reject: false }]);
    expect(node.entries(1, 5, 1e9).map(({ Term }) => Term)).toEqual([1, 1, 2, 2]);
  });

  test('in place of those that conflict, and of all behind them', () => {
    const node = startNode({ log: [1, 1, 1, 1] });
    receive(node, { type: MsgApp, from: 2n, term: 2, index: 1, logTerm: 1, entries: entriesOf([1, 2], 2) });
    expect(node.entries(1, 4, 1e9).map(({ Term }) => Term)).toEqual([1, 1, 2]);
    expect(node.lastIndex()).toBe(3);
  });

  test('keeping what an old message does not know of', () => {
    const node = startNode({ log: [1, 1, 1, 1] });
    receive(node, { type: MsgApp, from: 2n, term: 1, index: 0, entries: entriesOf([1, 1]) });
    expect(sent(node, MsgAppResp)).toMatchObject([{ index: 2 }]);
    expect(node.lastIndex()).toBe(4);
  });

  test('only if the entry before them is there; else it says how far the logs may agree', () => {
    const node = startNode({ log: [1, 1, 3, 3] });
    receive(node, { type: MsgApp, from: 2n, term: 5, index: 9, logTerm: 5 });
    expect(sent(node, MsgAppResp)).toMatchObject([{ index: 9, reject: true, rejectHint: 4, logTerm: 3 }]);
    // Nothing of term 3 can match a leader that has term 2 there.
    receive(node, { type: MsgApp, from: 2n, term: 5, index: 4, logTerm: 2 });
    expect(sent(node, MsgAppResp)).toMatchObject([{ index: 4, reject: true, rejectHint: 2, logTerm: 1 }]);
  });

  test('not below its commit index, which it answers with', () => {
    const node = startNode({ log: [1, 1, 1], hardState: { commit: 2 } });
    receive(node, { type: MsgApp, from: 2n, term: 1, index: 1, logTerm: 1 });
    expect(sent(node, MsgAppResp)).toMatchObject([{ index: 2, reject: false }]);
  });

  test('and commits what the leader has, but nothing behind what the message vouches for', () => {
    const node = startNode({ log: [1, 1, 1] });
    receive(node, { type: MsgApp, from: 2n, term: 2, index: 1, logTerm: 1, entries: entriesOf([1], 2), commit: 3 });
    expect(node.status().commit).toBe(2);
  });

  test('a heartbeat commits, and is answered with its context', () => {
    const node = startNode({ log: [1, 1] });
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1, commit: 1, context: data('ctx') });
    const { messages, committed } = pump(node);
    expect(messages).toMatchObject([{ type: MsgHeartbeatResp, to: 2n, term: 1, context: data('ctx') }]);
    expect(committed.map(({ Index }) => Index)).toEqual([1]);
  });

  test('entries with a gap are ignored', () => {
    const node = startNode();
    receive(node, { type: MsgApp, from: 2n, term: 1, entries: entriesOf([1], 2) });
    expect(node.status()).toMatchObject({ lastIndex: 0, term: 0 });
  });

  test('a member that has lost what it acknowledged stops, instead of going on', () => {
    const node = startNode({ log: [1] });
    expect(() => receive(node, { type: MsgHeartbeat, from: 2n, term: 1, commit: 2 })).toThrow(RaftError);
  });
});

describe('a leader', () => {
  test('sends what was proposed in one turn in one message', () => {
    const leader = startLeader();
    for (const text of ['a', 'b', 'c']) leader.propose(data(text));
    const appends = sent(leader, MsgApp);
    expect(appends.map(({ to, index, entries }) => [to, index, entries.length])).toEqual([
      [2n, 1, 3],
      [3n, 1, 3],
    ]);
  });

  test('commits what a majority holds, and tells the others', () => {
    const leader = startLeader();
    leader.propose(data('a'));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    const { messages, committed } = pump(leader);
    expect(committed).toMatchObject([{ Index: 2, Data: data('a') }]);
    expect(messages).toMatchObject([
      { type: MsgApp, to: 2n, index: 2, commit: 2, entries: [] },
      { type: MsgApp, to: 3n, index: 2, commit: 2, entries: [] },
    ]);
  });

  test('commits entries of an earlier term only together with one of its own (figure 8)', () => {
    const leader = startNode({ log: [1, 2] });
    leader.campaign();
    pump(leader);
    receive(leader, { type: MsgVoteResp, from: 2n, term: 3 });
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 3, index: 2 });
    expect(leader.status().commit).toBe(0);
    receive(leader, { type: MsgAppResp, from: 2n, term: 3, index: 3 });
    expect(leader.status().commit).toBe(3);
  });

  test('finds the end of a long divergent log by whole terms (thesis §5.3)', () => {
    // Terms 1 to 3 agree; the follower has a hundred entries of term 4, the leader a hundred of term 5.
    const common = [1, 2, 3];
    const leader = startNode({ log: [...common, ...new Array(100).fill(5)] });
    const follower = startNode({ id: 2n, log: [...common, ...new Array(100).fill(4)], hardState: { term: 5 } });
    leader.campaign();
    pump(leader);
    receive(leader, { type: MsgVoteResp, from: 3n, term: 6 });
    let appends = 0;
    for (let turn = 0; turn < 5; turn++) {
      for (const message of sent(leader, MsgApp).filter(({ to }) => to === 2n)) {
        appends++;
        follower.step(message);
      }
      for (const message of sent(follower, MsgAppResp)) leader.step(message);
    }
    expect(follower.lastIndex()).toBe(leader.lastIndex());
    expect(appends).toBeLessThanOrEqual(4);
  });

  test('keeps as many messages under way as allowed, and goes on with each answer', () => {
    const leader = startLeader({ config: { maxInflightMessages: 2, maxSizePerMessageBytes: 1 } });
    for (const text of ['a', 'b', 'c', 'd']) leader.propose(data(text));
    const indexes = (): number[] =>
      sent(leader, MsgApp)
        .filter(({ to, entries }) => to === 2n && entries.length > 0)
        .map(({ index }) => index);
    expect(indexes()).toEqual([1, 2]);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    expect(indexes()).toEqual([3]);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 4 });
    expect(indexes()).toEqual([4]);
  });

  test('does not stay stuck when all answers of a full window are lost', () => {
    const leader = startLeader({ config: { maxInflightMessages: 1, maxSizePerMessageBytes: 1 } });
    leader.propose(data('a'));
    leader.propose(data('b'));
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1 });
    expect(sent(leader, MsgApp).filter(({ to }) => to === 2n)).toMatchObject([{ index: 2, entries: [{ Index: 3 }] }]);
  });

  test('probes a peer that is reported unreachable, from what it is known to have', () => {
    const leader = startLeader();
    leader.propose(data('a'));
    pump(leader);
    leader.reportUnreachable(2n);
    expect(leader.status().progress.get(2n)).toMatchObject({ state: 'probe', match: 1, next: 2 });
    leader.propose(data('b'));
    leader.propose(data('c'));
    expect(sent(leader, MsgApp).filter(({ to }) => to === 2n)).toMatchObject([{ index: 1, entries: [{}, {}, {}] }]);
    leader.propose(data('d'));
    expect(sent(leader, MsgApp).filter(({ to }) => to === 2n)).toEqual([]);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 4 });
    expect(leader.status().progress.get(2n)).toMatchObject({ state: 'replicate', match: 4 });
  });

  test('probes back with each refusal, but not for an outdated one, and never below what matches', () => {
    const leader = startLeader({ log: [1, 1, 1] });
    leader.reportUnreachable(2n);
    const progress = () => leader.status().progress.get(2n);
    expect(progress()).toMatchObject({ state: 'probe', match: 4, next: 5 });
    const refuse = (index: number, rejectHint: number) =>
      receive(leader, { type: MsgAppResp, from: 2n, term: 2, index, reject: true, rejectHint, logTerm: 1 });
    refuse(2, 1);
    expect(progress()).toMatchObject({ next: 5 });
    refuse(4, 1);
    expect(progress()).toMatchObject({ next: 5 });
    const fresh = startNode({ log: [1, 1, 1] });
    fresh.campaign();
    pump(fresh);
    receive(fresh, { type: MsgVoteResp, from: 2n, term: 2 });
    pump(fresh);
    receive(fresh, { type: MsgAppResp, from: 2n, term: 2, index: 3, reject: true, rejectHint: 1, logTerm: 1 });
    expect(fresh.status().progress.get(2n)).toMatchObject({ state: 'probe', next: 2 });
    receive(fresh, { type: MsgAppResp, from: 2n, term: 2, index: 3, reject: true, rejectHint: 0 });
    expect(fresh.status().progress.get(2n)).toMatchObject({ next: 2 });
  });

  test('ignores outdated refusals, answers of strangers, and answers about entries that do not exist', () => {
    const leader = startLeader();
    const before = leader.status();
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 1, reject: true, rejectHint: 0 });
    receive(leader, { type: MsgAppResp, from: 9n, term: 1, index: 1 });
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 99 });
    expect(leader.status()).toEqual({ ...before, progress: expect.anything() });
    expect(leader.status().progress.get(2n)).toMatchObject({ match: 1, next: 2, state: 'replicate' });
  });

  test('beats every heartbeat interval, committing no further than the peer is known to match', () => {
    const leader = startLeader({ config: { heartbeatTicks: 3 } });
    leader.propose(data('a'));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    pump(leader);
    leader.tick();
    leader.tick();
    expect(sent(leader, MsgHeartbeat)).toEqual([]);
    leader.tick();
    expect(sent(leader, MsgHeartbeat)).toMatchObject([
      { to: 2n, commit: 2 },
      { to: 3n, commit: 1 },
    ]);
  });

  test('refuses messages that only a member itself may give', () => {
    const leader = startLeader();
    for (const type of [MessageType.MsgHup, MessageType.MsgBeat, MessageType.MsgCheckQuorum, MsgUnreachable]) {
      receive(leader, { type, from: 2n, term: 9 });
    }
    expect(leader.status()).toMatchObject({ state: 'leader', term: 1 });
    expect(leader.hasReady()).toBe(false);
  });
});

describe('a proposal', () => {
  test('is refused without a leader', () => {
    const node = startNode();
    expect(() => node.propose(data('a'))).toThrow('raft proposal dropped: no leader');
  });

  test('is forwarded to the leader with term 0', () => {
    const node = startNode();
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    pump(node);
    node.propose(data('a'));
    expect(sent(node, MsgProp)).toMatchObject([{ to: 2n, from: 1n, term: 0, entries: [{ Data: data('a') }] }]);
  });

  test('that was forwarded is appended by the leader', () => {
    const leader = startLeader();
    receive(leader, { type: MsgProp, from: 2n, entries: [{ Type: 0, Term: 0, Index: 0, Data: data('a') }] });
    expect(leader.entries(2, 3, 1e9)).toEqual([{ Type: 0, Term: 1, Index: 2, Data: data('a') }]);
  });

  test('reaches all members, in the same order, in a cluster that loses nothing', () => {
    const cluster = new Cluster({ voters: 5 });
    cluster.elect(3n);
    for (let i = 0; i < 20; i++) cluster.host(BigInt(1 + (i % 5))).node.propose(data(`${i}`));
    cluster.settle();
    const checksums = new Set(cluster.running.map(({ machine }) => machine.checksum));
    expect(checksums.size).toBe(1);
    expect(cluster.host(1n).machine.index).toBe(5 + 1 + 20);
  });
});

describe('messages', () => {
  test('are those of upstream 3.5, byte for byte, once its empty snapshot is added', () => {
    // contract: disk-and-peer §2.1, a VoteResp seen on the wire
    const upstream = Buffer.from(
      '0806109ef5b4a4f5a7bbc4e10118dec1b0eff8c980ec592002280030004000' + '4a0a1208' + '0a0228001000180050005800',
      'hex',
    );
    const { to, from, term } = Message.decode(upstream);
    const node = startNode({ id: from, voters: [from, to] });
    receive(node, { type: MessageType.MsgVote, from: to, term });
    const [response] = sent(node, MsgVoteResp);
    expect(Buffer.from(Message.encode({ ...(response as Message), snapshot: Snapshot.create() }))).toEqual(upstream);
  });
});
