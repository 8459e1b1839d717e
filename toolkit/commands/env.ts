/** `etcdlab env`: etcdctl's variables, for `eval "$(etcdlab env)"`. */
import { dirname } from 'node:path';
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
      const lab = await openLab(cli, options);
      const environment = lab.clientEnvironment();
      const text = `${formatEnvironment(environment, options.shell)}\n${formatPath(dirname(lab.engine.etcdctl), options.shell)}`;
      cli.ui.listing(text, environment);
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

/** So that the shell takes every value as it is. */
const quotes: Readonly<Record<Shell, (value: string) => string>> = {
  posix: (value) => `'${value.replaceAll("'", "'\\''")}'`,
  fish: (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  powershell: (value) => `'${value.replaceAll("'", "''")}'`,
};

const pathPrefixes: Readonly<Record<Shell, (folder: string) => string>> = {
  posix: (folder) => `export PATH=${quotes.posix(folder)}:"$PATH"`,
  fish: (folder) => `set -gx PATH ${quotes.fish(folder)} $PATH`,
  powershell: (folder) => `$env:PATH = ${quotes.powershell(folder)} + [IO.Path]::PathSeparator + $env:PATH`,
};

/** @returns a statement that lets the shell find the programs of a folder before any other */
export function formatPath(folder: string, shell: Shell): string {
  return pathPrefixes[shell](folder);
}

const assignments: Readonly<Record<Shell, (name: string, value: string) => string>> = {
  posix: (name, value) => `export ${name}=${quotes.posix(value)}`,
  fish: (name, value) => `set -gx ${name} ${quotes.fish(value)}`,
  powershell: (name, value) => `$env:${name} = ${quotes.powershell(value)}`,
};
