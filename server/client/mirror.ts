/** Keeps a copy of a range of keys in another cluster (contract: cli §6, make-mirror). */
import { errCompacted } from '../errors/etcd-error.ts';
import { type Event, Event_EventType, type KeyValue } from '../proto/gen/kv.ts';
import { DeleteRangeRequest, PutRequest, type RangeResponse, type RequestOp } from '../proto/gen/rpc.ts';
import type { EtcdClient } from './etcd-client.ts';

export interface MirrorOptions {
  /** The range of keys, as in requests. */
  readonly key: Uint8Array;
  readonly end: Uint8Array;
  /** How much of each key `destinationPrefix` replaces. */
  readonly prefixBytes: number;
  readonly destinationPrefix: Uint8Array;
  /** Copies nothing that is there, only what happens from this revision on. 0 to copy everything first. */
  readonly fromRevision: number;
  /** Operations in one transaction at the destination, at most. */
  readonly maxTxnOps: number;
  /** Told of each step: how many keys were written or deleted so far, and up to which revision of the source. */
  readonly onProgress: (mirrored: number, revision: number) => void;
  readonly signal: AbortSignal;
}

export type MirrorSource = Pick<EtcdClient, 'range' | 'resumingWatch'>;
export type MirrorDestination = Pick<EtcdClient, 'txn'>;

/** Keys that are read at a time. */
const pageKeys = 1000;
/** Bytes in one transaction, about: servers refuse requests of 1.5 MiB. */
const maxTxnBytes = 512 * 1024;

/**
 * Copies, then follows the source until `signal` fires or one of the clusters refuses. What one revision changes at the
 * source changes in one transaction at the destination, unless it has more operations than `maxTxnOps`.
 *
 * @throws EtcdError when what comes next is compacted away; RpcError; Canceled when the signal fires
 */
export async function mirror(
  source: MirrorSource,
  destination: MirrorDestination,
  options: MirrorOptions,
): Promise<void> {
  let mirrored = 0;
  const { signal, onProgress } = options;
  const write = async (ops: readonly RequestOp[]): Promise<void> => {
    for (const some of batches(ops, options.maxTxnOps)) {
      await destination.txn({ success: some }, { signal });
      mirrored += some.length;
    }
  };
  let next = options.fromRevision;
  if (next === 0) {
    for await (const { kvs, header } of pages(source, options)) {
      await write(kvs.map((kv) => putOp(kv, options)));
      next = (header?.revision ?? 0) + 1;
      onProgress(mirrored, next - 1);
    }
  }
  const { key, end: range_end } = options;
  for await (const response of source.resumingWatch({ key, range_end, start_revision: next }, { signal })) {
    if (response.compact_revision !== 0) throw errCompacted();
    if (response.canceled) throw new Error(`the source ended the watch: ${response.cancel_reason}`);
    for (const ops of byRevision(response.events)) {
      await write(ops.map((event) => eventOp(event, options)));
      onProgress(mirrored, ops.at(-1)?.kv?.mod_revision ?? 0);
    }
  }
}

/** Everything in the range as of one revision, which each page's header then names. */
async function* pages(source: MirrorSource, { key: first, end, signal }: MirrorOptions): AsyncGenerator<RangeResponse> {
  let key = first;
  let revision = 0;
  for (;;) {
    const page = await source.range({ key, range_end: end, limit: pageKeys, revision }, { signal });
    if (revision === 0) revision = page.header?.revision ?? 0;
    yield { ...page, header: page.header && { ...page.header, revision } };
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return;
    key = Buffer.concat([last.key, Buffer.of(0)]);
  }
}

function* byRevision(events: readonly Event[]): Generator<Event[]> {
  for (let from = 0; from < events.length; ) {
    const revision = events[from]?.kv?.mod_revision;
    let to = from + 1;
    while (to < events.length && events[to]?.kv?.mod_revision === revision) to++;
    yield events.slice(from, to);
    from = to;
  }
}

function* batches(ops: readonly RequestOp[], maxOps: number): Generator<RequestOp[]> {
  let batch: RequestOp[] = [];
  let bytes = 0;
  for (const op of ops) {
    const opBytes = (op.request_put?.value.length ?? 0) + (op.request_put?.key.length ?? 0);
    if (batch.length > 0 && (batch.length === maxOps || bytes + opBytes > maxTxnBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(op);
    bytes += opBytes;
  }
  if (batch.length > 0) yield batch;
}

/** Without the lease: leases of the source mean nothing at the destination. */
function putOp({ key, value }: Pick<KeyValue, 'key' | 'value'>, options: MirrorOptions): RequestOp {
  return { request_put: PutRequest.create({ key: moved(key, options), value }) };
}

function eventOp({ type, kv }: Event, options: MirrorOptions): RequestOp {
  if (kv === undefined) throw new Error('the source sent an event without its key');
  if (type === Event_EventType.PUT) return putOp(kv, options);
  return { request_delete_range: DeleteRangeRequest.create({ key: moved(kv.key, options) }) };
}

function moved(key: Uint8Array, { prefixBytes, destinationPrefix }: MirrorOptions): Uint8Array {
  return Buffer.concat([destinationPrefix, key.subarray(prefixBytes)]);
}
