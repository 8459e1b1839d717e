/** `etcdlab certs revoke`: a certificate is refused from now on. */
import { Option } from 'commander';
import { type RevocationReason, revocationReasons } from '../../../pki/mod.ts';
import { planRevocation, revokeTasks } from '../../provision/pki/revoke.ts';
import { addCommand, type Cli, type RegisterCommand } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { changeCertificates } from './change.ts';
import { type PassphraseOptions, passphraseFlag, passphraseHelp } from './options.ts';

interface RevokeCommandOptions extends PassphraseOptions {
  readonly reason: RevocationReason;
  readonly yes?: boolean;
}

const help = `
A name means the present certificate and all older ones of that name that have not expired, such as those that were
renewed after they were handed out; a serial number (etcdlab certs list --older) means that one alone.

A member's certificate and the administrator's are replaced by new ones at once. Members look at the list at every new
connection: one that is open stays open until it is closed. Clients do not look at lists: they would still trust a
member's revoked certificate, until the authority is replaced.`;

export const registerRevoke: RegisterCommand = (certs, cli) => {
  addCommand<RevokeCommandOptions>(
    certs,
    cli,
    'revoke <name-or-serial>',
    'have every member refuse a certificate from now on',
    (options, [subject = '']) => revoke(cli, options, subject),
  )
    .addOption(
      new Option('--reason <reason>', 'what the list says')
        .choices(Object.keys(revocationReasons))
        .default('unspecified'),
    )
    .option('--yes', 'do not ask')
    .option(passphraseFlag, passphraseHelp)
    .addHelpText('after', help);
};

async function revoke(cli: Cli, options: RevokeCommandOptions, subject: string): Promise<undefined> {
  await changeCertificates(cli, options, 'revoke', async (place) => {
    const request = { ...place, subject, reason: options.reason };
    const revocation = await planRevocation(request);
    const { serials, authority, isReplaced } = revocation;
    if (options.yes !== true) {
      const action = `Revoke ${subject} (serial ${serials.join(', ')}) for good`;
      await confirm(cli, { action, word: subject, command: `etcdlab certs revoke ${subject} --yes` });
    }
    await cli.ui.runTasks(revokeTasks(request, revocation), {});
    cli.ui.event({ event: 'finished', changed: true, serials, authority });
    cli.ui.line();
    const successor = isReplaced ? `, and ${subject} is another one now` : '';
    cli.ui.line(`${serials.join(', ')} ${serials.length === 1 ? 'is' : 'are'} revoked${successor}.`);
  });
  return undefined;
}
