import type { Steps } from '../../base/slices.ts';
import type { Backend, BackendSnapshot, BucketName, Frozen, ValueFinder } from '../backend.ts';
import { bucketNames } from '../backend.ts';
import { scanSteps } from '../scan-steps.ts';

type Visitor = (key: Uint8Array, value: Uint8Array) => unknown;

interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

interface Undo {
  readonly bucket: BucketName;
  readonly key: Uint8Array;
  /** The value before the change; undefined when the key was not there. */
  readonly previous: Uint8Array | undefined;
}

/**
 * A Backend without a file, for tests: same contract, plus `crash()`, which tells what a process would find that starts
 * after this one died.
 */
export class MemoryBackend implements Backend {
  private readonly buckets = new Map<BucketName, MemoryBucket>(bucketNames.map((name) => [name, new MemoryBucket()]));
  private readonly hooks: (() => void)[] = [];
  private uncommitted: Undo[] = [];
  private bytes = 0;
  private commits = 0;

  get(bucket: BucketName, key: Uint8Array): Uint8Array | undefined {
    return this.bucket(bucket).get(key);
  }

  finder(name: BucketName): ValueFinder {
    const bucket = this.bucket(name);
    const found = { bytes: Buffer.alloc(0), start: 0, sizeBytes: 0 };
    const find = (key: Uint8Array): boolean => {
      const value = bucket.get(key);
      if (value !== undefined) Object.assign(found, { bytes: Buffer.from(value), sizeBytes: value.length });
      return value !== undefined;
    };
    return Object.assign(found, { find });
  }

  scan(bucket: BucketName, start: Uint8Array, end: Uint8Array | undefined, visit: Visitor): void {
    this.bucket(bucket).scan(start, end, visit);
  }

  walk(bucket: BucketName, visit: Visitor): Steps<void> {
    return scanSteps(this, bucket, visit);
  }

  put(bucket: BucketName, key: Uint8Array, value: Uint8Array): void {
    this.remember(bucket, key);
    this.replace(bucket, Uint8Array.from(key), Uint8Array.from(value));
  }

  putPair(bucket: BucketName, pair: Uint8Array, keySize: number): void {
    this.put(bucket, pair.subarray(0, keySize), pair.subarray(keySize));
  }

  delete(bucket: BucketName, key: Uint8Array): void {
    this.remember(bucket, key);
    this.replace(bucket, key, undefined);
  }

  onBeforeCommit(hook: () => void): void {
    this.hooks.push(hook);
  }

  async commit(): Promise<void> {
    for (const hook of this.hooks) hook();
    this.uncommitted = [];
    this.commits++;
  }

  async freeze<T>(look: () => T): Promise<Frozen<T>> {
    await this.commit();
    const copies = new Map([...this.buckets].map(([name, bucket]) => [name, bucket.copy()]));
    const view = {
      pairs(name: BucketName, start: Uint8Array) {
        const found: [Uint8Array, Uint8Array][] = [];
        copies.get(name)?.scan(start, undefined, (key, value) => found.push([key, value]));
        return found;
      },
      close() {},
    };
    return { view, seen: look() };
  }

  async snapshot(): Promise<BackendSnapshot> {
    throw new Error('the in-memory backend has no file to take a snapshot of');
  }

  sizeBytes(): number {
    return this.bytes;
  }

  sizeInUseBytes(): number {
    return this.bytes;
  }

  async close(): Promise<void> {
    await this.commit();
  }

  /** How often `commit` has run. */
  commitCount(): number {
    return this.commits;
  }

  /** @returns a new backend that holds what was committed last; this one stays as it is */
  crash(): MemoryBackend {
    const survivor = new MemoryBackend();
    for (const [name, bucket] of this.buckets) {
      for (const { key, value } of bucket.pairs()) survivor.replace(name, key, value);
    }
    for (const { bucket, key, previous } of this.uncommitted.toReversed()) survivor.replace(bucket, key, previous);
    return survivor;
  }

  private bucket(name: BucketName): MemoryBucket {
    return this.buckets.get(name) as MemoryBucket;
  }

  private remember(bucket: BucketName, key: Uint8Array): void {
    this.uncommitted.push({ bucket, key: Uint8Array.from(key), previous: this.bucket(bucket).get(key) });
  }

  private replace(bucket: BucketName, key: Uint8Array, value: Uint8Array | undefined): void {
    const target = this.bucket(bucket);
    const previous = target.get(key);
    if (previous !== undefined) this.bytes -= key.length + previous.length;
    if (value === undefined) {
      target.delete(key);
    } else {
      target.set(key, value);
      this.bytes += key.length + value.length;
    }
  }
}

/** A map with a list of its keys in order, which is rebuilt when a scan needs it and it is out of date. */
class MemoryBucket {
  private readonly map = new Map<string, Pair>();
  /** Ascending; may hold names of deleted pairs. Undefined: to be rebuilt. */
  private order: string[] | undefined = [];

  get(key: Uint8Array): Uint8Array | undefined {
    return this.map.get(latin1(key))?.value;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    const name = latin1(key);
    if (this.order !== undefined && !this.map.has(name)) {
      const last = this.order.at(-1);
      if (last === undefined || name > last) this.order.push(name);
      else this.order = undefined;
    }
    this.map.set(name, { key, value });
  }

  delete(key: Uint8Array): void {
    this.map.delete(latin1(key));
    if (this.order !== undefined && this.order.length > 2 * this.map.size + 1000) this.order = undefined;
  }

  /** Pairs are never changed, only replaced. */
  copy(): MemoryBucket {
    const copy = new MemoryBucket();
    for (const { key, value } of this.map.values()) copy.set(key, value);
    return copy;
  }

  pairs(): Iterable<Pair> {
    return this.map.values();
  }

  scan(start: Uint8Array, end: Uint8Array | undefined, visit: Visitor): void {
    this.order ??= [...this.map.keys()].sort(byCodeUnit);
    const from = latin1(start);
    const to = end === undefined ? undefined : latin1(end);
    for (let i = lowerBound(this.order, from); i < this.order.length; i++) {
      const name = this.order[i] as string;
      if (to !== undefined && name >= to) return;
      const pair = this.map.get(name);
      if (pair !== undefined && visit(pair.key, pair.value) === false) return;
    }
  }
}

function lowerBound(sorted: readonly string[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One character a byte, so that strings compare as the bytes do. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
