/** Sets of keys as intervals: what the permissions of a user come to. Keys are latin1 strings, one character a byte. */

/** The keys `start <= key < end`; without an end, all from `start` on. */
export interface KeyInterval {
  readonly start: string;
  readonly end: string | undefined;
}

/**
 * The interval that `key` and `range_end` of a request or a permission stand for (contract: api.md §2.3).
 *
 * @param rangeEnd empty: `key` alone; one zero byte: no end
 */
export function intervalOf(key: Uint8Array, rangeEnd: Uint8Array): KeyInterval {
  const start = keyText(key);
  if (rangeEnd.length === 0) return { start, end: `${start}\0` };
  return { start, end: isOpenEnd(rangeEnd) ? undefined : keyText(rangeEnd) };
}

/** Whether a `range_end` says "no end". */
export function isOpenEnd(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** Intervals that were merged: ranges that overlap or touch are one, so that a request may span several permissions. */
export class KeyRanges {
  /** In order, without overlap and not touching each other; only the last may have no end. */
  private readonly merged: readonly KeyInterval[];

  /** @param intervals in any order; an empty one holds nothing */
  constructor(intervals: Iterable<KeyInterval>) {
    const sorted = [...intervals].filter(({ start, end }) => end === undefined || start < end);
    sorted.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    const merged: KeyInterval[] = [];
    for (const next of sorted) {
      const last = merged.at(-1);
      if (last === undefined || (last.end !== undefined && last.end < next.start)) merged.push(next);
      else merged[merged.length - 1] = { start: last.start, end: later(last.end, next.end) };
    }
    this.merged = merged;
  }

  /**
   * Whether every key of an interval is in the set. An interval that holds no key counts as its start, as upstream
   * has it: whoever may read nothing near is not told that there is nothing to read.
   */
  covers({ start, end }: KeyInterval): boolean {
    const range = this.lastFrom(start);
    if (range === undefined) return false;
    if (range.end === undefined) return true;
    if (start >= range.end) return false;
    return end !== undefined && end <= range.end;
  }

  /** The last range that begins at or before `start`. */
  private lastFrom(start: string): KeyInterval | undefined {
    let [low, high] = [0, this.merged.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.merged[middle] as KeyInterval).start <= start) low = middle + 1;
      else high = middle;
    }
    return this.merged[low - 1];
  }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
