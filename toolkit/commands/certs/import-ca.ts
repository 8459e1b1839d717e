/** `etcdlab certs import-ca`: an authority that was made elsewhere. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Argument } from 'commander';
import {
  type CertifiedKey,
  checkForeignAuthority,
  inspect,
  isEncryptedKey,
  keyFromPem,
  keyToPem,
  PkiStore,
} from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { readState } from '../../lab/state.ts';
import { type AuthorityName, authorityNames } from '../../provision/authority-names.ts';
import { addCommand, type Cli, locateLab, type RegisterCommand, withLock } from '../cli.ts';
import { changeCertificates } from './change.ts';
import { authorityPassphrase, type PassphraseOptions, passphraseFlag, passphraseHelp } from './options.ts';
import { runRotation } from './rotate-ca.ts';

interface ImportOptions extends PassphraseOptions {
  readonly cert: string;
  readonly key: string;
}

const help = `
Before the first "up" the authority is taken as it is; later, it takes the place of the one there is, as rotate-ca does
it. The key stays on this machine, encrypted if it is.`;

export const registerImportAuthority: RegisterCommand = (certs, cli) => {
  const command = addCommand<ImportOptions>(
    certs,
    cli,
    'import-ca',
    'take an authority that was made elsewhere, after checking that it can sign',
    (options, [name = '']) => importAuthority(cli, options, name as AuthorityName),
  );
  command
    .addArgument(new Argument('<authority>', 'whose place it takes').choices(authorityNames))
    .requiredOption('--cert <file>', 'its certificate, PEM')
    .requiredOption('--key <file>', 'its private key, PEM')
    .option(passphraseFlag, passphraseHelp)
    .addHelpText('after', help);
};

async function importAuthority(cli: Cli, options: ImportOptions, name: AuthorityName): Promise<undefined> {
  const { paths } = await locateLab(cli, options);
  const authority = await readForeign(cli, options);
  await refuseShared(new PkiStore(paths.pki), name, authority);
  if ((await readState(paths)) === undefined) {
    await withLock(paths, 'certs import-ca', () => new PkiStore(paths.pki).saveAuthority(name, authority));
    cli.ui.event({ event: 'finished', changed: true });
    cli.ui.line(`${inspect(authority.certificate).subject} is ${name} of the lab that etcdlab up will make.`);
    return undefined;
  }
  await changeCertificates(cli, options, 'import-ca', (place) =>
    runRotation(cli, { ...place, names: [], foreign: new Map([[name, authority]]) }),
  );
  return undefined;
}

/** @returns the authority with its key as it is in the file */
async function readForeign(cli: Cli, options: ImportOptions): Promise<CertifiedKey> {
  const read = (file: string) =>
    readFile(resolve(cli.io.workingDirectory, file), 'utf8').catch((cause: unknown) => {
      throw new LabError('LAB_FILE', `${file} cannot be read`, { cause });
    });
  const authority = { certificate: await read(options.cert), key: await read(options.key) };
  const passphrase = isEncryptedKey(authority.key) ? await authorityPassphrase(cli, options)('imported') : undefined;
  const key = keyToPem(keyFromPem(authority.key, passphrase));
  checkForeignAuthority({ certificate: authority.certificate, key }, new Date());
  return isEncryptedKey(authority.key) ? authority : { certificate: authority.certificate, key };
}

/** With one authority for both, any client could join as a peer. */
async function refuseShared(store: PkiStore, name: AuthorityName, authority: CertifiedKey): Promise<void> {
  const other = name === 'client-ca' ? 'peer-ca' : 'client-ca';
  const { certificate } = await store.read(other);
  if (certificate === undefined) return;
  if (inspect(certificate).subjectKeyId !== inspect(authority.certificate).subjectKeyId) return;
  throw new LabError(
    'LAB_PKI_REFUSED',
    `this authority is already ${other}: with one for both, any client could join as a peer`,
    {
      advice: 'use two authorities, or two self-signed ones of the same organisation',
    },
  );
}
