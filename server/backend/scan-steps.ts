import type { Steps } from '../base/slices.ts';
import type { Backend, BucketName } from './backend.ts';

/** Records visited in one go. */
const stepRecords = 64;

/** Visits all pairs of a bucket in key order, as `Backend.scan`, with places to interrupt it. */
export function* scanSteps(
  backend: Pick<Backend, 'scan'>,
  bucket: BucketName,
  visit: (key: Uint8Array, value: Uint8Array) => void,
): Steps<void> {
  for (let start: Uint8Array | undefined = new Uint8Array(0); start !== undefined; ) {
    let records = 0;
    let next: Buffer | undefined;
    backend.scan(bucket, start, undefined, (key, value) => {
      if (records++ === stepRecords) {
        next = Buffer.from(key);
        return false;
      }
      visit(key, value);
      return true;
    });
    yield;
    start = next;
  }
}
