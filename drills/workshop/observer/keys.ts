/** What a check can see of the key space. Reads only. */
import type { EtcdClient } from '../../../server/client/mod.ts';
import type { KeyValue } from '../../../server/proto/gen/kv.ts';
import type { RangeRequest } from '../../../server/proto/gen/rpc.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';

/** A check that needs more looks at the wrong thing. */
const maxKeys = 1000;

export interface SeenKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** Hexadecimal, as etcdctl shows it; undefined without a lease. */
  readonly lease?: string;
}

export interface ReadOptions {
  /** As of this revision; it must not be compacted. */
  readonly revision?: number;
  /** What this member itself holds, without asking the others. */
  readonly node?: string;
}

/** @param timeoutMs of each read */
export function keyObservations(lab: Lab, client: EtcdClient, timeoutMs: number) {
  const range = async (request: Partial<RangeRequest>, { revision = 0, node }: ReadOptions = {}) => {
    const endpoint = node === undefined ? undefined : lab.node(node).clientUrl;
    const own = endpoint !== undefined;
    return client.range({ ...request, revision, serializable: own }, { timeoutMs, ...(own && { endpoint }) });
  };
  return {
    /** @returns the key, or undefined if it is not there */
    key: async (key: string, options?: ReadOptions): Promise<SeenKey | undefined> => {
      const { kvs } = await range({ key: Buffer.from(key) }, options);
      return kvs.map(seenKey)[0];
    },
    /** @returns the keys under a prefix in their order, at most 1000 */
    keys: async (prefix: string, options?: ReadOptions): Promise<SeenKey[]> => {
      const { kvs } = await range({ ...prefixRange(prefix), limit: maxKeys }, options);
      return kvs.map(seenKey);
    },
    /** @returns how many keys are under a prefix */
    count: async (prefix: string, options?: ReadOptions): Promise<number> => {
      const { count } = await range({ ...prefixRange(prefix), count_only: true }, options);
      return count;
    },
    /** @returns the revision of the cluster */
    revision: async (): Promise<number> => (await range({ key: Buffer.from('\0') })).header?.revision ?? 0,
  };
}

/** @returns a range of all keys that begin with the prefix, which is not empty */
export function prefixRange(prefix: string): { key: Buffer; range_end: Buffer } {
  const end = Buffer.from(prefix);
  // UTF-8 has no byte 0xff: the last one can always be raised.
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return { key: Buffer.from(prefix), range_end: end };
}

function seenKey({ key, value, create_revision, mod_revision, version, lease }: KeyValue): SeenKey {
  return {
    key: Buffer.from(key).toString(),
    value: Buffer.from(value).toString(),
    createRevision: create_revision,
    modRevision: mod_revision,
    version,
    ...(lease !== 0n && { lease: lease.toString(16) }),
  };
}
