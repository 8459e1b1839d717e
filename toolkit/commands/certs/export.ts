/** `etcdlab certs export`: what a client needs, in a folder to hand over. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { type CertifiedKey, PkiStore } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { writeFileAtomically } from '../../hosts/atomic-file.ts';
import { authorityNames } from '../../provision/authority-names.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from '../cli.ts';
import { readPassphrase } from './options.ts';

interface ExportOptions extends CommonOptions {
  readonly out: string;
  readonly p12?: boolean;
  readonly p12PassphraseFile?: string;
}

export const registerExport: RegisterCommand = (certs, cli) => {
  addCommand<ExportOptions>(
    certs,
    cli,
    'export <name>',
    'write the certificate, its key and the authority to trust into a folder',
    (options, [name = '']) => exportCertificate(cli, options, name),
  )
    .requiredOption('--out <folder>', 'made if it is not there; files in it are not overwritten')
    .option('--p12', 'one PKCS #12 file instead, for browsers and key stores (needs openssl)')
    .option('--p12-passphrase-file <path>', 'holds its passphrase (or: $ETCDLAB_P12_PASSPHRASE_FILE, a prompt)');
};

async function exportCertificate(cli: Cli, options: ExportOptions, name: string): Promise<undefined> {
  const lab = await openLab(cli, options);
  const store = new PkiStore(lab.paths.pki);
  const names = (await store.names()).filter((known) => !(authorityNames as readonly string[]).includes(known));
  if (!names.includes(name)) {
    throw new LabError('LAB_USAGE', `there is no certificate '${name}'; there are ${names.join(', ')}`, {
      advice: "an authority's key is not exported: copy it yourself, if you must",
    });
  }
  const pair = (await store.load(name)) as CertifiedKey;
  const trusted = (await store.read(name.startsWith('peer-') ? 'peer-ca' : 'client-ca')).certificate ?? '';
  const folder = resolve(cli.io.workingDirectory, options.out);
  const files =
    options.p12 === true
      ? { [`${name}.p12`]: await pkcs12(cli, options, store.keyPath(name), pair, trusted) }
      : { 'ca.pem': trusted, [`${name}.pem`]: pair.certificate, [`${name}-key.pem`]: pair.key };
  await writeNew(folder, files);
  const paths = Object.keys(files).map((file) => join(folder, file));
  cli.ui.event({ event: 'finished', changed: true, files: paths });
  for (const path of paths) cli.ui.line(path);
  return undefined;
}

/** @throws LabError LAB_FILE, before anything is written, if one of the files is there */
async function writeNew(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const there = Object.keys(files).find((file) => existsSync(join(folder, file)));
  if (there !== undefined) {
    throw new LabError('LAB_FILE', `${join(folder, there)} is already there`, { advice: 'name another folder' });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [file, content] of Object.entries(files)) {
    const isPublic = file.endsWith('.pem') && !file.endsWith('-key.pem');
    await writeFileAtomically(join(folder, file), content, isPublic ? 0o644 : 0o600);
  }
}

const opensslTimeoutMs = 20_000;

/** By openssl: its passphrase goes over a pipe, and the key is read from where it is. */
async function pkcs12(
  cli: Cli,
  options: ExportOptions,
  keyPath: string,
  { certificate }: CertifiedKey,
  trusted: string,
): Promise<Uint8Array> {
  const passphrase = await readPassphrase(cli, {
    what: 'the PKCS #12 file',
    file: options.p12PassphraseFile,
    fileVariable: 'ETCDLAB_P12_PASSPHRASE_FILE',
    variable: 'ETCDLAB_P12_PASSPHRASE',
    isNew: true,
  });
  if (passphrase === '' || /[\r\n]/.test(passphrase)) {
    throw new LabError('LAB_PASSPHRASE', 'the passphrase of a PKCS #12 file must be one line that is not empty');
  }
  // openssl takes the certificates on its standard input, and the passphrase on descriptor 3.
  const args = ['pkcs12', '-export', '-inkey', keyPath, '-passout', 'fd:3'];
  const result = await execa('openssl', args, {
    input: `${certificate}\n${trusted}`,
    stdio: ['pipe', 'pipe', 'pipe', [Buffer.from(`${passphrase}\n`)]],
    encoding: 'buffer',
    timeout: opensslTimeoutMs,
    reject: false,
  });
  if (result.exitCode === 0) return result.stdout;
  if (result.exitCode === undefined) {
    throw new LabError('LAB_OPENSSL', 'openssl could not be run', {
      advice: 'install openssl, or export without --p12',
    });
  }
  throw new LabError('LAB_OPENSSL', 'openssl could not write the PKCS #12 file', {
    details: Buffer.from(result.stderr).toString('utf8').trim().split('\n').slice(-5),
  });
}
