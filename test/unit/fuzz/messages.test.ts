/** What comes over the network, and the JSON and protobuf within files: damaged, it is refused by an error that says where. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeContext,
  decodeMember,
  decodeMembers,
  encodeContext,
  encodeMembers,
  MemberJsonError,
  newMember,
} from '../../../server/membership/mod.ts';
import { ChunkBuilder, FrameError, FrameReader } from '../../../server/peer/frames.ts';
import {
  decodeLeaseRequest,
  decodeLeaseResponse,
  encodeLeaseRequest,
  encodeLeaseResponse,
} from '../../../server/peer/lease-envelope.ts';
import { newEncoder, newParser, type StreamKind, streamKinds } from '../../../server/peer/stream-codec.ts';
import {
  ConfChange,
  ConfChangeType,
  ConfState,
  Entry,
  EntryType,
  Message,
  MessageType,
  Snapshot,
} from '../../../server/proto/gen/raft.ts';
import { InternalRaftRequest } from '../../../server/proto/gen/raft_internal.ts';
import {
  CompactionRequest,
  Compare,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../../server/proto/gen/rpc.ts';
import { Request as V2Request } from '../../../server/proto/gen/v2request.ts';
import { WireError } from '../../../server/proto/wire.ts';
import { decodeSnapFile, decodeV2Store, encodeSnapFile, encodeV2Store, SnapError } from '../../../server/snap/mod.ts';
import { damaged, damages, fuzzRuns, withinMemory, withinTime } from './damage.ts';

const bytes = (text: string) => Buffer.from(text);
const member = newMember({
  id: 0x8e9e05c52164694dn,
  name: 'm1 <&>',
  peerURLs: ['http://10.0.0.1:2380'],
  clientURLs: ['http://10.0.0.1:2379'],
});

const requests = [
  { put: PutRequest.create({ key: bytes('k'), value: bytes('v'.repeat(300)), lease: 7n, prev_kv: true }) },
  { range: RangeRequest.create({ key: bytes('a'), range_end: bytes('b'), limit: 10, revision: 2 ** 40 }) },
  { delete_range: DeleteRangeRequest.create({ key: bytes('a'), range_end: bytes('z') }) },
  { compaction: CompactionRequest.create({ revision: 12, physical: true }) },
  { lease_grant: LeaseGrantRequest.create({ TTL: 60, ID: 2n ** 62n }) },
  {
    txn: TxnRequest.create({
      compare: [Compare.create({ key: bytes('k'), version: 3 })],
      success: [
        RequestOp.create({
          request_txn: TxnRequest.create({
            success: [RequestOp.create({ request_put: PutRequest.create({ key: bytes('in') }) })],
          }),
        }),
      ],
      failure: [RequestOp.create({ request_range: RangeRequest.create({ key: bytes('k') }) })],
    }),
  },
].map((request) => InternalRaftRequest.encode(InternalRaftRequest.create({ ID: 2n ** 63n + 1n, ...request })));

const confChange = ConfChange.encode(
  ConfChange.create({
    id: 5n,
    type: ConfChangeType.ConfChangeAddNode,
    node_id: member.id,
    context: bytes(encodeContext({ member, isPromote: false })),
  }),
);
const entries = requests.map((Data, i) => Entry.create({ Type: EntryType.EntryNormal, Term: 3, Index: 10 + i, Data }));
const snapshot = Snapshot.create({
  data: encodeV2Store({ members: [member], removed: [1n, 2n], clusterVersion: '3.5.0', index: 9 }),
  metadata: { index: 9, term: 3, conf_state: ConfState.create({ voters: [1n, 2n ** 64n - 1n], learners: [3n] }) },
});
const messages = [
  Message.create({ type: MessageType.MsgApp, from: 1n, to: 2n, term: 3, logTerm: 3, index: 9, entries, commit: 8 }),
  Message.create({
    type: MessageType.MsgApp,
    from: 1n,
    to: 2n,
    term: 3,
    logTerm: 3,
    index: 15,
    entries: [Entry.create({ Term: 3, Index: 16 })],
    commit: 15,
  }),
  Message.create({ type: MessageType.MsgSnap, from: 1n, to: 2n, term: 3, snapshot }),
  Message.create({
    type: MessageType.MsgReadIndexResp,
    from: 1n,
    to: 2n,
    index: 4,
    entries: [Entry.create({ Data: bytes('context') })],
  }),
  Message.create({ type: MessageType.MsgAppResp, from: 1n, to: 2n, reject: true, rejectHint: 7, context: bytes('x') }),
];

function stream(kind: StreamKind): Buffer {
  const encoder = newEncoder(kind);
  const out = new ChunkBuilder();
  for (const message of messages) {
    if (kind === 'message' || message.type === MessageType.MsgApp) encoder.encode(message, out);
    encoder.heartbeat(out);
  }
  const chunk = Buffer.concat(out.finish());
  return chunk.subarray(chunk.indexOf('\r\n') + 2, -2);
}

/** Feeds a stream's parser in pieces. */
function readStream(kind: StreamKind) {
  return (input: Buffer) => {
    const read: Message[] = [];
    const reader = new FrameReader(newParser(kind, 1n, 2n, (message) => read.push(message)));
    for (let at = 0; at < input.length; at += 97) reader.push(input.subarray(at, at + 97));
    return read;
  };
}

interface Parser {
  name: string;
  samples: Uint8Array[];
  parse: (input: Buffer) => unknown;
  error: new (...args: never[]) => Error;
  /** What every error says. */
  says: RegExp;
}

const wire = { error: WireError, says: /at byte \d+$/ };
const parsers: Parser[] = [
  { name: 'a raft message', samples: messages.map(Message.encode), parse: (input) => Message.decode(input), ...wire },
  { name: 'a log entry', samples: entries.map(Entry.encode), parse: (input) => Entry.decode(input), ...wire },
  { name: 'a request in the log', samples: requests, parse: (input) => InternalRaftRequest.decode(input), ...wire },
  { name: 'a change of members', samples: [confChange], parse: (input) => ConfChange.decode(input), ...wire },
  {
    name: 'a request of the v2 store',
    samples: [
      V2Request.encode(
        V2Request.create({ ID: 7n, Method: 'PUT', Path: '/0/members/1/attributes', Val: '{"name":"m1"}' }),
      ),
    ],
    parse: (input) => V2Request.decode(input),
    ...wire,
  },
  {
    name: 'a question about a lease',
    samples: [
      encodeLeaseRequest(LeaseTimeToLiveRequest.create({ ID: 7n, keys: true })),
      encodeLeaseResponse(LeaseTimeToLiveResponse.create({ ID: 7n, TTL: 5, grantedTTL: 60, keys: [bytes('k')] })),
    ],
    parse: (input) => [decodeLeaseRequest(input), decodeLeaseResponse(input)],
    ...wire,
  },
  ...streamKinds.map((kind) => ({
    name: `the stream ${kind}`,
    samples: [stream(kind)],
    parse: readStream(kind),
    error: FrameError,
    says: /./,
  })),
  {
    name: 'a .snap file',
    samples: [encodeSnapFile(snapshot)],
    parse: (input) => decodeSnapFile(input, '/snap/1.snap'),
    error: SnapError,
    says: /^\/snap\/1\.snap is damaged: /,
  },
  {
    name: 'a .snap file whose CRC is right all the same',
    samples: [Snapshot.encode(snapshot)],
    parse: (input) => Snapshot.decode(input),
    ...wire,
  },
  {
    name: 'the v2 store',
    samples: [snapshot.data as Uint8Array],
    parse: (input) => decodeV2Store(input),
    error: SnapError,
    says: /^the snapshot's v2 store cannot be used: ./,
  },
  {
    name: 'the JSON of members',
    samples: [bytes(encodeContext({ member, isPromote: true })), bytes(encodeMembers([member, member]))],
    parse: (input) => (input.includes('[{') ? decodeMembers(input) : [decodeMember(input), decodeContext(input)]),
    error: MemberJsonError,
    says: /^member( list)?: ./,
  },
];

/** Parses in time. @returns what it was refused with, if it was; fails for any error that is not the parser's */
function refusal({ parse, error: expected, says }: Parser, input: Buffer): Error | undefined {
  try {
    withinTime(() => parse(input));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(expected);
    expect((error as Error).message).toMatch(says);
    return error as Error;
  }
}

/** Beyond any input here, and far below what a damaged length can claim. */
const memoryLimitBytes = 256 * 1024;

describe.each(parsers)('$name', (parser) => {
  test('as it was written is read', () => {
    for (const sample of parser.samples) expect(refusal(parser, Buffer.from(sample))).toBeUndefined();
  });

  test('damaged is read or refused, with the place', async () => {
    let refused = 0;
    const property = fc.property(fc.constantFrom(...parser.samples), damages, (sample, changes) => {
      if (refusal(parser, damaged(sample, changes)) !== undefined) refused++;
    });
    await withinMemory(memoryLimitBytes, () => fc.assert(property, { numRuns: fuzzRuns }));
    expect(refused).toBeGreaterThan(fuzzRuns / 20);
  });

  test('that is any bytes is read or refused, with the place', async () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (input) => void refusal(parser, Buffer.from(input)),
    );
    await withinMemory(memoryLimitBytes, () => fc.assert(property, { numRuns: fuzzRuns / 4 }));
  });
});

describe('what nests without end is refused and does not overflow the stack:', () => {
  test('transactions in transactions', () => {
    let nested: Uint8Array = bytes('');
    for (let depth = 0; depth <= 10_000; depth++) nested = lengthDelimited(depth % 2 === 0 ? 2 : 4, nested);
    expect(() => InternalRaftRequest.decode(lengthDelimited(6, nested))).toThrow('nested too deeply');
  });

  test('brackets in the JSON of members and of the v2 store', () => {
    const brackets = bytes(`{"Root":${'['.repeat(200_000)}`);
    expect(() => decodeV2Store(brackets)).toThrow(SnapError);
    expect(() => decodeMembers(brackets)).toThrow(MemberJsonError);
    const closed = bytes(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(() => decodeMembers(closed)).toThrow(MemberJsonError);
    expect(() => decodeV2Store(bytes(`{"Root":${closed}}`))).toThrow(SnapError);
  });
});

function lengthDelimited(field: number, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of((field << 3) | 2, ...length, rest), content]);
}
