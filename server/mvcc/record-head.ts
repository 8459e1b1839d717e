import { Reader } from '../proto/wire.ts';

/** What the index needs of a record's KeyValue. */
export interface RecordHead {
  /** In the index's form. */
  key: string;
  createRevision: number;
  version: number;
  lease: bigint;
}

/** Fields of KeyValue with their wire types. */
const keyTag = (1 << 3) | 2;
const createRevisionTag = 2 << 3;
const versionTag = 4 << 3;
const leaseTag = 6 << 3;

/** Decodes a KeyValue but for its value: a whole database is gone through when a member starts. @throws WireError */
export function decodeRecordHead(bytes: Uint8Array): RecordHead {
  const reader = new Reader(bytes);
  const head: RecordHead = { key: '', createRevision: 0, version: 0, lease: 0n };
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    switch (tag) {
      case keyTag:
        head.key = reader.latin1();
        break;
      case createRevisionTag:
        head.createRevision = reader.int64Number();
        break;
      case versionTag:
        head.version = reader.int64Number();
        break;
      case leaseTag:
        head.lease = reader.int64();
        break;
      default:
        reader.skip(tag);
    }
  }
  return head;
}
