/** Requests over few keys and few values, so that they meet; wrong ones among them. */
import fc from 'fast-check';
import {
  CompactionRequest,
  Compare,
  DeleteRangeRequest,
  HashKVRequest,
  KVService,
  MaintenanceService,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../../server/proto/gen/rpc.ts';
import { bytes, type Later, type Step, step } from './step.ts';

type Caller = fc.Arbitrary<string | undefined>;

/** Members are started with these limits. */
export const maxTxnOps = 8;
export const maxRequestBytes = 20_000;

const keys = ['a', 'a\0', 'ab', 'a/1', 'a/2', 'b', 'c', 'd\xff', '\xff'];
const key = weighted<string>([60, fc.constantFrom(...keys)], [1, fc.constantFrom('', '\0')]).map(bytes);
const openEnd = '\0';

interface Interval {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

/**
 * Ends that lie before the key are left out: who may ask for such a range, upstream decides by the shape of a tree.
 *
 * @param ends that are not the key alone
 */
function interval(single: number, ends: fc.Arbitrary<string>): fc.Arbitrary<Interval> {
  return fc.tuple(key, weighted([single, fc.constant('')], [6, ends])).map(([start, end]) => {
    const isBackwards = end !== openEnd && Buffer.compare(bytes(end), start) <= 0;
    return { key: start, range_end: bytes(isBackwards ? '' : end) };
  });
}

const ends = fc.constantFrom('b', 'c', 'a0', '\xff\xff');
const anyInterval = interval(5, weighted([4, ends], [2, fc.constant(openEnd)]));
const closedInterval = interval(5, ends);
export const leaseIds = [1n, 2n, 3n, -1n, 0x7fff_ffff_ffff_ffffn];
const lease = weighted<bigint>([6, fc.constant(0n)], [4, fc.constantFrom(...leaseIds)], [1, fc.constant(99n)]);
const value = weighted<Buffer>(
  [30, fc.constantFrom('', 'x', 'y', 'z'.repeat(50)).map(bytes)],
  [1, fc.integer({ min: 0, max: 255 }).map((byte) => Buffer.alloc(300, byte))],
);

export function weighted<T>(...choices: [weight: number, arbitrary: fc.Arbitrary<T>][]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** True in one of `one`; the simpler value is false. */
export const oneIn = (one: number): fc.Arbitrary<boolean> => fc.nat(one - 1).map((n) => n === one - 1);

/** Around the revisions that can be read: mostly good, sometimes compacted, future or negative. */
const revision: fc.Arbitrary<Later<number>> = weighted(
  [
    6,
    fc.nat(12).map(
      (back) =>
        ({ current }) =>
          current - back,
    ),
  ],
  [
    2,
    fc.integer({ min: -2, max: 4 }).map(
      (plus) =>
        ({ compacted }) =>
          compacted + plus,
    ),
  ],
  [
    1,
    fc.integer({ min: -1, max: 2 }).map(
      (n) =>
        ({ current }) =>
          n < 0 ? n : current + n,
    ),
  ],
);
const none: Later<number> = () => 0;
const seldomRevision = (one: number): fc.Arbitrary<Later<number>> =>
  weighted([one - 1, fc.constant(none)], [1, revision]);

export const put: fc.Arbitrary<Later<PutRequest>> = fc
  .record({ key, value, lease, prev_kv: oneIn(3), ignore_value: oneIn(10), ignore_lease: oneIn(10) })
  .map((fields) => () => PutRequest.create(fields));

/**
 * In a transaction the end "\0" is left out: it may delete and put one key at one revision, and upstream 3.5 loses the
 * put when that very revision is compacted.
 */
const deletion = (interval: fc.Arbitrary<Interval>): fc.Arbitrary<Later<DeleteRangeRequest>> =>
  fc.tuple(interval, oneIn(2)).map(
    ([keys, prev_kv]) =>
      () =>
        DeleteRangeRequest.create({ ...keys, prev_kv }),
  );

const range: fc.Arbitrary<Later<RangeRequest>> = fc
  .record({
    keys: weighted([3, anyInterval], [1, fc.constant({ key: bytes('\0'), range_end: bytes('\0') })]),
    limit: weighted([3, fc.constant(0)], [2, fc.constantFrom(1, 2, 3, 100, -1)]),
    sort_order: weighted([4, fc.constantFrom(0, 1, 2)], [1, fc.constant(9)]) as fc.Arbitrary<
      RangeRequest['sort_order']
    >,
    // No other target: 3.5 does not survive it.
    sort_target: fc.constantFrom(0, 1, 2, 3, 4) as fc.Arbitrary<RangeRequest['sort_target']>,
    serializable: oneIn(2),
    keys_only: oneIn(5),
    count_only: oneIn(5),
    revisions: fc.tuple(...[2, 8, 8, 8, 8].map(seldomRevision)),
  })
  .map(({ keys, revisions: [at, minMod, maxMod, minCreate, maxCreate], ...fields }) => (now) => {
    const of = (later: Later<number> = none): number => later(now);
    const filters = { min_mod_revision: of(minMod), max_mod_revision: of(maxMod) };
    const creation = { min_create_revision: of(minCreate), max_create_revision: of(maxCreate) };
    return RangeRequest.create({ ...keys, ...fields, revision: of(at), ...filters, ...creation });
  });

const compare: fc.Arbitrary<Later<Compare>> = fc
  .record({
    keys: interval(20, weighted([4, ends], [2, fc.constant(openEnd)])),
    result: weighted([12, fc.constantFrom(0, 1, 2, 3)], [1, fc.constant(9)]) as fc.Arbitrary<Compare['result']>,
    target: weighted([12, fc.constantFrom(0, 1, 2, 3, 4)], [1, fc.constant(9)]) as fc.Arbitrary<Compare['target']>,
    // Most often the union fits the target; sometimes it is another's, or is not there.
    union: weighted<number | undefined>([5, fc.constant(undefined)], [1, fc.nat(5)]),
    version: fc.nat(3),
    revision,
    value,
    lease,
  })
  .map(({ keys, result, target, union, version, revision, value, lease }) => (now) => {
    const figures = [
      { version },
      { create_revision: revision(now) },
      { mod_revision: revision(now) },
      { value },
      { lease },
    ];
    return Compare.create({ ...keys, result, target, ...figures[union ?? target] });
  });

const inTurn =
  <T>(laters: readonly Later<T>[]): Later<T[]> =>
  (now) =>
    laters.map((later) => later(now));

/** In a long transaction one bad operation spoils all, so they are rarer there. */
const fittingPut: fc.Arbitrary<Later<PutRequest>> = weighted(
  [4, fc.record({ key: fc.constantFrom(...keys).map(bytes), value }).map((fields) => () => PutRequest.create(fields))],
  [1, put],
);
const fittingRange = fc.tuple(range, oneIn(5)).map(
  ([later, keepsRevision]): Later<RangeRequest> =>
    (now) => {
      const request = later(now);
      return keepsRevision ? request : { ...request, revision: 0 };
    },
);

const op =
  (fields: Later<Partial<RequestOp>>): Later<RequestOp> =>
  (now) =>
    RequestOp.create(fields(now));

const { txn } = fc.letrec<{ op: Later<RequestOp>; txn: Later<TxnRequest> }>((tie) => ({
  op: fc.oneof(
    { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
    { weight: 35, arbitrary: fittingPut.map((later) => op((now) => ({ request_put: later(now) }))) },
    { weight: 25, arbitrary: fittingRange.map((later) => op((now) => ({ request_range: later(now) }))) },
    {
      weight: 20,
      arbitrary: deletion(closedInterval).map((later) => op((now) => ({ request_delete_range: later(now) }))),
    },
    { weight: 15, arbitrary: tie('txn').map((later) => op((now) => ({ request_txn: later(now) }))) },
    { weight: 1, arbitrary: fc.constant(op(() => ({}))) },
  ),
  txn: fc
    .record({
      compare: fc.array(compare, { maxLength: 2 }),
      success: weighted(
        [40, fc.array(tie('op'), { maxLength: 3 })],
        [1, fc.array(tie('op'), { minLength: maxTxnOps, maxLength: maxTxnOps + 1 })],
      ),
      failure: fc.array(tie('op'), { maxLength: 3 }),
    })
    .map(
      ({ compare, success, failure }) =>
        (now) =>
          TxnRequest.create({
            compare: inTurn(compare)(now),
            success: inTurn(success)(now),
            failure: inTurn(failure)(now),
          }),
    ),
}));

const compaction: fc.Arbitrary<Later<CompactionRequest>> = fc
  .record({
    // Never at 0: upstream remembers the hash of a first compaction there and takes it for the newest ever after.
    at: weighted<Later<number>>(
      [
        6,
        fc.nat(12).map(
          (plus) =>
            ({ compacted }) =>
              compacted + 1 + plus,
        ),
      ],
      [
        3,
        fc.nat(4).map(
          (back) =>
            ({ current }) =>
              Math.max(1, current - back),
        ),
      ],
      [1, revision.map((later) => (now) => later(now) || 1)],
    ),
  })
  // What HashKV says depends on how far a compaction is that nobody waits for.
  .map(
    ({ at }) =>
      (now) =>
        CompactionRequest.create({ revision: at(now), physical: true }),
  );

/**
 * Around what a server takes of one request, and over what its transport takes of one message. What a request weighs is
 * the length of its log entry; that of the id in there is the member's own affair.
 */
const large: fc.Arbitrary<Later<PutRequest>> = weighted(
  [2, fc.integer({ min: maxRequestBytes - 60, max: maxRequestBytes - 40 })],
  [3, fc.integer({ min: maxRequestBytes - 5, max: maxRequestBytes + 40 })],
  [1, fc.constant(maxRequestBytes + 512 * 1024 + 100)],
).map((sizeBytes) => () => PutRequest.create({ key: bytes('a'), value: Buffer.alloc(sizeBytes) }));

/** @param as who asks */
export function kvSteps(as: Caller): [number, fc.Arbitrary<Step>][] {
  return [
    [22, fc.tuple(put, as).map(([request, who]) => step(KVService.Put, request, who))],
    [8, fc.tuple(deletion(anyInterval), as).map(([request, who]) => step(KVService.DeleteRange, request, who))],
    [16, fc.tuple(range, as).map(([request, who]) => step(KVService.Range, request, who))],
    [26, fc.tuple(txn, as).map(([request, who]) => step(KVService.Txn, request, who))],
    [4, fc.tuple(compaction, as).map(([request, who]) => step(KVService.Compact, request, who))],
    [1, fc.tuple(large, as).map(([request, who]) => step(KVService.Put, request, who))],
    [
      4,
      fc
        .tuple(weighted([1, fc.constant(none)], [2, revision]), as)
        .map(([at, who]) => step(MaintenanceService.HashKV, (now) => HashKVRequest.create({ revision: at(now) }), who)),
    ],
  ];
}
