import { describe, expect, test } from 'vitest';
import { MessageType } from '../proto/gen/raft.ts';
import { campaignTransfer } from './election.ts';
import { Cluster } from './testing/cluster.ts';
import { pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgVote, MsgVoteResp, MsgPreVote, MsgPreVoteResp, MsgApp, MsgAppResp, MsgHeartbeat } = MessageType;

describe('an election (Raft paper §5.2)', () => {
  test('begins when no leader was heard from for the election timeout, drawn from [10, 20) ticks', () => {
    for (const [random, ticks] of [
      [0, 10],
      [0.5, 15],
      [0.999, 19],
    ] as const) {
      const node = startNode({ config: { random: () => random } });
      for (let i = 1; i < ticks; i++) node.tick();
      expect(node.status().state).toBe('follower');
      node.tick();
      expect(node.status().state).toBe('candidate');
    }
  });

  test('takes the candidate to the next term, and asks every other voter, with the end of its log', () => {
    const node = startNode({ log: [1, 2], learners: [4n] });
    node.campaign();
    const requests = sent(node, MsgVote);
    expect(requests.map(({ to, term, index, logTerm }) => ({ to, term, index, logTerm }))).toEqual([
      { to: 2n, term: 3, index: 2, logTerm: 2 },
      { to: 3n, term: 3, index: 2, logTerm: 2 },
    ]);
  });

  test('is won by a majority, and the winner begins its term with an empty entry', () => {
    const node = startNode({ voters: [1n, 2n, 3n, 4n, 5n] });
    node.campaign();
    pump(node);
    receive(node, { type: MsgVoteResp, from: 2n, term: 1 });
    expect(node.status().state).toBe('candidate');
    receive(node, { type: MsgVoteResp, from: 3n, term: 1 });
    expect(node.status().state).toBe('leader');
    const [append] = sent(node, MsgApp);
    expect(append).toMatchObject({ term: 1, index: 0, logTerm: 0, entries: [{ Term: 1, Index: 1, Data: undefined }] });
  });

  test('counts the answer of a member once, and that of a stranger never', () => {
    const node = startNode({ voters: [1n, 2n, 3n, 4n, 5n] });
    node.campaign();
    pump(node);
    for (const from of [2n, 2n, 9n]) receive(node, { type: MsgVoteResp, from, term: 1 });
    expect(node.status().state).toBe('candidate');
  });

  test('takes the first answer of a member for its last', () => {
    const node = startNode();
    node.campaign();
    pump(node);
    receive(node, { type: MsgVoteResp, from: 2n, term: 1, reject: true });
    receive(node, { type: MsgVoteResp, from: 2n, term: 1 });
    expect(node.status().state).toBe('candidate');
  });

  test('is put off by each message of the leader, and by each vote given', () => {
    const node = startNode();
    const message = [
      { type: MsgHeartbeat, from: 2n, term: 1 },
      { type: MsgHeartbeat, from: 2n, term: 1 },
      { type: MsgApp, from: 2n, term: 1 },
      { type: MsgVote, from: 3n, term: 2 },
      { type: MsgVote, from: 3n, term: 2 },
    ];
    for (const next of message) {
      receive(node, next);
      for (let i = 0; i < 9; i++) node.tick();
    }
    expect(node.status()).toMatchObject({ state: 'follower', term: 2, vote: 3n });
  });

  test('is lost by a majority of refusals', () => {
    const node = startNode();
    node.campaign();
    pump(node);
    receive(node, { type: MsgVoteResp, from: 2n, term: 1, reject: true });
    receive(node, { type: MsgVoteResp, from: 3n, term: 1, reject: true });
    expect(node.status()).toMatchObject({ state: 'follower', term: 1, lead: 0n });
  });

  test('ends when another leader of the same term speaks', () => {
    const node = startNode();
    node.campaign();
    pump(node);
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    expect(node.status()).toMatchObject({ state: 'follower', term: 1, lead: 2n });
  });

  test('a vote is given to the first candidate of a term only, and to it again if it asks again', () => {
    const node = startNode();
    const ask = (from: bigint) => {
      receive(node, { type: MsgVote, from, term: 1 });
      return sent(node, MsgVoteResp)[0]?.reject;
    };
    expect(ask(2n)).toBe(false);
    expect(ask(3n)).toBe(true);
    expect(ask(2n)).toBe(false);
  });

  test('a vote is remembered across a restart', () => {
    const node = startNode({ hardState: { term: 1, vote: 2n } });
    receive(node, { type: MsgVote, from: 3n, term: 1 });
    expect(sent(node, MsgVoteResp)[0]).toMatchObject({ to: 3n, term: 1, reject: true });
  });

  test.each([
    { candidate: 'with a later last term', index: 1, logTerm: 3, reject: false },
    { candidate: 'with the same end', index: 2, logTerm: 2, reject: false },
    { candidate: 'with a longer log of the same term', index: 3, logTerm: 2, reject: false },
    { candidate: 'with a shorter log of the same term', index: 1, logTerm: 2, reject: true },
    { candidate: 'with an earlier last term, however long', index: 9, logTerm: 1, reject: true },
  ])('a candidate $candidate is refused: $reject (§5.4.1)', ({ index, logTerm, reject }) => {
    for (const [type, answer] of [
      [MsgVote, MsgVoteResp],
      [MsgPreVote, MsgPreVoteResp],
    ] as const) {
      const node = startNode({ log: [1, 2] });
      receive(node, { type, from: 2n, term: 5, index, logTerm });
      expect(sent(node, answer)[0]?.reject).toBe(reject);
    }
  });

  test('only voters stand for election', () => {
    const learner = startNode({ id: 4n, learners: [4n] });
    const stranger = startNode({ id: 5n });
    for (const node of [learner, stranger]) {
      for (let i = 0; i < 50; i++) node.tick();
      node.campaign();
      expect(node.status()).toMatchObject({ state: 'follower', term: 0 });
    }
  });

  test('learners grant votes: one that was promoted may not know it yet', () => {
    const node = startNode({ id: 4n, learners: [4n] });
    receive(node, { type: MsgVote, from: 1n, term: 1 });
    expect(sent(node, MsgVoteResp)[0]).toMatchObject({ to: 1n, reject: false });
  });

  test('the only voter elects itself as soon as its vote is durable', () => {
    const node = startNode({ voters: [1n], config: { preVote: true } });
    node.campaign();
    const ready = node.ready();
    expect(node.status().state).toBe('candidate');
    expect(ready).toMatchObject({ hardState: { term: 1, vote: 1n }, mustSync: true });
    node.persisted(ready);
    expect(node.status().state).toBe('leader');
  });
});

describe('terms (§5.1)', () => {
  test('a leader or candidate that hears of a higher term becomes a follower in it', () => {
    const leader = startLeader();
    receive(leader, { type: MsgAppResp, from: 2n, term: 7 });
    expect(leader.status()).toMatchObject({ state: 'follower', term: 7, lead: 0n, vote: 0n });
  });

  test('what a deposed leader had yet to send is not sent in the new term', () => {
    const leader = startLeader();
    leader.propose(Buffer.from('a'));
    receive(leader, { type: MsgHeartbeat, from: 2n, term: 2 });
    expect(pump(leader).messages.map(({ type }) => type)).not.toContain(MsgApp);
  });

  test('messages of an old term change nothing', () => {
    const node = startNode({ hardState: { term: 5 } });
    receive(node, { type: MsgVote, from: 2n, term: 4, index: 9, logTerm: 4 });
    receive(node, { type: MsgApp, from: 2n, term: 4, entries: [{ Type: 0, Term: 4, Index: 1 }] });
    expect(node.status()).toMatchObject({ term: 5, vote: 0n, lead: 0n, lastIndex: 0 });
    expect(pump(node).messages).toEqual([]);
  });

  test('with check-quorum, the leader of an old term is told the new one by an empty AppResp', () => {
    const node = startNode({ hardState: { term: 5 }, config: { checkQuorum: true } });
    for (const type of [MsgApp, MsgHeartbeat]) {
      receive(node, { type, from: 2n, term: 4 });
      expect(pump(node).messages).toMatchObject([{ type: MsgAppResp, to: 2n, term: 5, index: 0, reject: false }]);
    }
  });

  test('a message without a term is ignored', () => {
    const node = startNode({ log: [1] });
    receive(node, { type: MsgApp, from: 2n, term: 0, index: 1, logTerm: 1, commit: 1 });
    expect(node.status()).toMatchObject({ commit: 0, lead: 0n });
  });
});

describe('a trial vote (pre-vote, thesis §9.6)', () => {
  const config = { preVote: true, checkQuorum: true };

  test('asks for the next term without entering it', () => {
    const node = startNode({ log: [1], config });
    node.campaign();
    expect(sent(node, MsgPreVote)).toMatchObject([
      { to: 2n, term: 2, index: 1, logTerm: 1 },
      { to: 3n, term: 2, index: 1, logTerm: 1 },
    ]);
    expect(node.status()).toMatchObject({ state: 'pre-candidate', term: 1, vote: 0n });
  });

  test('leads to the election when a majority would vote', () => {
    const node = startNode({ log: [1], config });
    node.campaign();
    pump(node);
    receive(node, { type: MsgPreVoteResp, from: 3n, term: 2 });
    expect(node.status()).toMatchObject({ state: 'candidate', term: 2, vote: 1n });
  });

  test('is given up when a majority would not', () => {
    const node = startNode({ log: [1], config });
    node.campaign();
    pump(node);
    for (const from of [2n, 3n]) receive(node, { type: MsgPreVoteResp, from, term: 1, reject: true });
    expect(node.status()).toMatchObject({ state: 'follower', term: 1 });
  });

  test('is answered for the term asked for, and binds to nothing', () => {
    const node = startNode({ log: [1], config });
    for (const from of [2n, 3n]) {
      receive(node, { type: MsgPreVote, from, term: 2, index: 1, logTerm: 1 });
      expect(sent(node, MsgPreVoteResp)[0]).toMatchObject({ to: from, term: 2, reject: false });
    }
    expect(node.status()).toMatchObject({ term: 1, vote: 0n });
  });

  test('of an old term is refused with the new one, or the asker would ask for ever', () => {
    const node = startNode({ hardState: { term: 5 }, config });
    receive(node, { type: MsgPreVote, from: 2n, term: 3 });
    expect(sent(node, MsgPreVoteResp)[0]).toMatchObject({ to: 2n, term: 5, reject: true });
  });

  test('a late consent to an earlier trial does not count for the next', () => {
    const node = startNode({ log: [1], config });
    node.campaign();
    pump(node);
    receive(node, { type: MsgHeartbeat, from: 2n, term: 2 });
    for (let i = 0; i < 10; i++) node.tick();
    expect(node.status()).toMatchObject({ state: 'pre-candidate', term: 2 });
    receive(node, { type: MsgPreVoteResp, from: 3n, term: 2 });
    expect(node.status().state).toBe('pre-candidate');
  });

  test('keeps a member that was cut off from disturbing the others when it returns', () => {
    const cluster = new Cluster({ voters: 3 });
    const leader = cluster.elect(1n);
    const { term } = leader.node.status();
    cluster.isolate(3n);
    cluster.tick(50);
    expect(cluster.host(3n).node.status()).toMatchObject({ state: 'pre-candidate', term });
    cluster.network.heal();
    cluster.tick(20);
    expect(leader.node.status()).toMatchObject({ state: 'leader', term });
    expect(cluster.host(3n).node.status()).toMatchObject({ state: 'follower', lead: 1n, term });
  });
});

describe('check-quorum', () => {
  test('a leader that hears from no majority steps down after an election timeout', () => {
    const leader = startLeader({ config: { checkQuorum: true } });
    for (let i = 0; i < 10; i++) leader.tick();
    expect(leader.status().state).toBe('leader');
    for (let i = 0; i < 10; i++) leader.tick();
    expect(leader.status()).toMatchObject({ state: 'follower', lead: 0n });
  });

  test('votes are ignored while the leader was heard from within an election timeout', () => {
    const node = startNode({ config: { checkQuorum: true } });
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    for (let i = 0; i < 9; i++) node.tick();
    pump(node);
    for (const type of [MsgVote, MsgPreVote]) receive(node, { type, from: 3n, term: 2, index: 9, logTerm: 1 });
    expect(pump(node).messages).toEqual([]);
    expect(node.status().term).toBe(1);
    node.tick();
    pump(node);
    receive(node, { type: MsgVote, from: 3n, term: 3, index: 9, logTerm: 1 });
    expect(sent(node, MsgVoteResp)).toMatchObject([{ to: 3n, reject: false }]);
  });

  test('but not those of a candidate that the leader itself has called', () => {
    const node = startNode({ config: { checkQuorum: true } });
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    pump(node);
    receive(node, { type: MsgVote, from: 3n, term: 2, index: 9, logTerm: 1, context: campaignTransfer });
    expect(sent(node, MsgVoteResp)).toMatchObject([{ to: 3n, term: 2, reject: false }]);
  });
});
