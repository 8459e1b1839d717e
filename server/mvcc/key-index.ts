import { KeyHistory } from './key-history.ts';
import type { KeyRange } from './key-range.ts';
import { lowerBound } from './sorted.ts';

/** Entries a chunk holds before it is split. Larger makes inserting dearer, smaller the list of chunks longer. */
const chunkEntries = 512;

/** Sees a key and its history; returning false ends the visit. */
type Visitor = (key: string, history: KeyHistory) => unknown;

interface Chunk {
  readonly keys: string[];
  readonly histories: KeyHistory[];
}

/**
 * Every key that the store has a record of, in order, with its history.
 *
 * A B+tree of two levels: sorted chunks, and the sorted list of them. A million keys make some two thousand chunks, so
 * that the list is searched in eleven steps and moved in a microsecond when a chunk is split; more levels would buy
 * nothing for what fits in memory.
 */
export class KeyIndex {
  private chunks: Chunk[] = [];
  private entries = 0;

  /** Keys in the index, those that are only remembered as deleted included. */
  get size(): number {
    return this.entries;
  }

  get(key: string): KeyHistory | undefined {
    const chunk = this.chunks[this.chunkFor(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.histories[at] : undefined;
  }

  /** @returns the key's history, a new and empty one when the key was not in the index */
  getOrAdd(key: string): KeyHistory {
    const chunkAt = this.chunkFor(key);
    const chunk = this.chunks[chunkAt];
    if (chunk === undefined) {
      const history = new KeyHistory();
      this.chunks.push({ keys: [key], histories: [history] });
      this.entries++;
      return history;
    }
    const isBehind = (chunk.keys.at(-1) as string) < key;
    const at = isBehind ? chunk.keys.length : lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) return chunk.histories[at] as KeyHistory;
    const history = new KeyHistory();
    insert(chunk.keys, at, key);
    insert(chunk.histories, at, history);
    this.entries++;
    if (chunk.keys.length > chunkEntries) this.split(chunkAt, at);
    return history;
  }

  delete(key: string): void {
    const chunkAt = this.chunkFor(key);
    const chunk = this.chunks[chunkAt];
    if (chunk === undefined) return;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return;
    chunk.keys.splice(at, 1);
    chunk.histories.splice(at, 1);
    this.entries--;
    this.merge(chunkAt);
  }

  /** Visits the keys of a range in order until `visit` returns false. The index must not be changed meanwhile. */
  visit(range: KeyRange, visit: Visitor): void {
    if (range.kind === 'interval') {
      this.ascend(range.start, range.end, visit);
      return;
    }
    const history = this.get(range.key);
    if (history !== undefined) visit(range.key, history);
  }

  /** As `visit`, for `start <= key < end`; to the last key when `end` is undefined. */
  ascend(start: string, end: string | undefined, visit: Visitor): void {
    let chunkAt = this.chunkFor(start);
    let chunk = this.chunks[chunkAt];
    let at = chunk === undefined ? 0 : lowerBound(chunk.keys, start);
    while (chunk !== undefined) {
      const { keys, histories } = chunk;
      const isLast = end !== undefined && (keys.at(-1) as string) >= end;
      const stop = isLast ? lowerBound(keys, end) : keys.length;
      for (; at < stop; at++) {
        if (visit(keys[at] as string, histories[at] as KeyHistory) === false) return;
      }
      if (isLast) return;
      chunk = this.chunks[++chunkAt];
      at = 0;
    }
  }

  /** The position of the last chunk that begins at or before `key`, or of the first one. */
  private chunkFor(key: string): number {
    const { chunks } = this;
    const last = chunks.at(-1);
    // Keys that come in ascending order are common.
    if (last !== undefined && (last.keys[0] as string) <= key) return chunks.length - 1;
    let low = 1;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((chunks[middle] as Chunk).keys[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private split(chunkAt: number, insertedAt: number): void {
    const chunk = this.chunks[chunkAt] as Chunk;
    const isAppending = chunkAt === this.chunks.length - 1 && insertedAt === chunk.keys.length - 1;
    // Keys that come in ascending order leave full chunks behind, not half-full ones.
    const from = isAppending ? insertedAt : chunk.keys.length >>> 1;
    const upper = { keys: chunk.keys.splice(from), histories: chunk.histories.splice(from) };
    this.chunks.splice(chunkAt + 1, 0, upper);
  }

  /** Joins a chunk that has become small with its neighbour, so that deleted keys do not leave a trail of tiny chunks. */
  private merge(chunkAt: number): void {
    const chunk = this.chunks[chunkAt] as Chunk;
    const next = this.chunks[chunkAt + 1];
    if (chunk.keys.length === 0) {
      this.chunks.splice(chunkAt, 1);
    } else if (next !== undefined && chunk.keys.length + next.keys.length <= chunkEntries / 2) {
      chunk.keys.push(...next.keys);
      chunk.histories.push(...next.histories);
      this.chunks.splice(chunkAt + 1, 1);
    }
  }
}

function insert<T>(list: T[], at: number, item: T): void {
  if (at === list.length) list.push(item);
  else list.splice(at, 0, item);
}
