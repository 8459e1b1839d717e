/** `etcdlab certs renew`: new keys and certificates, while the members go on serving. */
import { planRenewal, type RenewContext, renewTasks } from '../../provision/pki/renew.ts';
import { addCommand, type Cli, type RegisterCommand } from '../cli.ts';
import { changeCertificates } from './change.ts';
import { type PassphraseOptions, parseDurationOption, passphraseFlag, passphraseHelp } from './options.ts';

interface RenewCommandOptions extends PassphraseOptions {
  readonly all?: boolean;
  readonly within?: number;
}

export const registerRenew: RegisterCommand = (certs, cli) => {
  addCommand<RenewCommandOptions>(
    certs,
    cli,
    'renew [names...]',
    'issue certificates anew, by default those that are due; a node stands for both of its own; no member is restarted',
    (options, names) => renew(cli, options, names),
  )
    .option('--all', 'all of them')
    .option('--within <duration>', 'also those with less left, such as 14d', parseDurationOption)
    .option(passphraseFlag, passphraseHelp);
};

async function renew(cli: Cli, options: RenewCommandOptions, names: readonly string[]): Promise<undefined> {
  await changeCertificates(cli, options, 'renew', async (place) => {
    const request = { ...place, names, all: options.all === true, withinMs: options.within };
    const chosen = await planRenewal(request);
    const context: RenewContext = { issued: [] };
    if (chosen.length > 0) await cli.ui.runTasks(renewTasks(request, chosen), context);
    cli.ui.event({ event: 'finished', changed: chosen.length > 0, issued: context.issued });
    cli.ui.line();
    cli.ui.line(
      chosen.length === 0
        ? 'Nothing is due: nothing changed. (--all renews everything.)'
        : `${chosen.length} issued, and served by every member that runs. The old ones: ${place.store.directory}/retired.`,
    );
  });
  return undefined;
}
