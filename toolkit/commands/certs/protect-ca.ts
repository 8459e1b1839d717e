/** `etcdlab certs protect-ca`: the authorities' keys under a passphrase, or in the clear again. */
import { createPrivateKey } from 'node:crypto';
import { encryptKey, isEncryptedKey } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { authorityNames } from '../../provision/authority-names.ts';
import { readRotation } from '../../provision/pki/rotation-journal.ts';
import { addCommand, type Cli, type RegisterCommand } from '../cli.ts';
import { changeCertificates, type Workplace } from './change.ts';
import { type PassphraseOptions, passphraseFlag, passphraseHelp, readPassphrase } from './options.ts';

interface ProtectOptions extends PassphraseOptions {
  readonly newPassphraseFile?: string;
  readonly remove?: boolean;
}

export const registerProtectAuthorities: RegisterCommand = (certs, cli) => {
  addCommand<ProtectOptions>(
    certs,
    cli,
    'protect-ca',
    "encrypt the authorities' keys with a passphrase (scrypt, AES-256), or change it",
    (options) => protect(cli, options),
  )
    .option('--new-passphrase-file <path>', 'holds the new one (or: $ETCDLAB_CA_NEW_PASSPHRASE_FILE, a prompt)')
    .option('--remove', 'decrypt the keys')
    .option(passphraseFlag, passphraseHelp);
};

async function protect(cli: Cli, options: ProtectOptions): Promise<undefined> {
  await changeCertificates(cli, options, 'protect-ca', async (place) => {
    if ((await readRotation(place.store)) !== undefined) {
      throw new LabError('LAB_PKI_REFUSED', 'a rotation of authorities is under way', {
        advice: 'etcdlab certs rotate-ca goes on with it',
      });
    }
    const changed = await rewriteKeys(place, options.remove === true ? undefined : () => newPassphrase(cli, options));
    cli.ui.event({ event: 'finished', changed });
    const state = options.remove === true ? 'in the clear' : 'encrypted';
    cli.ui.line(`The keys of ${authorityNames.join(' and ')} are ${state}${changed ? '' : ' already'}.`);
  });
  return undefined;
}

function newPassphrase(cli: Cli, options: ProtectOptions): Promise<string> {
  return readPassphrase(cli, {
    what: "the authorities' keys from now on",
    file: options.newPassphraseFile,
    fileVariable: 'ETCDLAB_CA_NEW_PASSPHRASE_FILE',
    variable: 'ETCDLAB_CA_NEW_PASSPHRASE',
    isNew: true,
  });
}

/** All keys are opened before the first one is written: with a wrong passphrase nothing is changed. */
async function rewriteKeys(
  { store, sources }: Workplace,
  passphrase: (() => Promise<string>) | undefined,
): Promise<boolean> {
  const opened = [];
  for (const name of authorityNames) {
    const { key } = await store.read(name);
    const authority = await store.loadSigner(name);
    if (authority === undefined || key === undefined) throw new LabError('LAB_PKI_REFUSED', `there is no ${name} yet`);
    if (passphrase === undefined && !isEncryptedKey(key)) continue;
    opened.push({ name, authority });
  }
  const text = opened.length === 0 ? undefined : await passphrase?.();
  for (const { name, authority } of opened) {
    const key = text === undefined ? authority.key : encryptKey(createPrivateKey(authority.key), text, sources);
    await store.save(name, { certificate: authority.certificate, key });
  }
  return opened.length > 0;
}
