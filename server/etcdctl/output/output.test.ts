import { describe, expect, test } from 'vitest';
import { memoryIo } from '../../cli/testing/memory-io.ts';
import { KeyValue } from '../../proto/gen/kv.ts';
import {
  AlarmResponse,
  AlarmType,
  DeleteRangeResponse,
  HashKVResponse,
  Member,
  MemberListResponse,
  PutResponse,
  RangeResponse,
  StatusResponse,
  TxnResponse,
} from '../../proto/gen/rpc.ts';
import { printerFor } from './mod.ts';
import type { Printer } from './printer.ts';

const header = { cluster_id: 15875391935852295136n, member_id: 7383792418829112008n, revision: 4, raft_term: 2 };
const opHeader = { cluster_id: 0n, member_id: 0n, revision: 25, raft_term: 0 };
const kv = KeyValue.create({
  key: Buffer.from('foo'),
  create_revision: 2,
  mod_revision: 3,
  version: 2,
  value: Buffer.from([0x62, 0xff]),
  lease: 0x7fff_ffff_ffff_ffffn,
});
const range = RangeResponse.create({ header, kvs: [kv], more: true, count: 9 });
const txn = TxnResponse.create({
  header,
  succeeded: true,
  responses: [
    { response_range: RangeResponse.create({ header: opHeader, kvs: [kv], count: 1 }) },
    { response_put: PutResponse.create({ header: opHeader }) },
    { response_delete_range: DeleteRangeResponse.create({ header: opHeader, deleted: 1 }) },
  ],
});
const members = MemberListResponse.create({
  header,
  members: [
    Member.create({ ID: 7383792418829112008n, name: 'm1', peerURLs: ['http://p?a&b'], clientURLs: ['http://c'] }),
    Member.create({ ID: 1n, peerURLs: ['http://q'], isLearner: true }),
  ],
});

function printed(format: string, print: (printer: Printer) => void, options = {}): string {
  const io = memoryIo();
  print(printerFor(format, io, { hex: false, valueOnly: false, ...options }));
  return io.out();
}

describe('json', () => {
  const headerJson = '{"cluster_id":15875391935852295136,"member_id":7383792418829112008,"revision":4,"raft_term":2}';
  const kvJson =
    '{"key":"Zm9v","create_revision":2,"mod_revision":3,"version":2,"value":"Yv8=","lease":9223372036854775807}';

  test('of get', () => {
    expect(printed('json', (printer) => printer.get(range))).toBe(
      `{"header":${headerJson},"kvs":[${kvJson}],"more":true,"count":9}\n`,
    );
  });

  test('leaves out what is zero or empty', () => {
    expect(printed('json', (printer) => printer.get(RangeResponse.create({ header: opHeader })))).toBe(
      '{"header":{"revision":25}}\n',
    );
    expect(printed('json', (printer) => printer.put(PutResponse.create({ prev_kv: KeyValue.create() })))).toBe(
      '{"prev_kv":{}}\n',
    );
  });

  test('of txn', () => {
    expect(printed('json', (printer) => printer.txn(txn))).toBe(
      `{"header":${headerJson},"succeeded":true,"responses":[` +
        `{"Response":{"response_range":{"header":{"revision":25},"kvs":[${kvJson}],"count":1}}},` +
        '{"Response":{"response_put":{"header":{"revision":25}}}},' +
        '{"Response":{"response_delete_range":{"header":{"revision":25},"deleted":1}}}]}\n',
    );
  });

  test('of member list, with ids in decimal, or in hexadecimal with 3.5’s spelling', () => {
    expect(printed('json', (printer) => printer.memberList(members))).toBe(
      `{"header":${headerJson},"members":[{"ID":7383792418829112008,"name":"m1","peerURLs":["http://p?a\\u0026b"],` +
        '"clientURLs":["http://c"]},{"ID":1,"peerURLs":["http://q"],"isLearner":true}]}\n',
    );
    expect(printed('json', (printer) => printer.memberList(members), { hex: true })).toBe(
      '{"header":{"cluster_id":"dc50b8daae93b3e0","member_id":"667880157b8812c8","raft_term":2},"members":[' +
        '{"ID":"667880157b8812c8","name":"m1","peerURLs":["http://p?a\\u0026b"],"clientURLS":["http://c"]},' +
        '{"ID":"1","name":"","peerURLs":["http://q"],"clientURLS":null}]}\n',
    );
  });

  test('of endpoints', () => {
    const status = StatusResponse.create({ header, version: '3.5.30', dbSize: 24576, errors: ['NOSPACE'], leader: 1n });
    expect(printed('json', (printer) => printer.endpointStatus([{ endpoint: 'a:1', status }]))).toBe(
      `[{"Endpoint":"a:1","Status":{"header":${headerJson},"version":"3.5.30","dbSize":24576,"leader":1,"errors":["NOSPACE"]}}]\n`,
    );
    const hashKv = HashKVResponse.create({ header, hash: 7, compact_revision: -1 });
    expect(printed('json', (printer) => printer.endpointHashKv([{ endpoint: 'a:1', hashKv }]))).toBe(
      `[{"Endpoint":"a:1","HashKV":{"header":${headerJson},"hash":7,"compact_revision":-1}}]\n`,
    );
    expect(printed('json', (printer) => printer.endpointStatus([]))).toBe('[]\n');
    const health = { endpoint: 'a:1', healthy: false, took: '1s', error: 'x' };
    expect(
      printed('json', (printer) => printer.endpointHealth([health, { ...health, healthy: true, error: '' }])),
    ).toBe(
      '[{"endpoint":"a:1","health":false,"took":"1s","error":"x"},{"endpoint":"a:1","health":true,"took":"1s"}]\n',
    );
  });
});

describe('simple', () => {
  test('prints bytes as they are, or in hexadecimal, or without keys', () => {
    const io = memoryIo();
    let raw = Buffer.alloc(0);
    const stdout = { write: (chunk: string | Uint8Array) => (raw = Buffer.concat([raw, Buffer.from(chunk)])) };
    printerFor('simple', { ...io, stdout }, { hex: false, valueOnly: false }).get(range);
    expect(raw).toEqual(Buffer.from('foo\nb\xff\n', 'latin1'));
    expect(printed('simple', (printer) => printer.get(range), { hex: true })).toBe('\\x66\\x6f\\x6f\n\\x62\\xff\n');
    expect(printed('simple', (printer) => printer.get(range), { hex: true, valueOnly: true })).toBe('\\x62\\xff\n');
  });

  test('puts an empty line before each answer of a transaction', () => {
    expect(printed('simple', (printer) => printer.txn(txn), { hex: true })).toBe(
      'SUCCESS\n\n\\x66\\x6f\\x6f\n\\x62\\xff\n\nOK\n\n1\n',
    );
    expect(printed('simple', (printer) => printer.txn(TxnResponse.create()))).toBe('FAILURE\n');
  });

  test('lists members, those that never started without a name', () => {
    expect(printed('simple', (printer) => printer.memberList(members))).toBe(
      '667880157b8812c8, started, m1, http://p?a&b, http://c, false\n1, unstarted, , http://q, , true\n',
    );
  });

  test('reports the unhealthy on standard error', () => {
    const io = memoryIo();
    const one = { endpoint: 'a:1', healthy: true, took: '2.5ms', error: '' };
    printerFor('simple', io, { hex: false, valueOnly: false }).endpointHealth([
      one,
      { ...one, endpoint: 'b:1', healthy: false, error: 'why' },
    ]);
    expect(io.out()).toBe('a:1 is healthy: successfully committed proposal: took = 2.5ms\n');
    expect(io.err()).toBe('b:1 is unhealthy: failed to commit proposal: why\n');
  });
});

test('fields prints names and values, strings in Go’s quotes', () => {
  const text = printed('fields', (printer) => printer.get(range));
  expect(text).toContain('"ClusterID" : 15875391935852295136\n');
  expect(text).toContain('"Value" : "b\\xff"\n"Lease" : 9223372036854775807\n"More" : true\n"Count" : 9\n');
  const status = StatusResponse.create({ header, errors: ['a', 'b'] });
  expect(printed('fields', (printer) => printer.endpointStatus([{ endpoint: 'x', status }]))).toMatch(
    /"RaftTerm" : 0\n"RaftAppliedIndex" : 0\n"Errors" : \[a b\]\n"Endpoint" : "x"\n\n$/,
  );
});

describe('alarms', () => {
  const alarms = AlarmResponse.create({
    header,
    alarms: [
      { memberID: 7383792418829112008n, alarm: AlarmType.NOSPACE },
      { memberID: 1n, alarm: 9 as AlarmType },
    ],
  });

  test.each([
    ['simple', 'memberID:7383792418829112008 alarm:NOSPACE \nmemberID:1 alarm:9 \n'],
    [
      'json',
      expect.stringMatching(/^\{"header":.*,"alarms":\[\{"memberID":7383792418829112008,"alarm":1\},\{.*\}\]\}\n$/),
    ],
    [
      'fields',
      expect.stringMatching(
        /"MemberID" : 7383792418829112008\n"AlarmType" : NOSPACE\n\n"MemberID" : 1\n"AlarmType" : 9\n\n$/,
      ),
    ],
  ])('in format %s', (format, expected) => {
    expect(printed(format, (printer) => printer.alarm(alarms))).toEqual(expected);
  });

  test('that were cleared come without a header, and none at all as an empty object', () => {
    const print = (printer: Printer) => printer.alarm(AlarmResponse.create());
    expect([printed('simple', print), printed('json', print)]).toEqual(['', '{}\n']);
  });
});

test('protobuf prints the response as it came', () => {
  const io = memoryIo();
  const chunks: Uint8Array[] = [];
  const stdout = { write: (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk)) };
  printerFor('protobuf', { ...io, stdout }, { hex: false, valueOnly: false }).memberList(members);
  expect(MemberListResponse.decode(Buffer.concat(chunks))).toEqual(members);
});

describe('what a format does not have is exit code 4:', () => {
  test.for([
    ['table', 'get'],
    ['table', 'put'],
    ['table', 'del'],
    ['table', 'txn'],
    ['table', 'alarm'],
    ['protobuf', 'endpointHealth'],
    ['protobuf', 'endpointStatus'],
    ['protobuf', 'endpointHashKv'],
  ] as const)('%s of %s', ([format, method]) => {
    const print = printed.bind(undefined, format, (printer) => (printer[method] as (value: unknown) => void)([]));
    expect(print).toThrow(
      expect.objectContaining({ message: `${format} not supported as output format`, exitCode: 4 }),
    );
  });

  test('a format that does not exist', () => {
    expect(() => printed('xml', () => {})).toThrow(
      expect.objectContaining({ message: 'unsupported output format', exitCode: 4 }),
    );
  });
});
