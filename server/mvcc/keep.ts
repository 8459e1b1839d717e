import type { Steps } from '../base/slices.ts';
import type { KeyHistory } from './key-history.ts';
import type { KeyIndex } from './key-index.ts';
import { decodeRecordHead } from './record-head.ts';
import type { Revision } from './revision.ts';

/** Whether the record of `revision`, with this encoded KeyValue, is the one to keep for its key. */
export type KeepRule = (revision: Revision, value: Uint8Array) => boolean;

/** Keys looked at in one go. */
const stepKeys = 1000;

/**
 * The records to keep, at most one for each key. Upstream lists them in a set first; asking the index record by record
 * takes no memory, and no time before the first record.
 *
 * @param select the position in a key's history of what is to be kept, -1 for nothing
 */
export function keepRule(
  index: KeyIndex,
  select: (history: KeyHistory) => number,
): { keeps: KeepRule; isEmpty(): Steps<boolean> } {
  return {
    keeps(revision, value) {
      const history = index.get(decodeRecordHead(value).key);
      if (history === undefined) return false;
      const position = select(history);
      return position >= 0 && history.mainAt(position) === revision.main && history.subAt(position) === revision.sub;
    },
    *isEmpty() {
      let isEmpty = true;
      for (let start: string | undefined = ''; start !== undefined && isEmpty; ) {
        let keys = 0;
        let next: string | undefined;
        index.ascend(start, undefined, (key, history) => {
          if (keys++ === stepKeys) {
            next = key;
            return false;
          }
          isEmpty = select(history) < 0;
          return isEmpty;
        });
        yield;
        start = next;
      }
      return isEmpty;
    },
  };
}
