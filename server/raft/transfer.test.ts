import { describe, expect, test } from 'vitest';
import { MessageType } from '../proto/gen/raft.ts';
import { Cluster } from './testing/cluster.ts';
import { pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgVote, MsgApp, MsgAppResp, MsgHeartbeat, MsgTimeoutNow, MsgTransferLeader } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);

describe('a transfer of leadership (thesis §3.10)', () => {
  test('tells a voter with a complete log to stand for election at once', () => {
    const leader = startLeader();
    leader.transferLeader(2n);
    expect(sent(leader, MsgTimeoutNow)).toMatchObject([{ to: 2n, term: 1 }]);
    expect(leader.status().leadTransferee).toBe(2n);
  });

  test('completes the log of the other first, and takes no proposals meanwhile', () => {
    const leader = startLeader();
    leader.propose(data('a'));
    pump(leader);
    leader.transferLeader(2n);
    expect(sent(leader, MsgTimeoutNow)).toEqual([]);
    expect(() => leader.propose(data('b'))).toThrow('leadership is being transferred');
    receive(leader, { type: MsgAppResp, from: 2n, term: 1, index: 2 });
    expect(sent(leader, MsgTimeoutNow)).toMatchObject([{ to: 2n }]);
  });

  test('is given up after an election timeout', () => {
    const leader = startLeader();
    for (let i = 0; i < 9; i++) leader.tick();
    leader.transferLeader(2n);
    for (let i = 0; i < 9; i++) leader.tick();
    expect(leader.status().leadTransferee).toBe(2n);
    leader.tick();
    expect(leader.status()).toMatchObject({ state: 'leader', leadTransferee: 0n });
    leader.propose(data('a'));
    expect(sent(leader, MsgApp)).toHaveLength(2);
  });

  test('goes to voters only, and not to the leader itself', () => {
    const leader = startLeader({ learners: [4n] });
    for (const to of [1n, 4n, 9n]) leader.transferLeader(to);
    expect(leader.status().leadTransferee).toBe(0n);
  });

  test('can be redirected', () => {
    const leader = startLeader();
    leader.transferLeader(2n);
    pump(leader);
    leader.transferLeader(3n);
    expect(leader.status().leadTransferee).toBe(3n);
    expect(sent(leader, MsgTimeoutNow)).toMatchObject([{ to: 3n }]);
  });

  test('may be asked for on a follower, which asks the leader in the name of who is to lead', () => {
    const node = startNode();
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    pump(node);
    node.transferLeader(3n);
    const [request] = sent(node, MsgTransferLeader);
    expect(request).toMatchObject({ to: 2n, from: 3n, term: 1 });
    const leader = startLeader({ id: 2n });
    receive(leader, { ...request });
    expect(leader.status().leadTransferee).toBe(3n);
  });

  test('the one called skips the trial vote, and says that the leader has called it', () => {
    const node = startNode({ config: { preVote: true, checkQuorum: true } });
    receive(node, { type: MsgTimeoutNow, from: 2n, term: 1 });
    const requests = sent(node, MsgVote);
    expect(requests).toMatchObject([{ term: 2, context: data('CampaignTransfer') }, { term: 2 }]);
  });

  test('works in a cluster where leases protect the leader, without an election timeout', () => {
    const cluster = new Cluster({ voters: 3 });
    cluster.elect(1n).node.propose(data('a'));
    cluster.settle();
    cluster.host(3n).node.transferLeader(2n);
    cluster.settle();
    expect(cluster.leader?.id).toBe(2n);
    for (const host of cluster.running) expect(host.node.status().lead).toBe(2n);
  });
});
