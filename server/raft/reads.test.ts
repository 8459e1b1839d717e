import { describe, expect, test } from 'vitest';
import { MessageType } from '../proto/gen/raft.ts';
import { ProposalDropped } from './errors.ts';
import { maxWaitingReads } from './read-queue.ts';
import { Cluster } from './testing/cluster.ts';
import { pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgVoteResp, MsgAppResp, MsgHeartbeat, MsgHeartbeatResp, MsgReadIndex, MsgReadIndexResp } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);

describe('a read index (thesis §6.4)', () => {
  test('is the commit index at the time of asking, once a majority has confirmed the leader', () => {
    const leader = startLeader({ voters: [1n, 2n, 3n, 4n, 5n] });
    leader.readIndex(data('r1'));
    const heartbeats = sent(leader, MsgHeartbeat);
    expect(heartbeats.map(({ to, context }) => [to, context])).toEqual([2n, 3n, 4n, 5n].map((to) => [to, data('r1')]));
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1, context: data('r1') });
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1, context: data('r1') });
    expect(pump(leader).reads).toEqual([]);
    receive(leader, { type: MsgHeartbeatResp, from: 3n, term: 1, context: data('r1') });
    expect(pump(leader).reads).toEqual([{ index: 1, context: data('r1') }]);
  });

  test('confirms all that were asked for earlier', () => {
    const leader = startLeader();
    for (const context of ['r1', 'r2', 'r3']) leader.readIndex(data(context));
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1, context: data('r2') });
    expect(pump(leader).reads.map(({ context }) => context)).toEqual([data('r1'), data('r2')]);
    receive(leader, { type: MsgHeartbeatResp, from: 3n, term: 1, context: data('r3') });
    expect(pump(leader).reads.map(({ context }) => context)).toEqual([data('r3')]);
  });

  test('asked for twice by the same context keeps its place, and is answered once', () => {
    const leader = startLeader();
    leader.readIndex(data('r1'));
    leader.propose(data('a'));
    pump(leader);
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    leader.readIndex(data('r1'));
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1, context: data('r1') });
    receive(leader, { type: MsgHeartbeatResp, from: 3n, term: 1, context: data('r1') });
    expect(pump(leader).reads).toEqual([{ index: 1, context: data('r1') }]);
    leader.tick();
    expect(sent(leader, MsgHeartbeat).map(({ context }) => context)).toEqual([undefined, undefined]);
  });

  test('goes out again with the next heartbeat, should the first be lost', () => {
    const leader = startLeader();
    leader.readIndex(data('r1'));
    pump(leader);
    leader.tick();
    expect(sent(leader, MsgHeartbeat)).toMatchObject([{ context: data('r1') }, { context: data('r1') }]);
  });

  test('is not confirmed by learners', () => {
    const leader = startLeader({ learners: [4n] });
    leader.readIndex(data('r1'));
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 4n, term: 1, context: data('r1') });
    expect(pump(leader).reads).toEqual([]);
  });

  test('is postponed until the leader has committed an entry of its term', () => {
    const leader = startNode({ log: [1], hardState: { commit: 1 } });
    leader.campaign();
    pump(leader);
    receive(leader, { type: MsgVoteResp, from: 2n, term: 2 });
    leader.readIndex(data('r1'));
    expect(sent(leader, MsgHeartbeat)).toEqual([]);
    receive(leader, { type: MsgAppResp, from: 2n, term: 2, index: 2 });
    expect(sent(leader, MsgHeartbeat)).toMatchObject([{ context: data('r1') }, {}]);
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 2, context: data('r1') });
    expect(pump(leader).reads).toEqual([{ index: 2, context: data('r1') }]);
  });

  test('needs nobody else when the leader is the only voter, but an entry of its term all the same', () => {
    const leader = startNode({ voters: [1n], log: [1], hardState: { commit: 1 } });
    leader.campaign();
    leader.persisted(leader.ready());
    expect(leader.status().state).toBe('leader');
    leader.readIndex(data('r1'));
    const { reads } = pump(leader);
    expect(reads).toEqual([{ index: 2, context: data('r1') }]);
  });

  test('is forwarded by a follower with term 0, and answered to it', () => {
    const node = startNode({ id: 2n });
    receive(node, { type: MsgHeartbeat, from: 1n, term: 1 });
    pump(node);
    node.readIndex(data('r1'));
    const [request] = sent(node, MsgReadIndex);
    expect(request).toMatchObject({ to: 1n, from: 2n, term: 0, entries: [{ Data: data('r1') }] });

    const leader = startLeader();
    receive(leader, { ...request });
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 3n, term: 1, context: data('r1') });
    const [response] = sent(leader, MsgReadIndexResp);
    expect(response).toMatchObject({ to: 2n, term: 1, index: 1, entries: [{ Data: data('r1') }] });

    receive(node, { ...response });
    expect(pump(node).reads).toEqual([{ index: 1, context: data('r1') }]);
  });

  test('cannot be had without a leader', () => {
    expect(() => startNode().readIndex(data('r1'))).toThrow(ProposalDropped);
  });

  test('is refused when too many wait', () => {
    const leader = startLeader();
    for (let i = 0; i < maxWaitingReads; i++) leader.readIndex(data(`r${i}`));
    expect(() => leader.readIndex(data('one more'))).toThrow('too many reads');
    receive(leader, { type: MsgReadIndex, from: 2n, entries: [{ Type: 0, Term: 0, Index: 0, Data: data('theirs') }] });
    pump(leader);
    receive(leader, { type: MsgHeartbeatResp, from: 2n, term: 1, context: data(`r${maxWaitingReads - 1}`) });
    expect(pump(leader).reads).toHaveLength(maxWaitingReads);
    leader.readIndex(data('one more'));
  });

  test('with an empty context is refused', () => {
    expect(() => startLeader().readIndex(new Uint8Array())).toThrow(RangeError);
  });

  test('is not given by a leader that the others have replaced', () => {
    const cluster = new Cluster({ voters: 3, config: () => ({ checkQuorum: false }) });
    const old = cluster.elect(1n);
    cluster.isolate(1n);
    cluster.elect(2n).node.propose(data('a'));
    cluster.settle();
    expect(old.node.status().state).toBe('leader');
    cluster.checker.asked(data('r1'));
    old.node.readIndex(data('r1'));
    cluster.tick(5);
    expect(cluster.checker.counts.reads).toBe(0);
    cluster.network.heal();
    cluster.tick(5);
    expect(old.node.status()).toMatchObject({ state: 'follower', lead: 2n });
    expect(cluster.checker.counts.reads).toBe(0);
    // Nor when it leads again: what it noted then is outdated.
    cluster.host(2n).node.transferLeader(1n);
    cluster.settle();
    expect(cluster.leader?.id).toBe(1n);
    cluster.tick(5);
    expect(cluster.checker.counts.reads).toBe(0);
    cluster.checker.asked(data('r2'));
    old.node.readIndex(data('r2'));
    cluster.settle();
    expect(cluster.checker.counts.reads).toBe(1);
  });
});
