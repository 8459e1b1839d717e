/** Short ways to drive a store in tests. Keys and values are written as text, one character a byte. */
import { MemoryBackend } from '../../backend/testing/memory-backend.ts';
import { MvccStore, type MvccStoreOptions } from '../mod.ts';

export const b = (text: string): Buffer => Buffer.from(text, 'latin1');
/** The range_end that names one key. */
export const single = b('');

export function put(store: MvccStore, key: string, value: string, lease = 0n): number {
  const txn = store.beginWrite();
  txn.put(b(key), b(value), lease);
  return txn.end();
}

export function remove(store: MvccStore, key: string, end = ''): number {
  const txn = store.beginWrite();
  const deleted = txn.deleteRange(b(key), b(end));
  txn.end();
  return deleted;
}

/** A store that has been restored. */
export function open(backend = new MemoryBackend(), options?: MvccStoreOptions): MvccStore {
  const store = new MvccStore(backend, options);
  store.restore();
  return store;
}

/** Bucket `key` in hexadecimal. */
export function records(backend: MemoryBackend): Record<string, string> {
  const found: Record<string, string> = {};
  backend.scan('key', b(''), undefined, (key, value) => {
    found[Buffer.from(key).toString('hex')] = Buffer.from(value).toString('hex');
  });
  return found;
}

export function valueAt(store: MvccStore, key: string, revision = 0): string | undefined {
  const kv = store.range(b(key), single, { revision }).kvs[0];
  return kv === undefined ? undefined : Buffer.from(kv.value).toString();
}
