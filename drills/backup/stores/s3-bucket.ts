/** What the parts of the S3 store share: a client of one bucket, and how it is asked. */
import type { S3Client } from '@aws-sdk/client-s3';
import { throwIfInterrupted } from '../../../toolkit/errors.ts';
import { explainS3 } from './s3-errors.ts';
import { persistently } from './store-error.ts';

export interface Bucket {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
  readonly bucket: string;
  readonly location: string;
}

/** @param send one request @returns its answer @throws LabError as `ObjectStore` */
export function ask<T>(
  { location }: Bucket,
  signal: AbortSignal,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  return persistently(signal, async () => {
    try {
      return await send({ abortSignal: signal });
    } catch (error) {
      throwIfInterrupted(signal);
      throw explainS3(error, location);
    }
  });
}
