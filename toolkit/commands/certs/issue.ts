/** `etcdlab certs issue`: a certificate for another user. */
import { LabError } from '../../errors.ts';
import { issueAll, type WantedCertificate, wantedCertificates } from '../../provision/certificates.ts';
import { addCommand, type Cli, type RegisterCommand } from '../cli.ts';
import { changeCertificates } from './change.ts';
import { type PassphraseOptions, passphraseFlag, passphraseHelp } from './options.ts';

export const registerIssue: RegisterCommand = (certs, cli) => {
  addCommand<PassphraseOptions>(
    certs,
    cli,
    'issue <user>',
    'issue a certificate for a user of etcd; its common name is the name of the user',
    (options, [user = '']) => issue(cli, options, user),
  ).option(passphraseFlag, passphraseHelp);
};

/** It becomes a part of a file name. */
const userName = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** `root` has one as the administrator; `client-ca` is the authority's own name. */
const taken: Readonly<Record<string, string>> = {
  admin: "that is the administrator's",
  ca: "that is the authority's",
  root: 'the administrator has it: client-admin',
};

async function issue(cli: Cli, options: PassphraseOptions, user: string): Promise<undefined> {
  if (!userName.test(user)) {
    throw new LabError('LAB_USAGE', `'${user}' cannot be the name of a user's certificate`, {
      advice: 'use lower-case letters, digits, dots, hyphens and underscores, at most 63',
    });
  }
  const why = taken[user];
  if (why !== undefined) throw new LabError('LAB_USAGE', `'${user}' cannot be issued: ${why}`);
  await changeCertificates(cli, options, 'issue', async ({ lab, store, sources }) => {
    const wanted = wantedCertificates([], lab.state.certificates, [user]).at(-1) as WantedCertificate;
    if ((await store.names()).includes(wanted.name)) {
      throw new LabError('LAB_PKI_REFUSED', `${store.certificatePath(wanted.name)} is there already`, {
        advice: [`etcdlab certs renew ${wanted.name}`, `etcdlab certs revoke ${wanted.name}`],
      });
    }
    await issueAll(store, [wanted], sources);
    cli.ui.event({ event: 'finished', changed: true, issued: [wanted.name] });
    cli.ui.line(`Issued ${store.certificatePath(wanted.name)}.`);
    cli.ui.line(`To hand it over: etcdlab certs export ${wanted.name} --out FOLDER`);
  });
  return undefined;
}
