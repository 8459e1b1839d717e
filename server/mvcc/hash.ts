import { crc32c } from '../base/crc32c.ts';
import type { KeepRule } from './keep.ts';
import { decodeRevision, isTombstone } from './revision.ts';

/**
 * The hash of those records that do not depend on how far a compaction's deletions have come (contract: disk-and-peer
 * §5.3). Feed it the records of bucket `key` in order, up to the revision that is asked for.
 */
export class KvHasher {
  private readonly compactRevision: number;
  private readonly keeps: KeepRule;
  private crc = crc32c(Buffer.from('key'));

  /** @param compactRevision records up to here count only if `keeps` says so */
  constructor(compactRevision: number, keeps: KeepRule) {
    this.compactRevision = compactRevision;
    this.keeps = keeps;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const revision = decodeRevision(key);
    if (revision.main <= this.compactRevision && !this.keeps(revision, value)) return;
    // Releases before 3.5.16 delete this tombstone when they compact; left out, all releases come to the same hash.
    if (revision.main === this.compactRevision && isTombstone(key)) return;
    this.crc = crc32c(value, crc32c(key, this.crc));
  }

  get sum(): number {
    return this.crc;
  }
}

export interface KvHash {
  readonly hash: number;
  /** The revision up to which the hash reaches. */
  readonly revision: number;
  /** The compact revision with which it was computed. */
  readonly compactRevision: number;
}

const cachedHashes = 10;

/** The hashes that compactions computed while they ran, so that members can compare the past that they deleted. */
export class HashCache {
  private hashes: KvHash[] = [];

  add(hash: KvHash): void {
    this.hashes = [...this.hashes, hash].slice(-cachedHashes);
  }

  /** The oldest first. */
  all(): readonly KvHash[] {
    return this.hashes;
  }

  get(revision: number): KvHash | undefined {
    return this.hashes.find((hash) => hash.revision === revision);
  }
}
