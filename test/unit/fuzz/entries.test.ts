/** Committed entries whose bytes were damaged on their way: they are applied for what they are now, or refused by index. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrashFileSystem } from '../../../server/base/testing/crash-file-system.ts';
import { BareMember, memberConfig } from '../../../server/member/testing/bare-member.ts';
import { encodeContext, newMember } from '../../../server/membership/mod.ts';
import { ConfChange, ConfChangeType, ConfState, Entry, EntryType } from '../../../server/proto/gen/raft.ts';
import { InternalRaftRequest } from '../../../server/proto/gen/raft_internal.ts';
import {
  CompactionRequest,
  Compare,
  DeleteRangeRequest,
  LeaseGrantRequest,
  PutRequest,
  RequestOp,
  TxnRequest,
} from '../../../server/proto/gen/rpc.ts';
import { Request as V2Request } from '../../../server/proto/gen/v2request.ts';
import { damaged, damages, fuzzRuns } from './damage.ts';

const bytes = (text: string) => Buffer.from(text);
const put = PutRequest.create({ key: bytes('k'), value: bytes('value'), lease: 0n, prev_kv: true });
const samples = [
  { put },
  { delete_range: DeleteRangeRequest.create({ key: bytes('a'), range_end: bytes('z') }) },
  { compaction: CompactionRequest.create({ revision: 1 }) },
  { lease_grant: LeaseGrantRequest.create({ TTL: 60, ID: 7n }) },
  {
    txn: TxnRequest.create({
      compare: [Compare.create({ key: bytes('k'), version: 1 })],
      success: [RequestOp.create({ request_put: put })],
      failure: [RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key: bytes('k') }) })],
    }),
  },
].map((request) => InternalRaftRequest.encode(InternalRaftRequest.create({ ID: 5n, ...request })));

const context = encodeContext({ member: newMember({ id: 9n, peerURLs: ['http://10.0.0.9:2380'] }), isPromote: false });
const change = ConfChange.create({
  id: 5n,
  type: ConfChangeType.ConfChangeAddNode,
  node_id: 9n,
  context: bytes(context),
});
const v2 = V2Request.create({
  ID: 7n,
  Method: 'PUT',
  Path: '/0/members/9/attributes',
  Val: '{"name":"m9","clientURLs":["http://x:1"]}',
});

const entries = [
  ...[...samples, V2Request.encode(v2)].map((Data) => ({ Type: EntryType.EntryNormal as EntryType, Data })),
  { Type: EntryType.EntryConfChange as EntryType, Data: ConfChange.encode(change) },
];

test('a damaged entry is applied or refused by its index, and the one behind it is applied', async () => {
  const member = await BareMember.start(memberConfig(new CrashFileSystem()));
  const { machine } = member.boot;
  const counts = { applied: 0, refused: 0 };
  let index = 100;
  const confState = ConfState.create({ voters: [member.boot.id] });
  const property = fc.property(fc.constantFrom(...entries), damages, ({ Type, Data }, changes) => {
    index++;
    try {
      machine.apply(Entry.create({ Type, Term: 3, Index: index, Data: damaged(Data, changes) }), () => confState);
      counts.applied++;
    } catch (error) {
      expect((error as Error).message).toContain(`entry ${index} of term 3`);
      counts.refused++;
    }
    const good = InternalRaftRequest.encode(InternalRaftRequest.create({ ID: 6n, put }));
    const outcome = machine.apply(Entry.create({ Term: 3, Index: ++index, Data: good }), () => confState);
    expect(outcome).toMatchObject({ kind: 'request', id: 6n });
  });
  fc.assert(property, { numRuns: fuzzRuns });
  expect(Math.min(counts.applied, counts.refused)).toBeGreaterThan(0);
  await member.close();
});
