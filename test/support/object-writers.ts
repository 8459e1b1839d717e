/** Writers of objects as the API server of Kubernetes writes them: every change is a comparison of the revision. */
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdClient, RpcError } from '../../server/client/mod.ts';
import {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  type RequestOp,
  TxnRequest,
} from '../../server/proto/gen/rpc.ts';
import { mulberry32 } from './random.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

/** Keys of events live this long. */
const eventTtlSeconds = 2;

export interface WriterCounts {
  changed: number;
  /** Changes that came too late, and were told the newer object. */
  conflicts: number;
  /** Calls that a member did not answer. */
  unanswered: number;
}

/**
 * Creates, updates and deletes objects below `/registry/pods/`, and writes events that expire, until `signal` fires.
 *
 * @param seed decides what is done
 */
export async function writeObjects(
  client: EtcdClient,
  { seed, signal }: { seed: number; signal: AbortSignal },
): Promise<WriterCounts> {
  const random = mulberry32(seed);
  const counts: WriterCounts = { changed: 0, conflicts: 0, unanswered: 0 };
  /** The revision that this writer believes each object to have; 0 for none. */
  const believed = new Map<string, number>();
  for (let step = 0; !signal.aborted; step++) {
    const name = `/registry/pods/ns${Math.floor(random() * 3)}/pod${Math.floor(random() * 25)}`;
    try {
      if (step % 10 === 9) await writeEvent(client, `/registry/events/${seed}-${step}`);
      else await change(client, name, { believed, counts, value: `${seed}:${step}`, isDeletion: random() < 0.2 });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      counts.unanswered++;
      await delay(20);
    }
  }
  return counts;
}

interface Change {
  readonly believed: Map<string, number>;
  readonly counts: WriterCounts;
  readonly value: string;
  readonly isDeletion: boolean;
}

async function change(
  client: EtcdClient,
  name: string,
  { believed, counts, value, isDeletion }: Change,
): Promise<void> {
  const key = bytes(name);
  const revision = believed.get(name) ?? 0;
  const deletes = isDeletion && revision !== 0;
  const write = deletes ? { request_delete_range: { key } } : { request_put: { key, value: bytes(value) } };
  const { succeeded, header, responses } = await client.txn(
    TxnRequest.create({
      compare: [{ result: 0, target: 2, key, mod_revision: revision, range_end: Buffer.alloc(0) }],
      success: [filled(write)],
      failure: [filled({ request_range: { key } })],
    }),
    { timeoutMs: 5000 },
  );
  if (succeeded) {
    counts.changed++;
    believed.set(name, deletes ? 0 : (header?.revision ?? 0));
  } else {
    counts.conflicts++;
    believed.set(name, responses[0]?.response_range?.kvs[0]?.mod_revision ?? 0);
  }
}

async function writeEvent(client: EtcdClient, name: string): Promise<void> {
  const { ID: lease } = await client.leaseGrant({ TTL: eventTtlSeconds }, { timeoutMs: 5000 });
  await client.put({ key: bytes(name), value: bytes('event'), lease }, { timeoutMs: 5000 });
}

type Parts = {
  request_put?: { key: Buffer; value: Buffer };
  request_delete_range?: { key: Buffer };
  request_range?: { key: Buffer };
};

/** An operation with everything that is not said at its zero value. */
function filled({ request_put, request_delete_range, request_range }: Parts): RequestOp {
  return {
    ...(request_put && { request_put: PutRequest.create(request_put) }),
    ...(request_delete_range && { request_delete_range: DeleteRangeRequest.create(request_delete_range) }),
    ...(request_range && { request_range: RangeRequest.create(request_range) }),
  };
}

/**
 * Compacts again and again, up to what everybody has seen: who is cut off for a while must be able to go on.
 *
 * @param seen the revision that everybody has seen
 * @returns how often it has
 */
export async function compactNowAndThen(
  client: EtcdClient,
  { seen, intervalMs, signal }: { seen: () => number; intervalMs: number; signal: AbortSignal },
): Promise<number> {
  let compactions = 0;
  let last = 0;
  while (!signal.aborted) {
    const revision = seen();
    try {
      if (revision > last) {
        await client.compact({ revision }, { timeoutMs: 5000 });
        compactions++;
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
    }
    // Also when it was not answered: it may have been done, and is not done twice.
    last = revision;
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  return compactions;
}
