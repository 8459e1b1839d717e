/** A certificate that a user means: one of the lab by name, or a file. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PkiStore } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { didYouMean } from '../../provision/certificate-names.ts';
import { type Cli, type CommonOptions, locateLab } from '../cli.ts';

export interface Target {
  /** As the user has called it. */
  readonly name: string;
  /** PEM or DER; several certificates in a PEM are possible. */
  readonly content: Uint8Array;
  /** The store, if it is one of the lab. */
  readonly store?: PkiStore;
}

/** Nobody's certificates are larger, but a file given by mistake may be. */
const maxSizeBytes = 1024 * 1024;

/** @throws LabError LAB_USAGE if it is neither a name nor a file, LAB_FILE if the file cannot be read */
export async function findTarget(cli: Cli, options: CommonOptions, name: string): Promise<Target> {
  const { paths } = await locateLab(cli, options);
  const store = new PkiStore(paths.pki);
  const names = await store.names();
  if (names.includes(name)) return { name, store, content: await readFile(store.certificatePath(name)) };
  const path = resolve(cli.io.workingDirectory, name);
  if (!existsSync(path)) {
    const known = names.length === 0 ? 'the lab has none yet' : `the lab has ${names.join(', ')}`;
    throw new LabError(
      'LAB_USAGE',
      `'${name}' is neither a certificate of the lab nor a file${didYouMean(name, names)}; ${known}`,
    );
  }
  const content = await readFile(path).catch((cause: unknown) => {
    throw new LabError('LAB_FILE', `${path} cannot be read`, { cause });
  });
  if (content.length > maxSizeBytes) throw new LabError('LAB_FILE', `${path} is larger than ${maxSizeBytes} bytes`);
  return { name, content };
}

/** @returns each certificate of a PEM, or the one of a DER */
export function certificatesOf(
  { content }: Pick<Target, 'content'>,
  split: (pem: string) => string[],
): (string | Uint8Array)[] {
  const blocks = split(Buffer.from(content).toString('latin1'));
  return blocks.length > 0 ? blocks : [content];
}
