/**
 * Where backups are kept besides a lab's own folder: named objects, each of which is there as a whole or not at all.
 * `folder-store.ts`, `s3-store.ts` and `sftp-store.ts` are its kinds; `mod.ts` opens the one that lab.yaml names.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { sha256OfFile } from '../../recovery/file-digest.ts';

/** What bytes are known by. */
export interface Digest {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Bytes that can be read from their beginning as often as an upload has to be tried again. */
export interface Content extends Digest {
  open(): Readable;
}

export interface ObjectInfo {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Takes the place of an object of that name, in one step. Only for small documents; default: one that is there is refused. */
  readonly replace?: boolean;
}

export interface GetOptions {
  readonly signal: AbortSignal;
  /** What the bytes must be. */
  readonly expected?: Digest;
}

/**
 * Every method has deadlines of its own, tries again what a network may have lost, and throws LabError:
 *
 * | code | it could be because |
 * |---|---|
 * | LAB_STORE_UNREACHABLE | nobody answers there, in time, or with a certificate that is trusted |
 * | LAB_STORE_ACCESS | there are no credentials, or they are wrong, or they do not allow it |
 * | LAB_STORE_MISSING | there is no such bucket or folder |
 * | LAB_STORE_FULL | it has no room left |
 * | LAB_STORE_OBJECT | an object is missing, there already, or not what it should be |
 * | LAB_STORE | anything else; the cause says what |
 * | LAB_INTERRUPTED | the signal has fired |
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix`, `sftp://user@host/path`, a folder. Never holds a secret. */
  readonly location: string;
  /** Adds an object: under its name stands all of the content, durably, or nothing. Bytes that differ from the digest are refused. */
  put(name: string, content: Content, options: PutOptions): Promise<void>;
  /** Writes an object into a new file of this machine, mode 0600: whole and as expected, or not there. */
  get(name: string, file: string, options: GetOptions): Promise<Digest>;
  /** @returns a small object, or undefined if it is not there; one of more than `maxBytes` is refused */
  read(name: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined>;
  /** @returns all objects whose names begin so, sorted by name */
  list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]>;
  /** Removes an object; no error if it is not there. */
  remove(name: string, signal: AbortSignal): Promise<void>;
  /** Removes what uploads that were killed have left, if it is older than `before`. @returns how many */
  sweep(before: Date, signal: AbortSignal): Promise<number>;
  /** Releases connections. */
  close(): Promise<void>;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,7}$/;
/** What an object is called while it arrives; no name of an object ends so. */
export const partSuffix = '.part';

/** @throws RangeError for a name that a file system or a service could take for something else */
export function requireObjectName(name: string): void {
  if (!namePattern.test(name) || name.endsWith(partSuffix)) throw new RangeError(`'${name}' is no name of an object`);
}

/** @returns a file of this machine as content; it must not change before it has been stored */
export async function contentOfFile(file: string): Promise<Content> {
  const { size: sizeBytes } = await stat(file);
  return { sizeBytes, sha256: await sha256OfFile(file), open: () => createReadStream(file) };
}

export function contentOfText(text: string): Content {
  const bytes = Buffer.from(text);
  return {
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    open: () => Readable.from([bytes]),
  };
}
