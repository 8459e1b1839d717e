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
import { Decrypter, Encrypter } from 'age-encryption';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import type { Backup, BackupStore } from './backup-store.ts';

/** A backup larger than this is none of a lab's, or a bomb. */
const maxSnapshotBytes = 64 * 1024 ** 3;

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
  const encrypter = recipient === undefined ? undefined : encrypterFor(recipient);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${id}.db.zst${encrypter === undefined ? '' : '.age'}`);
  const about = path.join(folder, `${id}.json`);
  for (const each of [file, about]) requireNew(each);
  const source = compose(createReadStream(snapshot), createZstdCompress());
  const content =
    encrypter === undefined ? source : Readable.fromWeb((await encrypter.encrypt(toWeb(source))) as ReadableStream);
  await writeNew(file, content, signal);
  await writeNew(about, Readable.from([`${JSON.stringify(manifest, undefined, 2)}\n`]), signal);
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
  store: BackupStore,
  about: string,
  identity: string | undefined,
  signal: AbortSignal,
): Promise<Backup> {
  const manifest = await readManifest(about);
  const base = about.replace(/\.json$/, '');
  return store.add(new Date(manifest.createdAt), async (folder) => {
    const target = path.join(folder, 'snapshot.db');
    try {
      await writeNew(target, await decoded(base, identity), signal);
    } catch (error) {
      throw new LabError('LAB_BACKUP', `${base}.db.zst cannot be read: ${messageOf(error)}`, { cause: error });
    }
    const sha256 = await sha256OfFile(target);
    if (sha256 !== manifest.sha256) {
      throw new LabError('LAB_BACKUP', `${base}: the SHA-256 is ${sha256}, its manifest says ${manifest.sha256}`, {
        advice: 'it is damaged: take another copy',
      });
    }
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

async function decoded(base: string, identity: string | undefined): Promise<Readable> {
  if (identity === undefined) return compose(createReadStream(`${base}.db.zst`), createZstdDecompress(), bounded());
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const plain = await decrypter.decrypt(toWeb(createReadStream(`${base}.db.zst.age`)));
  return compose(Readable.fromWeb(plain as ReadableStream), createZstdDecompress(), bounded());
}

function encrypterFor(recipient: string): Encrypter {
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
