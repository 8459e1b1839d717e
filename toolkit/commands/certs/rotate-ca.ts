/** `etcdlab certs rotate-ca`: other authorities, on a running cluster. */
import { Option } from 'commander';
import { LabError } from '../../errors.ts';
import { type AuthorityName, authorityNames } from '../../provision/authority-names.ts';
import {
  openRotation,
  type RotationContext,
  type RotationOptions,
  rotationTasks,
} from '../../provision/pki/rotation.ts';
import type { RotationPhase } from '../../provision/pki/rotation-journal.ts';
import { addCommand, type Cli, type RegisterCommand } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { changeCertificates } from './change.ts';
import { type PassphraseOptions, passphraseFlag, passphraseHelp } from './options.ts';

interface RotateOptions extends PassphraseOptions {
  readonly until?: RotationPhase;
  readonly undo?: boolean;
  readonly offline?: boolean;
  readonly yes?: boolean;
}

const help = `
Members are restarted twice, one by one and never below quorum: to trust both authorities, and, once all certificates
are issued anew, to trust the new one only. Clients that read their files once need the new client-ca.pem after
trust-both and a new certificate after reissue: --until stops there, and the next run goes on. So does the next run
after an interruption.`;

export const registerRotate: RegisterCommand = (certs, cli) => {
  addCommand<RotateOptions>(
    certs,
    cli,
    'rotate-ca [names...]',
    'replace the authorities (default: client-ca and peer-ca) while the cluster serves',
    (options, names) => rotate(cli, options, names),
  )
    .addOption(new Option('--until <phase>', 'stop after this phase').choices(['trust-both', 'reissue']))
    .option('--undo', 'take back the rotation that is under way')
    .option('--offline', 'stop all members first: for authorities that have expired or must not be trusted any longer')
    .option('--yes', 'do not ask before members are stopped')
    .option(passphraseFlag, passphraseHelp)
    .addHelpText('after', help);
};

function authorityNamesOf(names: readonly string[]): AuthorityName[] {
  return names.map((name) => {
    const found = authorityNames.find((known) => known === name);
    if (found === undefined) {
      throw new LabError('LAB_USAGE', `there is no authority '${name}'; there are ${authorityNames.join(' and ')}`);
    }
    return found;
  });
}

async function rotate(cli: Cli, options: RotateOptions, names: readonly string[]): Promise<undefined> {
  const chosen = authorityNamesOf(names);
  if (options.offline === true && (options.until !== undefined || options.undo === true)) {
    throw new LabError('LAB_USAGE', '--offline has one phase only: it goes with neither --until nor --undo');
  }
  await changeCertificates(cli, options, 'rotate-ca', async (place) => {
    if (options.offline === true && options.yes !== true) {
      const action = `Stop all members of lab '${place.lab.name}' and replace its authorities`;
      await confirm(cli, { action, word: place.lab.name, command: 'etcdlab certs rotate-ca --offline --yes' });
    }
    const { until, undo, offline } = options;
    await runRotation(cli, { ...place, names: chosen, until, undo, offline });
  });
  return undefined;
}

/** Begins or goes on with a rotation, and says how far it has come. */
export async function runRotation(cli: Cli, request: RotationOptions): Promise<void> {
  const context: RotationContext = { restarted: [] };
  const journal = await openRotation(request);
  await cli.ui.runTasks(rotationTasks(request, journal), context);
  const { restarted, retired } = context;
  cli.ui.event({ event: 'finished', changed: true, complete: retired !== undefined, restarted, retired });
  cli.ui.line();
  if (retired === undefined) {
    cli.ui.line(`${request.until} is done. Clients need ${request.store.certificatePath('client-ca')} now;`);
    cli.ui.line('then: etcdlab certs rotate-ca goes on, and --undo takes it back.');
    return;
  }
  const what = journal.undo ? 'The rotation is taken back' : 'The authorities are others now';
  cli.ui.line(`${what}, and every member that runs serves and demands their certificates.`);
  cli.ui.line(`The ones before: ${retired}`);
}
