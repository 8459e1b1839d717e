/** Writes the batches of a data set to a cluster. */
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
  options: { signal?: AbortSignal | undefined; onProgress?: (done: number, total: number) => void } = {},
): Promise<number> {
  let revision = 0;
  for (const [i, batch] of batches.entries()) {
    const { header } = await writeBatch(client, batch, { signal: options.signal, timeoutMs: 15_000 });
    revision = header?.revision ?? revision;
    options.onProgress?.(i + 1, batches.length);
  }
  return revision;
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
