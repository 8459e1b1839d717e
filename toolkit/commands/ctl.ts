/** `etcdlab ctl ...`: the engine's etcdctl, with endpoints and certificates set. */
import { constants } from 'node:os';
import { execa } from 'execa';
import { ExitCode, LabError } from '../errors.ts';
import { missingBinaries } from '../lab/engine.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

interface CtlOptions extends CommonOptions {
  readonly node?: string;
}

export const registerCtl: RegisterCommand = (program, cli) => {
  addCommand<CtlOptions>(
    program,
    cli,
    'ctl [args...]',
    "run the engine's etcdctl; its exit code is the exit code",
    (options, args) => ctl(cli, options, args),
  )
    .option('--node <name>', 'ask this member only')
    // From the first argument on, everything belongs to etcdctl.
    .passThroughOptions()
    .allowUnknownOption();
};

async function ctl(cli: Cli, options: CtlOptions, args: readonly string[]): Promise<number> {
  const lab = await openLab(cli, options);
  if ((await missingBinaries(lab.engine)).includes(lab.engine.etcdctl)) {
    throw new LabError('LAB_ENGINE', `${lab.engine.etcdctl} is not there`, { advice: 'etcdlab up' });
  }
  const nodes = options.node === undefined ? [] : [options.node];
  const { exitCode, signal } = await execa(lab.engine.etcdctl, args, {
    stdio: 'inherit',
    env: withoutGiven(lab.clientEnvironment(...nodes), args),
    reject: false,
  });
  return exitCode ?? (signal === undefined ? ExitCode.failed : 128 + constants.signals[signal]);
}

/**
 * etcdctl refuses a flag that an ETCDCTL_* variable contradicts.
 * @returns the variables without those of the flags that the user gives: the flag wins
 */
export function withoutGiven(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Record<string, string | undefined> {
  const end = args.indexOf('--');
  const flags = (end === -1 ? args : args.slice(0, end)).filter((arg) => arg.startsWith('--'));
  const given = flags.map((flag) => `ETCDCTL_${flag.slice(2).replace(/=.*/s, '').replaceAll('-', '_').toUpperCase()}`);
  // Undefined: a variable of the user's own shell does not come through either.
  return { ...environment, ...Object.fromEntries(given.map((name) => [name, undefined])) };
}
