/** What bounds the memory that a leader takes for others. */
import { describe, expect, test } from 'vitest';
import { ConfChange, ConfChangeType, Entry, EntryType, type Message, MessageType } from '../proto/gen/raft.ts';
import { TooManyUnapplied } from './errors.ts';
import { pump, receive, sent, startLeader, startNode } from './testing/node.ts';

const { MsgApp, MsgAppResp, MsgProp } = MessageType;
/** With the allowance for its header, an entry of a hundred bytes. */
const hundredBytes = (): Uint8Array => Buffer.alloc(84);

describe('a leader with too much in its log that is not applied', () => {
  const config = { maxUnappliedBytes: 250 };

  test('refuses proposals, and takes them up again when enough is applied', () => {
    const leader = startLeader({ config });
    leader.propose(hundredBytes());
    leader.propose(hundredBytes());
    expect(() => leader.propose(hundredBytes())).toThrow(TooManyUnapplied);
    pump(leader);
    // Durable here, and not yet committed.
    expect(() => leader.propose(hundredBytes())).toThrow(TooManyUnapplied);
    receive(leader, { type: MsgAppResp, from: 2n, term: leader.status().term, index: leader.lastIndex() });
    const ready = leader.ready();
    expect(ready.committedEntries).toHaveLength(2);
    // Committed, and not yet applied: a state machine that does not keep up holds proposals back, too.
    expect(() => leader.propose(hundredBytes())).toThrow('200 bytes of entries are not applied yet');
    leader.applied(leader.lastIndex());
    leader.propose(hundredBytes());
    expect(leader.lastIndex()).toBe(4);
  });

  test('drops those that others forward, and changes of the configuration', () => {
    const leader = startLeader({ config });
    leader.propose(hundredBytes());
    leader.propose(hundredBytes());
    const last = leader.lastIndex();
    const entries = [Entry.create({ Type: EntryType.EntryNormal, Data: hundredBytes() })];
    receive(leader, { type: MsgProp, from: 2n, entries });
    const change = { type: ConfChangeType.ConfChangeAddNode, node_id: 4n, context: hundredBytes() };
    expect(() => leader.proposeConfChange(ConfChange.create(change))).toThrow(TooManyUnapplied);
    expect(leader.lastIndex()).toBe(last);
  });

  test('takes up a single proposal however large it is', () => {
    const leader = startLeader({ config });
    leader.propose(Buffer.alloc(1000));
    expect(leader.lastIndex()).toBe(2);
  });

  test('counts what it took over from the leader before it, and begins its term all the same', () => {
    const node = startNode({ config, log: [1] });
    const entries = [2, 3, 4].map((Index) => Entry.create({ Index, Term: 1, Data: hundredBytes() }));
    receive(node, { type: MsgApp, from: 2n, term: 1, index: 1, logTerm: 1, entries });
    pump(node);
    node.campaign();
    pump(node);
    receive(node, { type: MessageType.MsgVoteResp, from: 2n, term: node.status().term });
    expect(node.status()).toMatchObject({ state: 'leader', lastIndex: 5 });
    expect(() => node.propose(hundredBytes())).toThrow(TooManyUnapplied);
  });
});

test('a leader sends no more than so many bytes before they are acknowledged, but always one message', () => {
  const leader = startLeader({ config: { maxInflightBytes: 150, maxSizePerMessageBytes: 1 } });
  for (let i = 0; i < 5; i++) leader.propose(hundredBytes());
  const to2 = (messages: Message[]): number => messages.filter(({ to }) => to === 2n).length;
  expect(to2(sent(leader, MsgApp))).toBe(2);
  receive(leader, { type: MsgAppResp, from: 2n, term: leader.status().term, index: 2 });
  expect(to2(sent(leader, MsgApp).filter(({ entries }) => entries.length > 0))).toBe(1);
  receive(leader, { type: MsgAppResp, from: 2n, term: leader.status().term, index: 4 });
  leader.propose(Buffer.alloc(1000));
  expect(to2(sent(leader, MsgApp).filter(({ entries }) => entries.length > 0))).toBe(2);
});
