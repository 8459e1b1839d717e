/** What a leader takes up of the proposals that others forward: no entry may come into the log that stops whoever has it. */
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { encodeContext, newMember } from '../membership/mod.ts';
import {
  ConfChange,
  ConfChangeType,
  ConfChangeV2,
  ConfChangeV2_Transition,
  ConfState,
  Entry,
  EntryType,
  Message,
  MessageType,
} from '../proto/gen/raft.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { PutRequest } from '../proto/gen/rpc.ts';
import { Request as V2Request } from '../proto/gen/v2request.ts';
import { withoutUnreadable } from './proposal-check.ts';
import { BareMember, memberConfig } from './testing/bare-member.ts';

const { EntryNormal, EntryConfChange, EntryConfChangeV2 } = EntryType;
const { ConfChangeAddLearnerNode, ConfChangeAddNode, ConfChangeRemoveNode } = ConfChangeType;
const context = Buffer.from(
  encodeContext({ member: newMember({ id: 9n, peerURLs: ['http://10.0.0.9:2380'] }), isPromote: false }),
);
const put = PutRequest.create({ key: Buffer.from('k'), value: Buffer.from('v') });
const attributes = { Method: 'PUT', Path: '/0/members/9/attributes' };
const normal = (Data: Uint8Array): Entry => Entry.create({ Type: EntryNormal, Data });
const change = (fields: Partial<ConfChange>): Entry =>
  Entry.create({ Type: EntryConfChange, Data: ConfChange.encode(ConfChange.create({ node_id: 9n, ...fields })) });
const changeV2 = (fields: Partial<ConfChangeV2>): Entry =>
  Entry.create({ Type: EntryConfChangeV2, Data: ConfChangeV2.encode(ConfChangeV2.create(fields)) });
const addNine = { type: ConfChangeAddNode, node_id: 9n };

const readable: Record<string, Entry> = {
  'a request': normal(InternalRaftRequest.encode(InternalRaftRequest.create({ put }))),
  nothing: Entry.create({ Type: EntryNormal }),
  'attributes, as upstream 3.5 publishes them': normal(
    V2Request.encode(V2Request.create({ ...attributes, Val: '{"name":"m9","clientURLs":["http://x:1"]}' })),
  ),
  'a change': change({ type: ConfChangeAddLearnerNode, context }),
  'a removal, which has no context': change({ type: ConfChangeRemoveNode }),
  'a single change in the newer form': changeV2({ changes: [addNine], context }),
};

const unreadable: Record<string, Entry> = {
  'bytes that are no request': normal(Buffer.from([0xff, 0xff, 0xff])),
  'a request of a later version': normal(Buffer.from([0xa2, 0x7d, 0x01, 0x00])),
  'attributes that are no JSON': normal(V2Request.encode(V2Request.create({ ...attributes, Val: 'name=m9' }))),
  'attributes in a list': normal(V2Request.encode(V2Request.create({ ...attributes, Val: '[]' }))),
  'bytes that are no change': Entry.create({ Type: EntryConfChange, Data: Buffer.from([0x08]) }),
  'a change without its member': change({ type: ConfChangeAddNode }),
  'a change of an unknown type': change({ type: 77 as ConfChangeType, context }),
  'changes of two members': changeV2({
    changes: [addNine, { type: ConfChangeRemoveNode, node_id: 8n }],
    context,
  }),
  'a change that is to be a joint one': changeV2({
    changes: [addNine],
    transition: ConfChangeV2_Transition.JointExplicit,
    context,
  }),
  'the end of a joint change': changeV2({}),
  'an entry of an unknown type': Entry.create({ Type: 9 as EntryType, Data: Buffer.from('x') }),
};

const forwarded = (...entries: Entry[]): Message => Message.create({ type: MessageType.MsgProp, from: 2n, entries });

describe('of a forwarded proposal', () => {
  test.each(Object.entries(readable))('%s is taken up, and every member can apply it', async (_, entry) => {
    const message = forwarded(entry);
    expect(withoutUnreadable(message, silentLogger)).toBe(message);
    const member = await BareMember.start(memberConfig(new CrashFileSystem()));
    const applied = { ...entry, Index: 100, Term: 2 };
    member.boot.machine.apply(applied, () => ConfState.create({ voters: [member.boot.id] }));
    expect(member.boot.machine.appliedIndex).toBe(100);
    await member.close();
  });

  test.each(Object.entries(unreadable))('%s is not, since it would stop every member', async (_, entry) => {
    expect(withoutUnreadable(forwarded(entry), silentLogger)).toBeUndefined();
    const member = await BareMember.start(memberConfig(new CrashFileSystem()));
    const apply = (): unknown =>
      member.boot.machine.apply({ ...entry, Index: 100, Term: 2 }, () => ConfState.create({ voters: [1n] }));
    expect(apply).toThrow('entry 100 of term 2 in the log cannot be applied');
    await member.close();
  });

  test('the rest is taken up, in its order', () => {
    const good = Object.values(readable);
    const mixed = Object.values(unreadable).flatMap((bad, i) => [bad, ...good.slice(i, i + 1)]);
    expect(withoutUnreadable(forwarded(...mixed), silentLogger)?.entries).toEqual(good);
  });

  test('other messages are left alone', () => {
    const message = Message.create({ type: MessageType.MsgApp, entries: Object.values(unreadable) });
    expect(withoutUnreadable(message, silentLogger)).toBe(message);
  });
});

test('a single change in the newer form is applied as one in the older form is', async () => {
  const member = await BareMember.start(memberConfig(new CrashFileSystem()));
  const told: ConfChange[] = [];
  const entry = { ...(readable['a single change in the newer form'] as Entry), Index: 100, Term: 2 };
  const outcome = member.boot.machine.apply(entry, (single) => {
    told.push(single);
    return ConfState.create({ voters: [member.boot.id, 9n] });
  });
  expect(told).toMatchObject([{ type: ConfChangeAddNode, node_id: 9n }]);
  expect(outcome).toMatchObject({ kind: 'conf-change', change: { kind: 'added', member: { id: 9n } } });
  await member.close();
});
