/** Takes away what drills have written. */
import { type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import { dataSetLeaseIds, drillPrefix } from './dataset.ts';

/**
 * Deletes all keys of drills, and revokes the leases of the runs that have left some.
 *
 * @returns how many keys there were
 * @throws RpcError
 */
export async function clearDrillKeys(client: EtcdClient, signal: AbortSignal): Promise<number> {
  const options = { signal, timeoutMs: 30_000 };
  const range = { key: Buffer.from(drillPrefix), range_end: Buffer.from(`${drillPrefix.slice(0, -1)}0`) };
  for (const seed of await runsWithKeys(client, range, options)) {
    for (const ID of dataSetLeaseIds(seed)) await revoke(client, ID, options);
  }
  const { deleted } = await client.deleteRange(range, options);
  return deleted;
}

/** Asks for the first key of each run only: a run may have left half a million. */
async function runsWithKeys(
  client: EtcdClient,
  { key, range_end }: { key: Uint8Array; range_end: Uint8Array },
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<string[]> {
  const seeds: string[] = [];
  for (let from = key; ; ) {
    const { kvs } = await client.range({ key: from, range_end, limit: 1, keys_only: true }, options);
    const first = kvs[0];
    if (first === undefined) return seeds;
    const seed = Buffer.from(first.key).toString('latin1').slice(drillPrefix.length).split('/')[0] ?? '';
    seeds.push(seed);
    from = Buffer.from(`${drillPrefix}${seed}0`, 'latin1');
  }
}

async function revoke(
  client: EtcdClient,
  ID: bigint,
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  await client.leaseRevoke({ ID }, options).catch((error: unknown) => {
    // Most runs have revoked some themselves; a server without leases has none.
    if (error instanceof RpcError && (error.code === Code.NotFound || error.code === Code.Unimplemented)) return;
    throw error;
  });
}
