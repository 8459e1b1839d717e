/** The texts of `-h`, of a mistaken command line, and of `--version`. */
import { formatGoDuration } from '../base/go-duration.ts';
import { serverVersion } from '../member/version.ts';
import { type FlagSpec, flagTable } from './flag-table.ts';

export const usageText = `Usage:

  etcd [flags]
    Start an etcd server.

  etcd --version
    Show the version of etcd.

  etcd -h | --help
    Show the help information about etcd.

  etcd --config-file
    Path to the server configuration file. Note that if a configuration file is provided, other command line flags and environment variables will be ignored.
`;

/** The flags with their defaults, by group, as `-h` prints them on stdout. */
export function helpText(): string {
  const groups = [...new Set(flagTable.map((flag) => flag.group))].filter((group) => group !== '');
  const sections = groups.map((group) => {
    const flags = flagTable.filter((flag) => flag.group === group);
    return `${group}:\n${flags.map(describe).join('')}`;
  });
  return `\n${sections.join('\n')}\nCAUTIOUS with unsafe flag! It may break the guarantees given by the consensus protocol!\n`;
}

function describe(flag: FlagSpec): string {
  const note = flag.reason === undefined ? '' : `\n    (${flag.effect} in this server: ${flag.reason})`;
  return `  --${flag.name} '${defaultText(flag)}'\n    ${flag.help}${note}\n`;
}

function defaultText(flag: FlagSpec): string {
  const value = flag.default;
  if (flag.type === 'duration') return formatGoDuration(value as number);
  return Array.isArray(value) ? value.join(',') : String(value);
}

/**
 * The four lines of `--version`. Scripts take the first one apart; the third tells this server from upstream's.
 *
 * @param runtime what runs it, such as `node v26.0.0`
 * @param platform such as `linux/x64`
 */
export function versionText(runtime: string, platform: string): string {
  return `etcd Version: ${serverVersion}\nGit SHA: etcdlab\nGo Version: ${runtime}\nGo OS/Arch: ${platform}\n`;
}
