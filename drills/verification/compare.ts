/** The exact difference between two key spaces. */
import type { KeyRecord, KeySpace } from './key-space.ts';

export interface KeyDifference {
  /** The key's bytes as a latin1 string. */
  key: string;
  kind: 'missing' | 'unexpected' | 'changed';
  /** Which fields differ; only for `changed`. */
  fields: (keyof KeyRecord)[];
  expected?: KeyRecord;
  observed?: KeyRecord;
}

const fields: (keyof KeyRecord)[] = ['valueSha256', 'valueBytes', 'createRevision', 'modRevision', 'version', 'lease'];

/**
 * Compares every key in every field.
 *
 * @returns one difference for each key that is not the same on both sides, in key order
 */
export function compareKeySpaces(expected: KeySpace, observed: KeySpace): KeyDifference[] {
  const differences: KeyDifference[] = [];
  for (const [key, want] of expected) {
    const got = observed.get(key);
    if (got === undefined) {
      differences.push({ key, kind: 'missing', fields: [], expected: want });
      continue;
    }
    const changed = fields.filter((field) => want[field] !== got[field]);
    if (changed.length > 0) differences.push({ key, kind: 'changed', fields: changed, expected: want, observed: got });
  }
  for (const [key, got] of observed) {
    if (!expected.has(key)) differences.push({ key, kind: 'unexpected', fields: [], observed: got });
  }
  return differences.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
