/** Random requests over few keys and few values, so that they meet; wrong ones among them. */
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
  CompactionRequest,
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../server/proto/gen/rpc.ts';

export interface Step {
  range?: RangeRequest;
  put?: PutRequest;
  delete_range?: DeleteRangeRequest;
  txn?: TxnRequest;
  compaction?: CompactionRequest;
  alarm?: AlarmRequest;
}

/** The one lease that exists. */
export const lease = 77n;

/** Numbers in [0, 1). */
export type Random = () => number;

const keys = ['a', 'a\0', 'ab', 'b', 'c', 'd\xff', '\xff'];
const ends = ['', '', '', 'b', 'c', 'zz', 'a', '\0'];

export function randomRequest(random: Random, current: number, compacted: number): Step {
  const gen = new Generator(random, current, compacted);
  return gen.step();
}

class Generator {
  private readonly random: Random;
  private readonly current: number;
  private readonly compacted: number;

  constructor(random: Random, current: number, compacted: number) {
    this.random = random;
    this.current = current;
    this.compacted = compacted;
  }

  step(): Step {
    const dice = this.below(100);
    if (dice < 30) return { put: this.put() };
    if (dice < 42) return { delete_range: this.deleteRange(true) };
    if (dice < 72) return { txn: this.txn(3) };
    if (dice < 90) return { range: this.range() };
    if (dice < 96) return { compaction: this.compaction() };
    return { alarm: this.alarm() };
  }

  private put(): PutRequest {
    return PutRequest.create({
      key: this.key(),
      value: this.value(),
      lease: this.oneOf([0n, 0n, 0n, lease, 78n]),
      prev_kv: this.chance(0.3),
      ignore_value: this.chance(0.1),
      ignore_lease: this.chance(0.1),
    });
  }

  /**
   * In a transaction the end "\0" is left out: it may delete and put one key at one revision, and upstream 3.5 loses the
   * put when that very revision is compacted.
   */
  private deleteRange(mayGoToTheEnd: boolean): DeleteRangeRequest {
    const end = this.oneOf(mayGoToTheEnd ? ends : ends.slice(0, -1));
    return DeleteRangeRequest.create({ key: this.key(), range_end: bytes(end), prev_kv: this.chance(0.5) });
  }

  private range(): RangeRequest {
    const filter = () => (this.chance(0.85) ? 0 : this.revision());
    return RangeRequest.create({
      key: this.chance(0.3) ? bytes('\0') : this.key(),
      range_end: bytes(this.chance(0.3) ? '\0' : this.oneOf(ends)),
      limit: this.oneOf([0, 0, 1, 2, 3, 100, -1]),
      revision: this.chance(0.6) ? 0 : this.revision(),
      sort_order: this.oneOf([0, 0, 1, 2, 9]) as RangeRequest['sort_order'],
      sort_target: this.oneOf([0, 0, 1, 2, 3, 4]) as RangeRequest['sort_target'],
      serializable: this.chance(0.5),
      keys_only: this.chance(0.2),
      count_only: this.chance(0.2),
      min_mod_revision: filter(),
      max_mod_revision: filter(),
      min_create_revision: filter(),
      max_create_revision: filter(),
    });
  }

  private txn(depth: number): TxnRequest {
    return TxnRequest.create({
      compare: this.list(2, () => this.compare()),
      success: this.list(3, () => this.op(depth)),
      failure: this.list(3, () => this.op(depth)),
    });
  }

  private op(depth: number): RequestOp {
    const dice = this.below(100);
    if (dice < 35) return RequestOp.create({ request_put: this.putThatMostlyFits() });
    if (dice < 55) return RequestOp.create({ request_delete_range: this.deleteRange(false) });
    if (dice < 80 || (depth === 0 && dice < 99)) return RequestOp.create({ request_range: this.rangeThatMostlyFits() });
    if (dice < 99) return RequestOp.create({ request_txn: this.txn(depth - 1) });
    return RequestOp.create();
  }

  /** In a long transaction one bad operation spoils all, so they are rarer there. */
  private putThatMostlyFits(): PutRequest {
    if (this.chance(0.2)) return this.put();
    return PutRequest.create({ key: bytes(this.oneOf(keys)), value: bytes(this.oneOf(['x', 'y'])) });
  }

  private rangeThatMostlyFits(): RangeRequest {
    const range = this.range();
    if (this.chance(0.8)) range.revision = 0;
    if (range.key.length === 0) range.key = bytes('\0');
    return range;
  }

  private compare(): Compare {
    const compare = Compare.create({
      result: this.oneOf([0, 1, 2, 3, 0, 1, 2, 3, 9]) as Compare['result'],
      target: this.oneOf([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 9]) as Compare['target'],
      key: this.key(),
      range_end: bytes(this.oneOf(ends)),
    });
    // Most often the union fits the target; sometimes it is another's, or is not there.
    const figure = this.chance(0.8) ? compare.target : this.below(6);
    if (figure === 0) compare.version = this.below(4);
    else if (figure === 1) compare.create_revision = this.revision();
    else if (figure === 2) compare.mod_revision = this.revision();
    else if (figure === 3) compare.value = this.value();
    else if (figure === 4) compare.lease = this.oneOf([0n, lease, -1n]);
    return compare;
  }

  private compaction(): CompactionRequest {
    // Upstream remembers the hash of a first compaction at 0 and takes it for the newest ever after; see MvccStore.
    const first = Math.max(this.compacted, 0) + 1;
    const revision = this.chance(0.2) ? this.revision() || first : first + this.below(8);
    return CompactionRequest.create({ revision, physical: true });
  }

  private alarm(): AlarmRequest {
    // Mostly cleared, or little else would happen. CORRUPT stays out: clearing one type makes upstream forget the other.
    const action = this.oneOf([
      AlarmRequest_AlarmAction.GET,
      AlarmRequest_AlarmAction.ACTIVATE,
      AlarmRequest_AlarmAction.DEACTIVATE,
      AlarmRequest_AlarmAction.DEACTIVATE,
    ]);
    const alarm = this.oneOf([AlarmType.NOSPACE, AlarmType.NOSPACE, AlarmType.NONE]);
    return AlarmRequest.create({ action, memberID: 5n, alarm });
  }

  private key(): Uint8Array {
    return bytes(this.chance(0.02) ? '' : this.oneOf(keys));
  }

  private value(): Uint8Array {
    return bytes(this.oneOf(['', 'x', 'y', 'z'.repeat(50)]));
  }

  /** Around the revisions that can be read: mostly good, sometimes compacted, future or negative. */
  private revision(): number {
    const from = Math.max(this.compacted, 0) - 2;
    return from + this.below(this.current - from + 3);
  }

  private list<T>(max: number, item: () => T): T[] {
    const length = this.chance(0.01) ? 17 : this.below(max + 1);
    return Array.from({ length }, item);
  }

  private oneOf<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private chance(probability: number): boolean {
    return this.random() < probability;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

const putOf = (key: string) => RequestOp.create({ request_put: PutRequest.create({ key: bytes(key) }) });
const deletionOf = (key: string, end = '') =>
  RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key: bytes(key), range_end: bytes(end) }) });
const txnOf = (...success: RequestOp[]) => TxnRequest.create({ success });
const nestedOf = (...success: RequestOp[]) => RequestOp.create({ request_txn: txnOf(...success) });
const alarmOf = (action: AlarmRequest_AlarmAction, alarm: AlarmType) =>
  AlarmRequest.create({ action, memberID: 5n, alarm });

/** Requests to send in this order, to a fresh server. No compaction may follow: see `deleteRange`. */
export const cornerCases: Step[] = [
  // What the check for keys that are touched twice lets through, and what not.
  { txn: txnOf(nestedOf(putOf('a')), nestedOf(deletionOf('a'))) },
  { txn: txnOf(nestedOf(deletionOf('a')), nestedOf(putOf('a'))) },
  { txn: txnOf(putOf('b'), deletionOf('a', '\0')) },
  { txn: txnOf(deletionOf('\0', '\0'), putOf('b')) },
  { txn: txnOf(putOf('b'), deletionOf('c', 'a')) },
  // Exactly as many operations as allowed, and what a nested transaction may use of them.
  { txn: txnOf(...Array.from({ length: 16 }, (_, i) => putOf(`k${i}`))) },
  { txn: txnOf(...Array.from({ length: 17 }, (_, i) => putOf(`k${i}`))) },
  { txn: txnOf(nestedOf(...Array.from({ length: 15 }, (_, i) => putOf(`k${i}`)))) },
  { txn: txnOf(nestedOf(...Array.from({ length: 16 }, (_, i) => putOf(`k${i}`)))) },
  // Under the alarms: puts in nested transactions have no cost in 3.5; ordinary reads do not mind corruption.
  { alarm: alarmOf(AlarmRequest_AlarmAction.ACTIVATE, AlarmType.NOSPACE) },
  { txn: txnOf(nestedOf(putOf('n'))) },
  { txn: txnOf(putOf('n')) },
  { delete_range: DeleteRangeRequest.create({ key: bytes('n') }) },
  { alarm: alarmOf(AlarmRequest_AlarmAction.DEACTIVATE, AlarmType.NOSPACE) },
  { alarm: alarmOf(AlarmRequest_AlarmAction.ACTIVATE, AlarmType.CORRUPT) },
  { put: PutRequest.create({ key: bytes('n') }) },
  { delete_range: DeleteRangeRequest.create({ key: bytes('n') }) },
  { txn: txnOf(deletionOf('n')) },
  { compaction: CompactionRequest.create({ revision: 2, physical: true }) },
  { range: RangeRequest.create({ key: bytes('b') }) },
  { txn: txnOf(RequestOp.create({ request_range: RangeRequest.create({ key: bytes('b') }) })) },
  { alarm: alarmOf(AlarmRequest_AlarmAction.DEACTIVATE, AlarmType.CORRUPT) },
  { put: PutRequest.create({ key: bytes('n'), prev_kv: true }) },
];
