/**
 * Certificates and keys in a folder: `NAME.pem` (0644) and `NAME-key.pem` (0600), the folder 0700.
 *
 * A key is written before its certificate: etcd re-reads both at every handshake, and after a crash between the two, a
 * certificate is never there without its key.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertifiedKey } from './authority.ts';
import { PkiError } from './errors.ts';
import { parseCertificate } from './inspect.ts';
import { keyFromPem } from './keys.ts';

/** What is there under a name. */
export interface StoredFiles {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

export class PkiStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  certificatePath(name: string): string {
    return join(this.directory, `${name}.pem`);
  }

  keyPath(name: string): string {
    return join(this.directory, `${name}-key.pem`);
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
    const privateKey = inFile(this.keyPath(name), () => keyFromPem(key));
    if (!x509.checkPrivateKey(privateKey)) {
      throw new PkiError('PKI_STORE', `${this.keyPath(name)} is not the key of ${this.certificatePath(name)}`);
    }
    return { certificate, key };
  }

  /** Writes or replaces a member's or client's certificate and key, each whole and durable, the key first. */
  async save(name: string, { certificate, key }: CertifiedKey): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await chmod(this.directory, 0o700);
    await writeAtomically(this.keyPath(name), key, 0o600);
    await writeAtomically(this.certificatePath(name), certificate, 0o644);
    const handle = await open(this.directory, 'r');
    await handle.sync().finally(() => handle.close());
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

/** Adds the path to what is wrong with the content. */
function inFile<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new PkiError('PKI_PEM', `${path}: ${(cause as Error).message}`, { cause });
  }
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeAtomically(path: string, content: string, mode: number): Promise<void> {
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
