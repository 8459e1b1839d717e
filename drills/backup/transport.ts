/**
 * A backup as files that can be carried elsewhere: compressed with zstd, and encrypted to a public key if one is named
 * (age, https://age-encryption.org/v1). The manifest stays readable; it holds no values.
 */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { compose, Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { Encrypter } from 'age-encryption';
import { LabError, messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import type { Backup, Backups } from './backup-store.ts';
import { localError } from './stores/store-error.ts';

/** A backup larger than this is none of a lab's, or a bomb. */
const maxSnapshotBytes = 64 * 1024 ** 3;

/** What a snapshot in this form is called after. */
export const encodedName = (base: string, isEncrypted: boolean): string => `${base}.db.zst${isEncrypted ? '.age' : ''}`;

/**
 * Writes a snapshot compressed, and encrypted if a recipient is named, into a new file.
 *
 * @param recipient an age public key, `age1…`
 * @throws LabError LAB_USAGE for a recipient that is none, LAB_FILE; nothing is left then
 */
export async function encodeSnapshot(
  snapshot: string,
  file: string,
  recipient: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const encrypter = recipient === undefined ? undefined : await encrypterFor(recipient);
  const source = compose(createReadStream(snapshot), createZstdCompress());
  const content =
    encrypter === undefined ? source : Readable.fromWeb((await encrypter.encrypt(toWeb(source))) as ReadableStream);
  await writeNew(file, content, signal);
}

/**
 * Writes what `encodeSnapshot` has made back into a snapshot.
 *
 * @param identity an age secret key, `AGE-SECRET-KEY-1…`, for one that is encrypted; undefined for one that is not
 * @throws LabError LAB_BACKUP when it is damaged, cannot be decrypted, or is not what the manifest names; nothing is left then
 */
export async function decodeSnapshot(
  file: string,
  snapshot: string,
  { identity, sha256 }: { identity: string | undefined; sha256: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await writeNew(snapshot, await decoded(file, identity), signal);
  } catch (error) {
    throwIfInterrupted(signal);
    const full = localError(error, snapshot);
    if (full !== error) throw full;
    throw new LabError('LAB_BACKUP', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const found = await sha256OfFile(snapshot);
  if (found === sha256) return;
  await rm(snapshot, { force: true });
  throw new LabError('LAB_BACKUP', `${file}: the SHA-256 is ${found}, its manifest says ${sha256}`, {
    advice: 'it is damaged: take another copy',
  });
}

/**
 * Writes `ID.json` and `ID.db.zst`, or `ID.db.zst.age`, into a folder. Files that are there already are refused.
 *
 * @param recipient an age public key, `age1…`
 * @returns the absolute paths
 * @throws LabError LAB_USAGE for a recipient that is none, LAB_FILE
 */
export async function exportBackup(
  { id, snapshot, manifest }: Backup,
  folder: string,
  recipient: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  if (recipient !== undefined) await encrypterFor(recipient);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, encodedName(id, recipient !== undefined));
  const about = path.join(folder, `${id}.json`);
  for (const each of [file, about]) requireNew(each);
  try {
    await encodeSnapshot(snapshot, file, recipient, signal);
    await writeNew(about, Readable.from([`${JSON.stringify(manifest, undefined, 2)}\n`]), signal);
  } catch (error) {
    throw localError(error, file);
  }
  return [about, file];
}

/**
 * Reads back what `exportBackup` has written, and takes it only if its bytes are those that the manifest names.
 *
 * @param about the path of `ID.json`
 * @param identity an age secret key, `AGE-SECRET-KEY-1…`, for one that is encrypted
 * @throws LabError LAB_BACKUP when something is missing, damaged, or cannot be decrypted; nothing is left then
 */
export async function importBackup(
  backups: Backups,
  about: string,
  identity: string | undefined,
  signal: AbortSignal,
): Promise<Backup> {
  const manifest = await readManifest(about);
  const file = encodedName(about.replace(/\.json$/, ''), identity !== undefined);
  return backups.add(new Date(manifest.createdAt), async (folder) => {
    await decodeSnapshot(file, path.join(folder, 'snapshot.db'), { identity, sha256: manifest.sha256 }, signal);
    return manifest;
  });
}

async function readManifest(about: string): Promise<SnapshotManifest> {
  try {
    const manifest = JSON.parse(await readFile(about, 'utf8')) as SnapshotManifest;
    if (manifest.format === 'etcdlab-snapshot-manifest/1' && !Number.isNaN(Date.parse(manifest.createdAt)))
      return manifest;
  } catch (cause) {
    throw new LabError('LAB_BACKUP', `${about} cannot be read`, { advice: 'name the .json file of the backup', cause });
  }
  throw new LabError('LAB_BACKUP', `${about} is not the manifest of a backup`);
}

async function decoded(file: string, identity: string | undefined): Promise<Readable> {
  if (identity === undefined) return compose(createReadStream(file), createZstdDecompress(), bounded());
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const plain = await decrypter.decrypt(toWeb(createReadStream(file)));
  return compose(Readable.fromWeb(plain as ReadableStream), createZstdDecompress(), bounded());
}

/** The library is loaded by those commands alone that encrypt: with what it stands on it takes a tenth of a start. */
async function encrypterFor(recipient: string): Promise<Encrypter> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new LabError('LAB_USAGE', `'${recipient}' is no age public key`, {
      advice: 'age-keygen prints one: age1…',
      cause,
    });
  }
  return encrypter;
}

function toWeb(stream: Readable): globalThis.ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as globalThis.ReadableStream<Uint8Array>;
}

/** Few compressed bytes can stand for any number of bytes. */
function bounded(): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxSnapshotBytes) done(new Error(`it holds more than ${maxSnapshotBytes} bytes`));
      else done(null, chunk);
    },
  });
}

/** Readable by its owner only; whole and durable, or not there. */
async function writeNew(file: string, content: Readable, signal: AbortSignal): Promise<void> {
  // What goes wrong in it is thrown where it is read.
  content.on('error', () => undefined);
  requireNew(file);
  const part = `${file}.part`;
  await rm(part, { force: true });
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(content, { signal });
    await handle.sync();
    await handle.close();
    await rename(part, file);
  } catch (error) {
    content.destroy();
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

function requireNew(file: string): void {
  if (existsSync(file)) throw new LabError('LAB_FILE', `${file} is there already`, { advice: 'name another folder' });
}
