/** A store in a bucket of Amazon S3, or of any service that speaks its protocol. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { LabError, throwIfInterrupted } from '../../../toolkit/errors.ts';
import type { BackupsConfig, StoreLocation } from '../../../toolkit/lab/backup-config.ts';
import {
  type Content,
  type Digest,
  type GetOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  requireObjectName,
} from './object-store.ts';
import { receiveBytes, receiveFile } from './receive.ts';
import { ask, type Bucket } from './s3-bucket.ts';
import { explainS3 } from './s3-errors.ts';
import { abandonUploads, putObject } from './s3-upload.ts';
import { isMissing, isThereAlready, isTooLarge, persistently } from './store-error.ts';

const connectTimeoutMs = 10_000;
/** A connection on which nothing moves for so long is given up. */
const silenceTimeoutMs = 30_000;
/** The longest until an answer to one request begins; a request sends 16 MiB at most. */
const requestTimeoutMs = 300_000;
/** More than a store of backups ever holds. */
const maxListed = 1_000_000;

export class S3Store implements ObjectStore {
  readonly location: string;
  private readonly bucket: Bucket;
  private readonly prefix: string;

  private constructor(bucket: Bucket, prefix: string) {
    this.location = bucket.location;
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
  }

  /** Connects to nothing yet. @throws LabError LAB_STORE_ACCESS when the authority's file cannot be read */
  static async open(
    { bucket, prefix }: Extract<StoreLocation, { kind: 's3' }>,
    settings: NonNullable<BackupsConfig['s3']> = {},
  ): Promise<S3Store> {
    // It takes a while to load: only who uses a bucket waits for it.
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client(await clientConfig(settings));
    const location = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
    return new S3Store({ sdk, client, bucket, location }, prefix);
  }

  async put(name: string, content: Content, { signal, replace = false }: PutOptions): Promise<void> {
    if (!(await putObject(this.bucket, this.key(name), content, { signal, replace }))) {
      throw isThereAlready(this.location, name);
    }
  }

  async get(name: string, file: string, options: GetOptions): Promise<Digest> {
    let etag: string | undefined;
    const open = async (offset: number): Promise<Readable> => {
      const rest = { Range: `bytes=${offset}-`, ...(etag !== undefined && { IfMatch: etag }) };
      const found = await this.getObject(name, options.signal, offset === 0 ? {} : rest);
      if (found === undefined) throw isMissing(this.location, name);
      etag = found.ETag;
      return found.Body as Readable;
    };
    const explain = (error: unknown) => explainS3(error, this.location);
    return receiveFile({ location: this.location, name, open, explain }, file, options);
  }

  async read(name: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
    return persistently(signal, async () => {
      const found = await this.getObject(name, signal);
      if (found === undefined) return undefined;
      return receiveBytes(found.Body as Readable, maxBytes, signal, {
        explain: (error) => explainS3(error, this.location),
        tooLarge: isTooLarge(this.location, name, maxBytes),
      });
    });
  }

  /** @returns undefined if it is not there @throws as `explainS3` */
  private async getObject(name: string, signal: AbortSignal, rest: { Range?: string; IfMatch?: string } = {}) {
    const { sdk, client, bucket: Bucket, location } = this.bucket;
    const command = new sdk.GetObjectCommand({ Bucket, Key: this.key(name), ...rest });
    try {
      return await client.send(command, { abortSignal: signal });
    } catch (error) {
      throwIfInterrupted(signal);
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw explainS3(error, location);
    }
  }

  async list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]> {
    const { sdk, client, bucket: Bucket } = this.bucket;
    const found: ObjectInfo[] = [];
    let ContinuationToken: string | undefined;
    do {
      const input = { Bucket, Prefix: this.prefix + prefix, ...(ContinuationToken && { ContinuationToken }) };
      const page = await ask(this.bucket, signal, (options) =>
        client.send(new sdk.ListObjectsV2Command(input), options),
      );
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        found.push({ name: Key.slice(this.prefix.length), sizeBytes: Size, modifiedAt: LastModified });
      }
      if (found.length > maxListed) {
        throw new LabError('LAB_STORE', `${this.location} holds more than ${maxListed} objects`, {
          advice: 'give the backups a prefix of their own: s3://BUCKET/PREFIX',
        });
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const { sdk, client, bucket: Bucket } = this.bucket;
    const Key = this.key(name);
    await ask(this.bucket, signal, (options) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), options));
  }

  sweep(before: Date, signal: AbortSignal): Promise<number> {
    return abandonUploads(this.bucket, this.prefix, before, signal);
  }

  async close(): Promise<void> {
    this.bucket.client.destroy();
  }

  private key(name: string): string {
    requireObjectName(name);
    return this.prefix + name;
  }
}

async function clientConfig(settings: NonNullable<BackupsConfig['s3']>): Promise<S3ClientConfig> {
  const { endpoint, profile, caFile } = settings;
  // A service of one's own has no regions, but signatures name one.
  const assumed = endpoint !== undefined && !process.env.AWS_REGION ? 'us-east-1' : undefined;
  const region = settings.region ?? assumed;
  const ca = caFile === undefined ? undefined : await readAuthority(caFile);
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(profile !== undefined && { profile }),
    ...(region !== undefined && { region }),
    forcePathStyle: settings.pathStyle ?? endpoint !== undefined,
    // What is worth another try is tried again by `persistently`, for every kind of store alike.
    maxAttempts: 1,
    // For a request that is announced first, the SDK makes a connection that trusts no authority of one's own.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: silenceTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      ...(ca !== undefined && { httpsAgent: { ca } }),
    },
  };
}

async function readAuthority(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new LabError('LAB_STORE_ACCESS', `${file} cannot be read`, {
      advice: 'correct backups.s3.caFile in lab.yaml',
      cause,
    });
  });
}
