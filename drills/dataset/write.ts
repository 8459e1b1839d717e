/** Writes the batches of a data set to a cluster. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions, EtcdClient } from '../../server/client/mod.ts';
import {
  DeleteRangeRequest,
  PutRequest,
  RequestOp,
  type ResponseHeader,
  TxnRequest,
} from '../../server/proto/gen/rpc.ts';
import type { Batch } from './dataset.ts';

/**
 * Writes the batches, one after the other, each as one transaction or one request about a lease.
 *
 * @returns the revision of the last acknowledged write
 * @throws RpcError of the first batch that was not acknowledged; those before it were
 */
export async function writeBatches(
  client: EtcdClient,
  batches: readonly Batch[],
  options: {
    signal?: AbortSignal | undefined;
    onProgress?: (done: number, total: number) => void;
    /** How long the first batch is held back while the cluster elects a leader. Default 0. */
    patienceMs?: number;
  } = {},
): Promise<number> {
  let revision = 0;
  if (options.patienceMs !== undefined) await waitForLeader(client, options.patienceMs, options.signal);
  for (const [i, batch] of batches.entries()) {
    const { header } = await writeBatch(client, batch, { signal: options.signal, timeoutMs: 15_000 });
    revision = header?.revision ?? revision;
    options.onProgress?.(i + 1, batches.length);
  }
  return revision;
}

/** By reading, which can be repeated: whether a write that failed was carried out, nobody knows. */
async function waitForLeader(client: EtcdClient, patienceMs: number, signal: AbortSignal | undefined): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      await client.range({ key: Buffer.from('health') }, { signal, timeoutMs: 1000 });
      return;
    } catch (error) {
      if (signal?.aborted || performance.now() > end) throw error;
      await delay(50, undefined, signal === undefined ? {} : { signal });
    }
  }
}

function writeBatch(
  client: EtcdClient,
  batch: Batch,
  options: CallOptions,
): Promise<{ header?: ResponseHeader | undefined }> {
  if ('grant' in batch) return client.leaseGrant({ ID: batch.grant.id, TTL: batch.grant.ttlSeconds }, options);
  if ('revoke' in batch) return client.leaseRevoke({ ID: batch.revoke }, options);
  const success =
    'puts' in batch
      ? batch.puts.map((put) => RequestOp.create({ request_put: PutRequest.create(put) }))
      : batch.deletes.map((key) => RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key }) }));
  return client.txn(TxnRequest.create({ success }), options);
}
