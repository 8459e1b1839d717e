/**
 * Certificates and keys in a folder: `NAME.pem` (0644) and `NAME-key.pem` (0600), the folder 0700. `AUTHORITY.crl` is
 * its revocation list, and what was replaced lies in `retired/TIME/`.
 *
 * A key is written before its certificate: etcd re-reads both at every handshake, and after a crash between the two, a
 * certificate is never there without its key.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertifiedKey } from './authority.ts';
import { PkiError } from './errors.ts';
import { inspect, parseCertificate } from './inspect.ts';
import { isEncryptedKey, keyFromPem, keyToPem } from './keys.ts';

/** What is there under a name. */
export interface StoredFiles {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** Asks for the passphrase of an authority's key, once it is needed; the name is the authority's. */
export type Passphrase = (name: string) => Promise<string>;

/** How many sets of replaced certificates are kept with their keys, the newest. */
const keptRetired = 20;
/** How many are kept at all: the certificates of those before have expired long since, unless somebody renews in a loop. */
const maxRetired = 1000;
const retiredFolder = 'retired';

export class PkiStore {
  readonly directory: string;
  private readonly passphrase: Passphrase | undefined;

  /** @param passphrase for authorities whose key is encrypted; without it they can be read, but not sign */
  constructor(directory: string, passphrase?: Passphrase) {
    this.directory = directory;
    this.passphrase = passphrase;
  }

  certificatePath(name: string): string {
    return join(this.directory, `${name}.pem`);
  }

  keyPath(name: string): string {
    return join(this.directory, `${name}-key.pem`);
  }

  /** @param name of an authority */
  revocationListPath(name: string): string {
    return join(this.directory, `${name}.crl`);
  }

  /** @returns the names that have a certificate, sorted */
  async names(): Promise<string[]> {
    const files = await readdir(this.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return files
      .filter((file) => file.endsWith('.pem') && !file.endsWith('-key.pem'))
      .map((file) => file.slice(0, -'.pem'.length))
      .sort();
  }

  /** @returns the files as they are, whatever is in them */
  async read(name: string): Promise<StoredFiles> {
    const [certificate, key] = await Promise.all([
      readOptional(this.certificatePath(name)),
      readOptional(this.keyPath(name)),
    ]);
    return { certificate, key };
  }

  /**
   * @returns certificate and key, or undefined if neither is there
   * @throws PkiError PKI_STORE if one of the two is missing or they do not belong together, PKI_PEM if one is damaged
   */
  async load(name: string): Promise<CertifiedKey | undefined> {
    const { certificate, key } = await this.read(name);
    if (certificate === undefined && key === undefined) return undefined;
    if (certificate === undefined || key === undefined) {
      const missing = certificate === undefined ? this.certificatePath(name) : this.keyPath(name);
      throw new PkiError('PKI_STORE', `${missing} is missing, its counterpart is there`);
    }
    const x509 = inFile(this.certificatePath(name), () => parseCertificate(certificate));
    // Whether an encrypted key belongs to its certificate shows when it is opened.
    if (isEncryptedKey(key)) return { certificate, key };
    const privateKey = inFile(this.keyPath(name), () => keyFromPem(key));
    if (!x509.checkPrivateKey(privateKey)) {
      throw new PkiError('PKI_STORE', `${this.keyPath(name)} is not the key of ${this.certificatePath(name)}`);
    }
    return { certificate, key };
  }

  /**
   * @returns an authority with its key in the clear, to sign with, or undefined if it is not there
   * @throws PkiError as `load`, and PKI_PASSPHRASE if the key is encrypted and the passphrase is missing or wrong
   */
  async loadSigner(name: string): Promise<CertifiedKey | undefined> {
    const there = await this.load(name);
    if (there === undefined || !isEncryptedKey(there.key)) return there;
    const passphrase = await this.askPassphrase(name);
    const key = inFile(this.keyPath(name), () => keyFromPem(there.key, passphrase));
    if (!parseCertificate(there.certificate).checkPrivateKey(key)) {
      throw new PkiError('PKI_STORE', `${this.keyPath(name)} is not the key of ${this.certificatePath(name)}`);
    }
    return { certificate: there.certificate, key: keyToPem(key) };
  }

  /** @returns the passphrase of an authority's key @throws PkiError PKI_PASSPHRASE if there is nobody to ask */
  async askPassphrase(name: string): Promise<string> {
    if (this.passphrase !== undefined) return this.passphrase(name);
    throw new PkiError('PKI_PASSPHRASE', `${this.keyPath(name)} is encrypted, and no passphrase was given`);
  }

  /** @returns an authority's revocation list, DER, or undefined */
  async readRevocationList(name: string): Promise<Buffer | undefined> {
    return readOptionalBytes(this.revocationListPath(name));
  }

  async saveRevocationList(name: string, der: Uint8Array): Promise<void> {
    await this.makeDirectory();
    await writeAtomically(this.revocationListPath(name), der, 0o644);
    await syncDirectory(this.directory);
  }

  /**
   * Copies what is there under the names to `retired/TIME/` before it is replaced. The oldest sets make room: they lose
   * their keys, and go once all that is in them has expired. Until then their serial numbers are needed to revoke them.
   * @returns the folder, or undefined if there was nothing to keep
   */
  async retire(names: readonly string[], now: Date): Promise<string | undefined> {
    const there = await Promise.all(names.map(async (name) => ({ name, files: await this.read(name) })));
    const found = there.filter(({ files }) => files.certificate !== undefined || files.key !== undefined);
    if (found.length === 0) return undefined;
    const all = join(this.directory, retiredFolder);
    await this.makeDirectory();
    await mkdir(all, { recursive: true, mode: 0o700 });
    // Two sets of one millisecond would be one: the second has a number.
    const taken = new Set(await readdir(all));
    const stem = now.toISOString().replaceAll(':', '-');
    let stamp = stem;
    for (let n = 2; taken.has(stamp); n++) stamp = `${stem}-${n}`;
    const aside = new PkiStore(join(all, stamp));
    for (const { name, files } of found) await aside.write(name, files);
    await syncDirectory(all);
    const older = (await this.retiredSets()).slice(keptRetired);
    for (const [n, set] of older.entries()) await set.makeRoom(now, n >= maxRetired - keptRetired);
    return aside.directory;
  }

  /** @returns what `retire` has kept, the newest first */
  async retiredSets(): Promise<PkiStore[]> {
    const all = join(this.directory, retiredFolder);
    const folders = await readdir(all).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return folders.sort((a, b) => (a < b ? 1 : -1)).map((folder) => new PkiStore(join(all, folder)));
  }

  private async makeRoom(now: Date, altogether: boolean): Promise<void> {
    const names = await this.names();
    const certificates = await Promise.all(names.map(async (name) => (await this.read(name)).certificate ?? ''));
    if (altogether || !certificates.some((pem) => isInUse(pem, now))) {
      await rm(this.directory, { recursive: true, force: true });
      return;
    }
    for (const name of names) await rm(this.keyPath(name), { force: true });
  }

  /** Removes a certificate and its key, which `retire` has kept, the certificate first. */
  async remove(name: string): Promise<void> {
    await rm(this.certificatePath(name), { force: true });
    await rm(this.keyPath(name), { force: true });
    await syncDirectory(this.directory);
  }

  /** Writes or replaces a member's or client's certificate and key, each whole and durable, the key first. */
  async save(name: string, pair: CertifiedKey): Promise<void> {
    await this.write(name, pair);
  }

  /** As `save`, of a certificate whose key is not here. A key that is there stays. */
  async saveCertificate(name: string, certificate: string): Promise<void> {
    await this.write(name, { certificate, key: undefined });
  }

  private async write(name: string, { certificate, key }: StoredFiles): Promise<void> {
    await this.makeDirectory();
    if (key !== undefined) await writeAtomically(this.keyPath(name), key, 0o600);
    if (certificate !== undefined) await writeAtomically(this.certificatePath(name), certificate, 0o644);
    await syncDirectory(this.directory);
  }

  private async makeDirectory(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await chmod(this.directory, 0o700);
  }

  /**
   * As `save`, for an authority: everything it has signed depends on it, so another one is never replaced.
   * @throws PkiError PKI_STORE if a different certificate or key is there
   */
  async saveAuthority(name: string, authority: CertifiedKey): Promise<void> {
    const there = await this.read(name);
    for (const [path, old, fresh] of [
      [this.keyPath(name), there.key, authority.key],
      [this.certificatePath(name), there.certificate, authority.certificate],
    ] as const) {
      if (old !== undefined && old !== fresh) {
        throw new PkiError('PKI_STORE', `${path} is already there and belongs to another authority`, {
          advice: 'move it away first if no certificate that it signed is in use any more',
        });
      }
    }
    await this.save(name, authority);
  }

  /** @returns the keys of this folder that others than the owner may read, and the folder if others may enter it */
  async loosePermissions(): Promise<string[]> {
    const loose: string[] = [];
    const files = await readdir(this.directory).catch(() => undefined);
    if (files === undefined) return loose;
    const paths = [this.directory, ...files.filter((f) => f.endsWith('-key.pem')).map((f) => join(this.directory, f))];
    for (const path of paths) {
      const handle = await open(path, 'r');
      const { mode } = await handle.stat().finally(() => handle.close());
      if ((mode & 0o077) !== 0) loose.push(path);
    }
    return loose.sort();
  }
}

/** @returns whether somebody may still show this certificate to a member */
function isInUse(pem: string, now: Date): boolean {
  try {
    const { isAuthority, notAfter } = inspect(pem);
    return !isAuthority && notAfter > now;
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}

/** Adds the path to what is wrong with the content. */
function inFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const { code, advice, message } = cause as PkiError;
    const options = advice === undefined ? { cause } : { cause, advice };
    throw new PkiError(code ?? 'PKI_PEM', `${path}: ${message}`, options);
  }
}

async function readOptional(path: string): Promise<string | undefined> {
  return (await readOptionalBytes(path))?.toString('utf8');
}

async function readOptionalBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

async function writeAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w', mode);
    try {
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
