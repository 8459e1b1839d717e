/** Writes the batches of a data set to a cluster. */
import type { EtcdClient } from '../../server/client/mod.ts';
import { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from '../../server/proto/gen/rpc.ts';
import type { Batch } from './dataset.ts';

/**
 * Writes each batch as one transaction, one after the other.
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
    const success =
      'puts' in batch
        ? batch.puts.map((put) => RequestOp.create({ request_put: PutRequest.create(put) }))
        : batch.deletes.map((key) => RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key }) }));
    const { header } = await client.txn(TxnRequest.create({ success }), { signal: options.signal, timeoutMs: 15_000 });
    revision = header?.revision ?? revision;
    options.onProgress?.(i + 1, batches.length);
  }
  return revision;
}
