/** The key space of a member at one revision: what is compared before and after a restore. */
import { createHash } from 'node:crypto';
import type { EtcdClient } from '../../server/client/mod.ts';

/** Everything etcd keeps about a key. The value stands in by its digest, so that a large store fits in memory. */
export interface KeyRecord {
  createRevision: number;
  modRevision: number;
  version: number;
  /** 0 when the key has no lease. */
  lease: bigint;
  valueBytes: number;
  valueSha256: string;
}

/** Records by key; the key's bytes as a latin1 string, which is lossless and sorts as the bytes do. */
export type KeySpace = ReadonlyMap<string, KeyRecord>;

/** Keys that one range request asks for: a hundred of the largest size stay below 160 MB. */
const pageKeys = 100;
/** Beyond this the comparison would need more memory than a laptop has to spare. */
const maxKeys = 2_000_000;

const firstKey = Buffer.from([0]);
const toTheEnd = Buffer.from([0]);

/**
 * Reads all keys as of `revision`, or those of a prefix, from one member's own state.
 *
 * @param endpoint the member to ask; it answers without asking the others, so that each is seen as it is
 * @throws RpcError, also when `revision` was compacted meanwhile
 * @throws Error when there are more than 2,000,000 keys
 */
export async function readKeySpace(
  client: EtcdClient,
  endpoint: string,
  revision: number,
  signal?: AbortSignal,
  prefix = '',
): Promise<KeySpace> {
  const keys = new Map<string, KeyRecord>();
  let key: Uint8Array = prefix === '' ? firstKey : Buffer.from(prefix);
  const end = prefix === '' ? toTheEnd : prefixEnd(prefix);
  for (;;) {
    const page = await client.range(
      { key, range_end: end, revision, limit: pageKeys, serializable: true },
      { endpoint, signal, timeoutMs: 30_000 },
    );
    for (const kv of page.kvs) {
      keys.set(Buffer.from(kv.key).toString('latin1'), {
        createRevision: kv.create_revision,
        modRevision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
        valueBytes: kv.value.length,
        valueSha256: createHash('sha256').update(kv.value).digest('hex'),
      });
    }
    if (keys.size > maxKeys)
      throw new Error(`${endpoint} holds more than ${maxKeys} keys; a drill compares at most that many`);
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return keys;
    key = Buffer.concat([last.key, firstKey]);
  }
}

/** The first key behind all that begin with an ASCII prefix. */
function prefixEnd(prefix: string): Uint8Array {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
}

/** A key for people: as text where it is printable ASCII, in Go's quoted form otherwise. */
export function printableKey(latin1: string): string {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(latin1)
    ? latin1
    : `"${[...latin1]
        .map((char) => {
          const code = char.charCodeAt(0);
          if (char === '"' || char === '\\') return `\\${char}`;
          return code >= 0x20 && code < 0x7f ? char : `\\x${code.toString(16).padStart(2, '0')}`;
        })
        .join('')}"`;
}
