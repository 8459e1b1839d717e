/** Databases in the file format of bbolt, which etcd's `member/snap/db` and its snapshots are. */
export { BoltDatabase, type OpenOptions } from './bolt-database.ts';
export { BoltCode, BoltError } from './bolt-error.ts';
export { bucketName, bucketNameBytes } from './bucket.ts';
export { type BulkBucket, type BulkOptions, type Pair, writeDatabase } from './bulk-writer.ts';
export { type CheckOptions, type CheckResult, check } from './check.ts';
export { maxKeyBytes, maxValueBytes } from './format.ts';
export { DatabaseDigest, type HashIgnore, hashSteps } from './hash.ts';
export type { Reader, ReadTx, Visit, WriteTx } from './transaction.ts';
export type { PageCounts } from './tree-walk.ts';
