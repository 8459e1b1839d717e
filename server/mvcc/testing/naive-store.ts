import { crc32c } from '../../base/crc32c.ts';
import { KeyValue } from '../../proto/gen/kv.ts';

/** A change of one key; `end` as in requests. */
export type Change =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly kind: 'delete'; readonly key: string; readonly end: string };

interface NaiveRecord {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
  readonly kv: KeyValue;
}

/**
 * The store as its definition reads, to compare with: every record ever written in one array, everything found by going
 * through all of it.
 */
export class NaiveStore {
  current = 1;
  compacted = -1;
  private records: NaiveRecord[] = [];
  private hashes: { revision: number; compactRevision: number; hash: number }[] = [];

  write(changes: readonly Change[]): void {
    const main = this.current + 1;
    let sub = 0;
    for (const change of changes) {
      const before = this.visible(main);
      if (change.kind === 'put') {
        const previous = before.get(change.key);
        const kv = KeyValue.create({
          key: bytes(change.key),
          create_revision: previous?.create_revision ?? main,
          mod_revision: main,
          version: (previous?.version ?? 0) + 1,
          value: bytes(change.value),
          lease: change.lease,
        });
        this.records.push({ main, sub: sub++, isTombstone: false, kv });
      } else {
        for (const key of [...before.keys()].filter((name) => covers(change.key, change.end, name))) {
          this.records.push({ main, sub: sub++, isTombstone: true, kv: KeyValue.create({ key: bytes(key) }) });
        }
      }
    }
    if (sub > 0) this.current = main;
  }

  range(key: string, end: string, revision: number): KeyValue[] {
    const found = [...this.visible(revision)].filter(([name]) => covers(key, end, name));
    return found.map(([, kv]) => kv);
  }

  compact(revision: number): void {
    const newest = this.newest(revision);
    const kept = new Set([...newest.values()].filter((record) => !record.isTombstone || record.main === revision));
    const hash = this.hash(this.compacted, revision, kept);
    this.hashes.push({ revision, compactRevision: this.compacted, hash });
    if (this.hashes.length > 10) this.hashes.shift();
    this.records = this.records.filter((record) => record.main > revision || kept.has(record));
    this.compacted = revision;
  }

  hashKv(revision: number): { hash: number; compactRevision: number } {
    const cached = this.hashes.find((entry) => entry.revision === revision);
    if (cached !== undefined) return { hash: cached.hash, compactRevision: cached.compactRevision };
    const upTo = revision === 0 ? this.current : revision;
    const kept = new Set([...this.newest(upTo).values()].filter((record) => !record.isTombstone));
    return { hash: this.hash(this.compacted, upTo, kept), compactRevision: this.compacted };
  }

  /** What a restart does to the hashes that compactions left. */
  forgetHashes(): void {
    this.hashes = [];
  }

  /** The keys of bucket `key`, in hexadecimal. */
  recordKeys(): string[] {
    return this.records.map((record) => recordKey(record).toString('hex'));
  }

  private hash(compactRevision: number, revision: number, kept: ReadonlySet<NaiveRecord>): number {
    const parts: Uint8Array[] = [Buffer.from('key')];
    for (const record of this.records) {
      if (record.main > revision) continue;
      if (record.main <= compactRevision && kept.size > 0 && !kept.has(record)) continue;
      if (record.main === compactRevision && record.isTombstone) continue;
      parts.push(recordKey(record), KeyValue.encode(record.kv));
    }
    return crc32c(Buffer.concat(parts));
  }

  private newest(revision: number): Map<string, NaiveRecord> {
    const newest = new Map<string, NaiveRecord>();
    for (const record of this.records) {
      if (record.main <= revision) newest.set(Buffer.from(record.kv.key).toString('latin1'), record);
    }
    return newest;
  }

  private visible(revision: number): Map<string, KeyValue> {
    const alive = [...this.newest(revision)].filter(([, record]) => !record.isTombstone);
    return new Map(alive.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, record]) => [key, record.kv]));
  }
}

function covers(key: string, end: string, name: string): boolean {
  if (end === '') return name === key;
  return name >= key && (end === '\0' || name < end);
}

function recordKey({ main, sub, isTombstone }: NaiveRecord): Buffer {
  const key = Buffer.alloc(isTombstone ? 18 : 17, 't');
  key.writeBigUInt64BE(BigInt(main), 0);
  key.write('_', 8);
  key.writeBigUInt64BE(BigInt(sub), 9);
  return key;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
