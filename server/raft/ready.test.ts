import { describe, expect, test } from 'vitest';
import { MessageType } from '../proto/gen/raft.ts';
import { RaftError } from './errors.ts';
import { RawNode } from './mod.ts';
import { entriesOf, initialState, pump, receive, startLeader, startNode } from './testing/node.ts';

const { MsgVote, MsgVoteResp, MsgApp, MsgAppResp, MsgHeartbeat, MsgHeartbeatResp } = MessageType;
const data = (text: string): Uint8Array => Buffer.from(text);

describe('nothing is promised before it is durable', () => {
  test('a vote', () => {
    const node = startNode();
    receive(node, { type: MsgVote, from: 2n, term: 1 });
    expect(node.ready()).toMatchObject({
      hardState: { term: 1, vote: 2n },
      mustSync: true,
      messages: [],
      messagesAfterPersist: [{ type: MsgVoteResp, to: 2n }],
    });
  });

  test('an acknowledged entry', () => {
    const node = startNode();
    receive(node, { type: MsgApp, from: 2n, term: 1, entries: entriesOf([1]) });
    expect(node.ready()).toMatchObject({
      entries: [{ Index: 1 }],
      mustSync: true,
      messages: [],
      messagesAfterPersist: [{ type: MsgAppResp, index: 1 }],
    });
  });

  test('an entry that is acknowledged once more, while it is still being written', () => {
    const node = startNode();
    const append = { type: MsgApp, from: 2n, term: 1, entries: entriesOf([1]) };
    receive(node, append);
    node.ready();
    receive(node, append);
    expect(node.ready()).toMatchObject({
      sequence: 2,
      entries: [],
      messages: [],
      messagesAfterPersist: [{ index: 1 }],
    });
  });

  test('a candidacy, and the own vote in it', () => {
    const node = startNode();
    node.campaign();
    const ready = node.ready();
    expect(ready.messages).toEqual([]);
    expect(ready.messagesAfterPersist.map(({ type }) => type)).toEqual([MsgVote, MsgVote]);
    receive(node, { type: MsgVoteResp, from: 2n, term: 1 });
    expect(node.status().state).toBe('candidate');
    node.persisted(ready);
    expect(node.status().state).toBe('leader');
  });

  test('the own vote of an earlier candidacy does not count in the next', () => {
    const node = startNode();
    node.campaign();
    const first = node.ready();
    node.campaign();
    receive(node, { type: MsgVoteResp, from: 2n, term: 2 });
    node.persisted(first);
    expect(node.status()).toMatchObject({ state: 'candidate', term: 2 });
    node.persisted(node.ready());
    expect(node.status()).toMatchObject({ state: 'leader', term: 2 });
  });

  test('a vote is not made durable by a Ready before it', () => {
    const node = startNode();
    receive(node, { type: MsgHeartbeat, from: 3n, term: 1 });
    const before = node.ready();
    node.campaign();
    node.ready();
    receive(node, { type: MsgVoteResp, from: 2n, term: 2 });
    node.persisted(before);
    expect(node.status()).toMatchObject({ state: 'candidate', term: 2 });
  });

  test("the leader's own copy, though it is sent to the others at once", () => {
    const leader = startLeader();
    leader.propose(data('a'));
    const ready = leader.ready();
    expect(ready.messages.map(({ type }) => type)).toEqual([MsgApp, MsgApp]);
    const five = startLeader({ voters: [1n, 2n, 3n, 4n] });
    five.propose(data('a'));
    const written = five.ready();
    for (const from of [2n, 3n]) receive(five, { type: MsgAppResp, from, term: 1, index: 2 });
    expect(five.status().commit).toBe(1);
    five.persisted(written);
    expect(five.status().commit).toBe(2);
  });

  test('but heartbeats are answered at once, whatever the disk is doing', () => {
    const node = startNode();
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    expect(node.ready()).toMatchObject({ messages: [{ type: MsgHeartbeatResp }], messagesAfterPersist: [] });
  });
});

describe('committed entries', () => {
  test('are handed out when they are durable here, too', () => {
    const leader = startLeader();
    leader.propose(data('a'));
    const ready = leader.ready();
    for (const from of [2n, 3n]) receive(leader, { type: MsgAppResp, from, term: 1, index: 2 });
    expect(leader.status().commit).toBe(2);
    expect(leader.ready().committedEntries).toEqual([]);
    leader.propose(data('b'));
    leader.ready();
    for (const from of [2n, 3n]) receive(leader, { type: MsgAppResp, from, term: 1, index: 3 });
    leader.persisted(ready);
    expect(leader.ready().committedEntries).toMatchObject([{ Index: 2, Data: data('a') }]);
  });

  test('come in portions of limited size, each once', () => {
    const config = { maxCommittedBytesPerReady: 60 };
    const node = startNode({ log: [1, 1, 1, 1, 1], hardState: { commit: 4 }, config });
    expect(node.ready().committedEntries.map(({ Index }) => Index)).toEqual([1, 2, 3]);
    expect(node.hasReady()).toBe(true);
    expect(node.ready().committedEntries.map(({ Index }) => Index)).toEqual([4]);
    expect(node.hasReady()).toBe(false);
  });

  test('begin behind what the state machine has applied', () => {
    const node = startNode({ log: [1, 1, 1], hardState: { commit: 3 }, applied: 2 });
    expect(pump(node).committed.map(({ Index }) => Index)).toEqual([3]);
  });

  test('that the state machine has applied are committed, though the note of it was lost', () => {
    const node = startNode({ log: [1, 1, 1], hardState: { commit: 1 }, applied: 2 });
    expect(node.status()).toMatchObject({ commit: 2, applied: 2 });
  });

  test('cannot be applied before they were handed out', () => {
    const node = startNode({ log: [1], hardState: { commit: 1 } });
    expect(() => node.applied(1)).toThrow(RaftError);
    node.ready();
    node.applied(1);
    expect(node.status().applied).toBe(1);
  });
});

describe('several Readys under way', () => {
  test('may be confirmed together', () => {
    const leader = startLeader({ voters: [1n] });
    const readys = ['a', 'b', 'c'].map((text) => {
      leader.propose(data(text));
      return leader.ready();
    });
    expect(readys.map(({ sequence, entries }) => [sequence, entries.map(({ Index }) => Index)])).toEqual([
      [readys[0]?.sequence, [2]],
      [(readys[0]?.sequence as number) + 1, [3]],
      [(readys[0]?.sequence as number) + 2, [4]],
    ]);
    leader.persisted(readys[2] as (typeof readys)[0]);
    expect(leader.status().commit).toBe(4);
    leader.persisted(readys[0] as (typeof readys)[0]);
    expect(leader.status().commit).toBe(4);
  });

  test('a write cannot vouch for entries that came to its indexes later', () => {
    const node = startNode();
    const ready = (from: bigint, term: number, terms: number[], commit: number) => {
      receive(node, { type: MsgApp, from, term, entries: entriesOf(terms), commit });
      return node.ready();
    };
    // The first write is overtaken by two others; in the end the log is as it was, but the disk is not.
    const first = ready(2n, 1, [1, 1], 0);
    const second = ready(3n, 2, [2], 0);
    const third = ready(2n, 3, [1, 1, 3], 3);
    node.persisted(first);
    expect(node.ready().committedEntries).toEqual([]);
    node.persisted(second);
    expect(node.ready().committedEntries).toEqual([]);
    node.persisted(third);
    expect(node.ready().committedEntries).toHaveLength(3);
  });

  test('an unknown one is refused', () => {
    expect(() => startNode().persisted({ sequence: 1 })).toThrow(RaftError);
  });

  test('say only what has changed since the one before', () => {
    const node = startNode();
    expect(node.hasReady()).toBe(false);
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1 });
    expect(node.ready()).toMatchObject({
      softState: { lead: 2n, state: 'follower' },
      hardState: { term: 1, vote: 0n, commit: 0 },
      mustSync: true,
    });
    receive(node, { type: MsgApp, from: 2n, term: 1, entries: entriesOf([1]) });
    const second = node.ready();
    expect(second.softState).toBeUndefined();
    expect(second.hardState).toBeUndefined();
    receive(node, { type: MsgHeartbeat, from: 2n, term: 1, commit: 1 });
    expect(node.ready()).toMatchObject({ hardState: { commit: 1 }, mustSync: false });
    expect(node.hasReady()).toBe(false);
  });
});

describe('a state found on disk is refused', () => {
  test('with a gap in its log', () => {
    const state = initialState({ entries: [...entriesOf([1], 1), ...entriesOf([1], 3)] });
    expect(() => new RawNode(config, state)).toThrow('entry 2 is missing: entry 3 stands in its place');
  });

  test('that has committed more than it holds', () => {
    const state = initialState({ log: [1], hardState: { commit: 2 } });
    expect(() => new RawNode(config, state)).toThrow('the log ends at 1: files are missing');
  });

  test('whose state machine is behind its snapshot', () => {
    const state = initialState({ snapshot: { index: 5, term: 1 }, applied: 4 });
    expect(() => new RawNode(config, state)).toThrow('the log begins behind 5');
  });

  test('in the middle of a joint change', () => {
    const state = initialState({});
    state.confState.voters_outgoing.push(7n);
    expect(() => new RawNode(config, state)).toThrow('joint one');
  });

  test('but for entries beyond a snapshot that replaced them', () => {
    const state = initialState({ snapshot: { index: 5, term: 3 }, log: [3, 3, 2, 2] });
    const node = new RawNode(config, state);
    expect(node.lastIndex()).toBe(7);
  });

  test.each([
    { wrong: { id: 0n } },
    { wrong: { heartbeatTicks: 0 } },
    { wrong: { electionTicks: 1 } },
    { wrong: { maxInflightMessages: 0 } },
  ])('and so are settings that cannot work: $wrong', ({ wrong }) => {
    expect(() => new RawNode({ ...config, ...wrong }, initialState({}))).toThrow(RangeError);
  });

  const config = {
    id: 1n,
    electionTicks: 10,
    heartbeatTicks: 1,
    maxSizePerMessageBytes: 1024,
    maxInflightMessages: 16,
    maxCommittedBytesPerReady: 1024,
    checkQuorum: true,
    preVote: true,
    random: () => 0,
  };
});
