/** What a record of the log holds (contract: disk-and-peer §1.2). */
export const RecordType = {
  metadata: 1,
  entry: 2,
  state: 3,
  crc: 4,
  snapshot: 5,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** Bytes of the length field before each record. Frames are padded to a multiple of it, too. */
export const frameHeaderBytes = 8;
