/**
 * Keys as the index holds them, and the ranges that requests name.
 *
 * A key is held as a latin1 string: one byte a character, so that `<` on strings is the order of the bytes, and a key
 * of 20 bytes takes 40 bytes of heap instead of the 100 and more of a Buffer.
 */

/** The index's form of a key. */
export function keyString(key: Uint8Array): string {
  return asBuffer(key).toString('latin1');
}

/** The bytes of a key in the index's form. */
export function keyBytes(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}

/** What a key and a range_end cover. */
export type KeyRange =
  | { readonly kind: 'point'; readonly key: string }
  /** `start <= key < end`; an undefined end means all keys from start on. */
  | { readonly kind: 'interval'; readonly start: string; readonly end: string | undefined };

/**
 * Reads a request's key and range_end (contract: api.md §2.3): no end is exactly the key, an end of one zero byte is
 * every key from `key` on. An end at or before the key is valid and covers nothing.
 */
export function keyRange(key: Uint8Array, end: Uint8Array): KeyRange {
  const start = keyString(key);
  if (end.length === 0) return { kind: 'point', key: start };
  return { kind: 'interval', start, end: end.length === 1 && end[0] === 0 ? undefined : keyString(end) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
