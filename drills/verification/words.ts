/** How findings are put into words. */
import { printableKey } from './key-space.ts';

const shownNames = 5;

/** etcd says -1 for a store that was never compacted. */
export function describeCompaction(revision: number): string {
  return revision < 0 ? 'never compacted' : `compacted at ${revision}`;
}

/** @param keys latin1 strings @returns the first ones, and how many more there are */
export function listKeys(keys: readonly string[]): string {
  return shorten(keys.map(printableKey));
}

/** @returns the first ones, and how many more there are */
export function shorten(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).join(', ');
  return names.length > shownNames ? `${shown} and ${names.length - shownNames} more` : shown;
}

/** An ID as etcd's logs show it. */
export function hex(id: bigint): string {
  return id.toString(16);
}
