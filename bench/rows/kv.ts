/** Puts, transactions and ranges, at 1, 100 and 1,000 outstanding. */
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  KVService,
  PutRequest,
  type PutResponse,
  RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from '../../server/proto/gen/rpc.ts';
import type { LoadConnection } from '../load/connection.ts';
import type { LoadRow } from '../row.ts';
import { endOf, putMany } from './dataset.ts';
import { type Call, loadFigures, measureCall, type Shape } from './repeated-call.ts';

const key = Buffer.alloc(12, 'k');
const value = Buffer.alloc(32, 'v');
const many = 1000;
const manyPrefix = 'many/';

const one: Shape = { connections: 1, streams: 1 };
const hundred: Shape = { connections: 10, streams: 10 };
const thousand: Shape = { connections: 50, streams: 20 };

const put: Call<PutRequest, PutResponse> = {
  method: KVService.Put,
  request: { key, value },
  answerBytes: 33,
  isRight: (answer) => (answer.header?.revision ?? 0) > 1,
};

/** If the key is there, write it and read it: what a client does that must not write over a deleted key. */
const txn: Call<TxnRequest, TxnResponse> = {
  method: KVService.Txn,
  request: {
    compare: [
      Compare.create({
        key,
        target: Compare_CompareTarget.MOD,
        result: Compare_CompareResult.GREATER,
        mod_revision: 0,
      }),
    ],
    success: [{ request_put: PutRequest.create({ key, value }) }, { request_range: RangeRequest.create({ key }) }],
  },
  answerBytes: 130,
  prepare: putKey,
  isRight: ({ succeeded, responses }) => succeeded && responses[1]?.response_range?.kvs.length === 1,
};

function range(isSerializable: boolean): Call<RangeRequest, RangeResponse> {
  return {
    method: KVService.Range,
    request: { key, serializable: isSerializable },
    answerBytes: 100,
    prepare: putKey,
    isRight: ({ kvs }) => kvs.length === 1 && value.equals(kvs[0]?.value ?? Buffer.alloc(0)),
  };
}

function rangeMany(isSerializable: boolean): Call<RangeRequest, RangeResponse> {
  return {
    method: KVService.Range,
    request: { key: Buffer.from(manyPrefix), range_end: endOf(manyPrefix), serializable: isSerializable },
    answerBytes: 63_000,
    prepare: (connection) => putMany([connection], { prefix: manyPrefix, to: many, valueBytes: value.length }),
    isRight: ({ kvs }) => kvs.length === many,
  };
}

function putKey(connection: LoadConnection): Promise<unknown> {
  return connection.unary(KVService.Put, { key, value });
}

/** Latency is judged where it is not only the queue before the server that is long. */
const figuresOf = {
  put: () => loadFigures({ perSecond: 1.5, p99: 1 }),
  single: () => loadFigures({ p50: 1, p99: 1 }),
  range: () => loadFigures({ perSecond: 2, p99: 1 }),
  other: () => loadFigures(),
};

function row<Request, Response>(
  name: string,
  title: string,
  shape: Shape,
  call: Call<Request, Response>,
  figures: LoadRow['figures'] = figuresOf.other,
): LoadRow {
  return {
    ...{ name, title, figures, on: 'shared cluster', hasCeiling: true },
    measure: (target, surroundings) => measureCall(call, shape, target, surroundings),
  };
}

export const kvRows: readonly LoadRow[] = [
  row('put-1', 'put, 1 outstanding', one, put, figuresOf.single),
  row('put-100', 'put, 100 outstanding', hundred, put, figuresOf.put),
  row('put-1000', 'put, 1,000 outstanding', thousand, put, figuresOf.put),
  row('txn-1', 'txn (compare, put, range), 1 outstanding', one, txn),
  row('txn-100', 'txn, 100 outstanding', hundred, txn),
  row('txn-1000', 'txn, 1,000 outstanding', thousand, txn),
  row('range-1', 'linearizable range, 1 key, 1 outstanding', one, range(false), figuresOf.single),
  row('range-100', 'linearizable range, 1 key, 100 outstanding', hundred, range(false), figuresOf.range),
  row('range-1000', 'linearizable range, 1 key, 1,000 outstanding', thousand, range(false), figuresOf.range),
  row('serializable-1', 'serializable range, 1 key, 1 outstanding', one, range(true)),
  row('serializable-100', 'serializable range, 1 key, 100 outstanding', hundred, range(true)),
  row('serializable-1000', 'serializable range, 1 key, 1,000 outstanding', thousand, range(true)),
  row('range-many', 'linearizable range, 1,000 keys, 100 outstanding', hundred, rangeMany(false)),
  row('serializable-many', 'serializable range, 1,000 keys, 100 outstanding', hundred, rangeMany(true)),
];
