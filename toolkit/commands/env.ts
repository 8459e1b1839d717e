/** `etcdlab env`: etcdctl's variables, for `eval "$(etcdlab env)"`. */
import { Option } from 'commander';
import { addCommand, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

const shells = ['posix', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

interface EnvOptions extends CommonOptions {
  readonly shell: Shell;
}

export const registerEnv: RegisterCommand = (program, cli) => {
  addCommand<EnvOptions>(
    program,
    cli,
    'env',
    'print what etcdctl needs in this shell: eval "$(etcdlab env)"',
    async (options) => {
      const environment = (await openLab(cli, options)).clientEnvironment();
      cli.ui.listing(formatEnvironment(environment, options.shell), environment);
      return undefined;
    },
  ).addOption(new Option('--shell <shell>', 'whose syntax').choices(shells).default('posix'));
};

/** @returns statements that set the variables, quoted so that the shell takes every value as it is */
export function formatEnvironment(environment: Readonly<Record<string, string>>, shell: Shell): string {
  return Object.entries(environment)
    .map(([name, value]) => assignments[shell](name, value))
    .join('\n');
}

const assignments: Readonly<Record<Shell, (name: string, value: string) => string>> = {
  posix: (name, value) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  fish: (name, value) => `set -gx ${name} '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  powershell: (name, value) => `$env:${name} = '${value.replaceAll("'", "''")}'`,
};
