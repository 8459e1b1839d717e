/**
 * Which key each host has shown when it was first trusted. Kept in the form of OpenSSH's known_hosts, so that `ssh`
 * itself can use the file, but as a file of the lab's own: the user's is not touched.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LabError } from '../../errors.ts';
import { writeFileAtomically } from '../atomic-file.ts';

/** A host key as it is in known_hosts and on the wire (RFC 4253 §6.6). */
export interface HostKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  readonly blob: Buffer;
}

/** @throws RangeError if the bytes hold no key type */
export function parseHostKey(blob: Buffer): HostKey {
  const length = blob.readUInt32BE(0);
  if (length < 4 || length > 64 || blob.length < 4 + length) throw new RangeError('this is no SSH public key');
  return { type: blob.toString('latin1', 4, 4 + length), blob };
}

/** @returns `SHA256:...` as `ssh-keygen -l` prints it */
export function fingerprint(key: HostKey): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`;
}

/** @returns how known_hosts names a host (sshd(8)) */
function hostPattern(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** One per lab. Reads the file once; writes one change after the other. */
export class KnownHosts {
  readonly file: string;
  #keys: Promise<Map<string, HostKey>> | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.file = file;
  }

  /** @returns the key that the host was trusted with @throws LabError LAB_STATE if the file is damaged */
  async find(host: string, port: number): Promise<HostKey | undefined> {
    return (await this.#load()).get(hostPattern(host, port));
  }

  /** Trusts the key of a host from now on, instead of the one before. */
  async trust(host: string, port: number, key: HostKey): Promise<void> {
    const keys = await this.#load();
    keys.set(hostPattern(host, port), key);
    const text = [...keys].map(([pattern, { type, blob }]) => `${pattern} ${type} ${blob.toString('base64')}\n`);
    const writing = this.#written.then(() => writeFileAtomically(this.file, text.join(''), 0o600));
    this.#written = writing.catch(() => undefined);
    await writing;
  }

  /** The command that forgets a host's key, for people. */
  forgetCommand(host: string, port: number): string {
    return `ssh-keygen -R '${hostPattern(host, port)}' -f '${this.file}'`;
  }

  /** One reading for all who ask at the same time: each would change a copy of its own. */
  #load(): Promise<Map<string, HostKey>> {
    this.#keys ??= readOptional(this.file).then((text) => parseKnownHosts(this.file, text));
    return this.#keys;
  }
}

function parseKnownHosts(file: string, text: string): Map<string, HostKey> {
  const keys = new Map<string, HostKey>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [pattern, type, base64] = line.split(' ');
    try {
      const key = parseHostKey(Buffer.from(base64 ?? '', 'base64'));
      if (pattern === undefined || key.type !== type) throw new RangeError('its type and its key do not agree');
      keys.set(pattern, key);
    } catch (cause) {
      throw new LabError('LAB_STATE', `${file}:${index + 1} is damaged`, {
        advice: 'remove the line; the next etcdlab up asks for that host again',
        cause,
      });
    }
  }
  return keys;
}

async function readOptional(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
