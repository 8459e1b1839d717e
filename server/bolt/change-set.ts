/**
 * What a transaction has put and deleted in one bucket, in key order. Blocks of a few hundred entries keep inserts
 * anywhere cheap in large transactions; ascending keys are appended.
 */
import type { Entry } from './entry.ts';
import { compareBytes } from './page.ts';

const blockEntries = 512;
const slabBytes = 65_536;

/** Copies what is put, key and value side by side. Large pairs get memory of their own, which goes when they go. */
export class Slab {
  private memory: Buffer = Buffer.alloc(0);
  private used = 0;

  /** @returns the offset of `key` in `bytes`; the value follows it */
  copy(key: Uint8Array, value: Uint8Array | undefined): { bytes: Buffer; start: number } {
    const size = key.length + (value?.length ?? 0);
    const start = this.reserve(size);
    const bytes = start === undefined ? Buffer.allocUnsafeSlow(size) : this.memory;
    bytes.set(key, start ?? 0);
    if (value !== undefined) bytes.set(value, (start ?? 0) + key.length);
    return { bytes, start: start ?? 0 };
  }

  private reserve(size: number): number | undefined {
    if (size > slabBytes / 8) return undefined;
    if (this.used + size > this.memory.length) {
      this.memory = Buffer.allocUnsafeSlow(slabBytes);
      this.used = 0;
    }
    const start = this.used;
    this.used += size;
    return start;
  }
}

export class ChangeSet {
  /** Grows with every change, so that a walk notices them. */
  version = 0;
  private blocks: Entry[][] = [];

  get isEmpty(): boolean {
    return this.blocks.length === 0;
  }

  get(key: Uint8Array): Entry | undefined {
    // Keys behind the last one are common: the newest revision is asked for before it is put.
    const last = this.blocks.at(-1)?.at(-1);
    if (last === undefined || compareEntry(last, key) < 0) return undefined;
    const entry = this.at(this.seek(key));
    return entry !== undefined && compareEntry(entry, key) === 0 ? entry : undefined;
  }

  set(entry: Entry): void {
    this.version++;
    const last = this.blocks.at(-1);
    if (last === undefined) {
      this.blocks.push([entry]);
      return;
    }
    if (compareEntries(last.at(-1) as Entry, entry) < 0) {
      if (last.length < blockEntries) last.push(entry);
      else this.blocks.push([entry]);
      return;
    }
    const at = this.seekEntry(entry);
    const block = this.blocks[at.block] as Entry[];
    if (compareEntries(block[at.index] as Entry, entry) === 0) {
      block[at.index] = entry;
      return;
    }
    block.splice(at.index, 0, entry);
    if (block.length > blockEntries) this.blocks.splice(at.block + 1, 0, block.splice(blockEntries / 2));
  }

  /** @returns the place of the first entry whose key is not less than `key` */
  seek(key: Uint8Array): Place {
    return this.search((entry) => compareEntry(entry, key));
  }

  at(place: Place): Entry | undefined {
    return this.blocks[place.block]?.[place.index];
  }

  /** Moves a place one entry on. */
  advance(place: Place): void {
    place.index++;
    if (place.index === this.blocks[place.block]?.length) {
      place.block++;
      place.index = 0;
    }
  }

  /** @returns all entries in key order */
  sorted(): Entry[] {
    return this.blocks.flat();
  }

  private seekEntry(target: Entry): Place {
    return this.search((entry) => compareEntries(entry, target));
  }

  /** @param order negative while an entry lies before the place */
  private search(order: (entry: Entry) => number): Place {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (order(this.blocks[middle]?.at(-1) as Entry) < 0) low = middle + 1;
      else high = middle;
    }
    const block = low;
    const entries = this.blocks[block] ?? [];
    low = 0;
    high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (order(entries[middle] as Entry) < 0) low = middle + 1;
      else high = middle;
    }
    return { block, index: low };
  }
}

/** A position in a ChangeSet, good until the next change. */
export interface Place {
  block: number;
  index: number;
}

export function compareEntries(a: Entry, b: Entry): number {
  return compareBytes(a.bytes, a.start, a.keySize, b.bytes, b.start, b.keySize);
}

export function compareEntry(entry: Entry, key: Uint8Array): number {
  return compareBytes(entry.bytes, entry.start, entry.keySize, key, 0, key.length);
}
