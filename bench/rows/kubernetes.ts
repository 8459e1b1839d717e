/**
 * What API servers do to etcd: objects of a kilobyte under `/registry/`, written only if they are as they were last seen,
 * read one by one, listed page by page, and watched as a whole.
 */
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  KVService,
  PutRequest,
  RangeRequest,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
  WatchRequest,
  WatchService,
} from '../../server/proto/gen/rpc.ts';
import { processorMs, type Target } from '../engines/target.ts';
import { type LoopRequest, runClosedLoop } from '../load/closed-loop.ts';
import { type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import { Samples } from '../load/percentiles.ts';
import { WatchCounter } from '../load/watch-counter.ts';
import type { LoadRow, Measured, Scale } from '../row.ts';
import { endOf, keyOf, putMany, randomNumbers } from './dataset.ts';

const prefix = '/registry/pods/default/pod-';
const objects = 5000;
const valueBytes = 1024;
const pageSize = 500;
const apiServers = 3;
const outstanding = 60;
/** Of a hundred calls so many are updates and lists; the rest reads one object. */
const updatesInHundred = 55;
const listsInHundred = 2;
const patienceMs = 30_000;

/** The revision of each object, by its number. @throws Error when one of them is not there */
async function revisionsOf(connection: LoadConnection): Promise<Map<number, number>> {
  const request = { key: Buffer.from(prefix), range_end: endOf(prefix), keys_only: true };
  const { kvs } = await connection.unary(KVService.Range, request);
  if (kvs.length !== objects) throw new Error(`${kvs.length} of ${objects} objects are there`);
  return new Map(kvs.map(({ mod_revision }, object) => [object, mod_revision]));
}

/**
 * Each slot has objects of its own, as each kubelet has its pods, and it is known how they are at the beginning: so every
 * update succeeds, and both engines do the same work.
 */
export class ApiServers {
  updates = 0;
  readonly updateLatencies = new Samples();
  private readonly revisions: Map<number, number>;
  private readonly slots = Array.from({ length: outstanding }, () => ({ object: -1, sentMs: 0 }));
  private readonly random = randomNumbers(7);
  private readonly value = Buffer.alloc(valueBytes, 'v');
  private readonly heads;

  /** @param revisions of each object, by its number */
  constructor(connection: Pick<LoadConnection, 'head'>, revisions: Map<number, number>) {
    this.revisions = revisions;
    this.heads = { txn: connection.head(KVService.Txn), range: connection.head(KVService.Range) };
  }

  next(slot: number): LoopRequest {
    const kind = this.random(100);
    const state = this.slots[slot] as { object: number; sentMs: number };
    const object = slot + outstanding * this.random(Math.floor(objects / outstanding));
    state.object = kind < updatesInHundred ? object : -1;
    state.sentMs = performance.now();
    if (kind < updatesInHundred) return { head: this.heads.txn, message: framed(this.update(object)) };
    const key = keyOf(prefix, object);
    const isList = kind < updatesInHundred + listsInHundred;
    const request = isList ? { key, range_end: endOf(prefix), limit: pageSize } : { key };
    return { head: this.heads.range, message: framed(RangeRequest.encode(RangeRequest.create(request))) };
  }

  /** @throws Error when an object was not as it was last seen */
  answered(slot: number, message: Buffer): void {
    const { object, sentMs } = this.slots[slot] as { object: number; sentMs: number };
    if (object < 0) return;
    this.updateLatencies.add(performance.now() - sentMs);
    const { header, succeeded } = TxnResponse.decode(message);
    if (!succeeded) throw new Error('an object was changed by somebody else');
    this.updates++;
    this.revisions.set(object, header?.revision ?? 0);
  }

  private update(object: number): Uint8Array {
    const key = keyOf(prefix, object);
    const compare = { key, target: Compare_CompareTarget.MOD, result: Compare_CompareResult.EQUAL };
    return TxnRequest.encode(
      TxnRequest.create({
        compare: [Compare.create({ ...compare, mod_revision: this.revisions.get(object) ?? 0 })],
        success: [{ request_put: PutRequest.create({ key, value: this.value }) }],
        failure: [{ request_range: RangeRequest.create({ key }) }],
      }),
    );
  }
}

async function measureKubernetes(target: Target, { warmUpMs, durationMs }: Scale): Promise<Measured> {
  const opened = await openConnections(target, apiServers);
  const counter = new WatchCounter(patienceMs);
  try {
    await putMany(opened, { prefix, to: objects, valueBytes });
    const range = { key: Buffer.from(prefix), range_end: endOf(prefix), prev_kv: true, progress_notify: true };
    const watch = framed(WatchRequest.encode({ create_request: WatchCreateRequest.create(range) }));
    for (const each of opened) each.call(each.head(WatchService.Watch), counter).send(watch, false);
    await counter.created(apiServers);
    const [first] = opened as [LoadConnection];
    const servers = new ApiServers(first, await revisionsOf(first));
    const load = {
      ...{ connections: opened, outstanding },
      next: (slot: number) => servers.next(slot),
      answered: (slot: number, message: Buffer) => servers.answered(slot, message),
    };
    await runClosedLoop({ ...load, durationMs: warmUpMs });
    servers.updateLatencies.clear();
    const beforeMs = processorMs(target);
    const { perSecond, p99Ms, count } = await runClosedLoop({ ...load, durationMs });
    const endMs = performance.now();
    const processorMicros = (1000 * (processorMs(target) - beforeMs)) / count;
    await counter.total(apiServers * servers.updates);
    const [updateP50Ms, updateP99Ms] = servers.updateLatencies.percentiles(0.5, 0.99) as [number, number];
    return { perSecond, p99Ms, updateP50Ms, updateP99Ms, lagMs: performance.now() - endMs, processorMicros };
  } finally {
    counter.close();
    for (const connection of opened) connection.close();
  }
}

export const kubernetesRows: readonly LoadRow[] = [
  {
    ...{ name: 'kubernetes', title: 'as API servers, 60 outstanding', on: 'shared cluster', hasCeiling: false },
    figures: () => ({
      perSecond: { title: 'throughput', unit: '/s', better: 'higher' },
      p99Ms: { title: 'p99', unit: 'ms', better: 'lower' },
      updateP50Ms: { title: 'p50 of updates', unit: 'ms', better: 'lower' },
      updateP99Ms: { title: 'p99 of updates', unit: 'ms', better: 'lower' },
      lagMs: { title: 'watches behind at the end', unit: 'ms', better: 'lower' },
      processorMicros: { title: 'CPU of all members per call', unit: 'µs', better: 'lower' },
    }),
    measure: (target, { scale }) => measureKubernetes(target, scale),
  },
];
