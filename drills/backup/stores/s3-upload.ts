/**
 * Uploads. An object appears in a bucket when its last byte has been acknowledged, never before: a small one with its
 * one request, a large one when its parts are put together. The service checks the SHA-256 of all that arrives.
 */
import { createHash } from 'node:crypto';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { Content, PutOptions } from './object-store.ts';
import { ask, type Bucket } from './s3-bucket.ts';
import { isAnother } from './store-error.ts';

/** A bucket takes at most 10,000 parts of an object, each of 5 MiB at least. */
const maxParts = 10_000;
const smallestPartBytes = 16 * 1024 ** 2;
/** What is given up does not wait for a service that does not answer. */
const abandonTimeoutMs = 10_000;

/**
 * @returns whether it is stored; not, if something else of that name is there that must not be replaced
 * @throws LabError as `ObjectStore`
 */
export async function putObject(
  bucket: Bucket,
  key: string,
  content: Content,
  { signal, replace = false }: PutOptions,
): Promise<boolean> {
  const condition = replace ? {} : { IfNoneMatch: '*' };
  try {
    if (content.sizeBytes <= smallestPartBytes) await putSmall(bucket, key, content, condition, signal);
    else await putLarge(bucket, key, content, condition, signal);
    return true;
  } catch (error) {
    // Also what a request meets that is repeated because the answer to the first one was lost.
    const reason = ((error as Error).cause as Error | undefined)?.name;
    if (reason !== 'PreconditionFailed' && reason !== 'NoSuchUpload') throw error;
    if (await isThere(bucket, key, content, signal)) return true;
    if (reason === 'PreconditionFailed') return false;
    throw error;
  }
}

/** @returns whether the bucket holds just this content under that key */
async function isThere(bucket: Bucket, Key: string, content: Content, signal: AbortSignal): Promise<boolean> {
  const { sdk, client, bucket: Bucket } = bucket;
  const head = new sdk.HeadObjectCommand({ Bucket, Key });
  try {
    const { ContentLength, Metadata } = await ask(bucket, signal, (options) => client.send(head, options));
    return ContentLength === content.sizeBytes && Metadata?.sha256 === content.sha256;
  } catch (error) {
    if (((error as Error).cause as Error | undefined)?.name === 'NotFound') return false;
    throw error;
  }
}

type Condition = { IfNoneMatch?: string };

async function putSmall(bucket: Bucket, Key: string, content: Content, condition: Condition, signal: AbortSignal) {
  const { sdk, client, bucket: Bucket } = bucket;
  const { Body, ...checked } = checksummed(await readAll(bucket, Key, content));
  const input = { Bucket, Key, Body, Metadata: { sha256: content.sha256 }, ...checked, ...condition };
  await ask(bucket, signal, (options) => client.send(new sdk.PutObjectCommand(input), options));
}

async function readAll(bucket: Bucket, key: string, content: Content): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of partsOf(bucket, key, content)) parts.push(part);
  return Buffer.concat(parts);
}

async function putLarge(bucket: Bucket, Key: string, content: Content, condition: Condition, signal: AbortSignal) {
  const { sdk, client, bucket: Bucket } = bucket;
  const about = { ChecksumAlgorithm: 'SHA256', Metadata: { sha256: content.sha256 } } as const;
  const begin = new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...about });
  const { UploadId } = await ask(bucket, signal, (options) => client.send(begin, options));
  const upload = { Bucket, Key, UploadId };
  try {
    const Parts: CompletedPart[] = [];
    for await (const part of partsOf(bucket, Key, content)) {
      const input = { ...upload, PartNumber: Parts.length + 1, ...checksummed(part) };
      const { ETag } = await ask(bucket, signal, (options) => client.send(new sdk.UploadPartCommand(input), options));
      Parts.push({ ETag, PartNumber: input.PartNumber, ChecksumSHA256: input.ChecksumSHA256 });
    }
    const complete = new sdk.CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload: { Parts } });
    await ask(bucket, signal, (options) => client.send(complete, options));
  } catch (error) {
    const abandon = new sdk.AbortMultipartUploadCommand(upload);
    // Best effort: `sweep` removes what is left, and why the upload failed must not be hidden.
    await client.send(abandon, { abortSignal: AbortSignal.timeout(abandonTimeoutMs) }).catch(() => undefined);
    throw error;
  }
}

function checksummed(Body: Buffer): { Body: Buffer; ChecksumAlgorithm: 'SHA256'; ChecksumSHA256: string } {
  return { Body, ChecksumAlgorithm: 'SHA256', ChecksumSHA256: createHash('sha256').update(Body).digest('base64') };
}

/** Pieces of equal size, each sent by one request that can be repeated. @throws LabError when the content has changed */
async function* partsOf(bucket: Bucket, key: string, content: Content): AsyncGenerator<Buffer> {
  const partBytes = Math.max(smallestPartBytes, Math.ceil(content.sizeBytes / maxParts));
  const hash = createHash('sha256');
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of content.open()) {
    hash.update(chunk as Buffer);
    pending.push(chunk as Buffer);
    pendingBytes += (chunk as Buffer).length;
    while (pendingBytes > partBytes) {
      const all = Buffer.concat(pending);
      yield all.subarray(0, partBytes);
      pending = [all.subarray(partBytes)];
      pendingBytes -= partBytes;
    }
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== content.sha256) throw isAnother(bucket.location, key, `its SHA-256 is ${sha256}`);
  yield Buffer.concat(pending);
}

/** Gives up what killed uploads have left: their parts cost room, and are seen by nobody. @returns how many */
export async function abandonUploads(
  bucket: Bucket,
  prefix: string,
  before: Date,
  signal: AbortSignal,
): Promise<number> {
  const { sdk, client, bucket: Bucket } = bucket;
  const list = new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix });
  const { Uploads = [] } = await ask(bucket, signal, (options) => client.send(list, options));
  const left = Uploads.filter(({ Initiated }) => Initiated !== undefined && Initiated < before);
  for (const { Key, UploadId } of left) {
    const abandon = new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId });
    await ask(bucket, signal, (options) => client.send(abandon, options));
  }
  return left.length;
}
