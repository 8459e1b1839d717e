/** Help in etcdctl's own form. */
import { type Command, inheritedFlags, localFlags, type Style } from './command.ts';
import { type FlagDefinition, valueText } from './flag-set.ts';

/** @param version of the tool, @param apiVersion its first two numbers */
export function etcdctlStyle(version: string, apiVersion: string): Style {
  const help = (path: readonly Command[]): string => helpText(path, version, apiVersion);
  return { help, usage: help, usageOnFlagError: (text, io) => io.stdout.write(text) };
}

function helpText(path: readonly Command[], version: string, apiVersion: string): string {
  const command = path.at(-1) as Command;
  const isRoot = path.length === 1;
  const names = path.map(({ name }) => name);
  const useLine = [...names, command.argumentsUsage, '[flags]'].filter((part) => part !== undefined).join(' ');
  const title = isRoot ? command.name : names.slice(1).join(' ');
  let text = `NAME:\n\t${title} - ${command.short}\n\nUSAGE:\n\t${useLine}\n\n`;
  if (isRoot) text += `VERSION:\n\t${version}\n\n`;
  if (command.commands !== undefined) text += `API VERSION:\n\t${apiVersion}\n\n\n${commandList(command, isRoot)}\n`;
  if (command.long !== undefined) text += `DESCRIPTION:\n${command.long.replaceAll(/^/gm, '\t')}\n\n`;
  text += `OPTIONS:\n${flagList(localFlags(path))}\n`;
  const inherited = inheritedFlags(path);
  return inherited.length === 0 ? text : `${text}GLOBAL OPTIONS:\n${flagList(inherited)}\n`;
}

/** The root lists every command that can be run; a group lists what is in it. */
function commandList(command: Command, isRoot: boolean): string {
  const rows = isRoot
    ? runnable(command.commands ?? [], '').sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    : [...(command.commands ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, short }) => [name, short]);
  // A group's list is not aligned.
  if (!isRoot) return `COMMANDS:\n${rows.map(([name, short]) => `\t${name}\t${short}\n`).join('')}`;
  return `COMMANDS:\n${alignWithTabs(rows.map(([name, short]) => [`\t${name}`, short as string]))}`;
}

function runnable(commands: readonly Command[], prefix: string): string[][] {
  return commands.flatMap((command) =>
    command.commands === undefined
      ? [[`${prefix}${command.name}`, command.short]]
      : runnable(command.commands, `${prefix}${command.name} `),
  );
}

function flagList(flags: readonly FlagDefinition[]): string {
  return alignWithTabs(flags.map((definition) => [flagText(definition), definition.usage]));
}

function flagText(definition: FlagDefinition): string {
  const { shorthand, name, kind } = definition;
  const value = valueText(definition);
  const start = shorthand === undefined ? '      ' : `  -${shorthand}, `;
  if (kind === 'bool') return `${start}--${name}[=${value}]`;
  return `${start}--${name}=${kind === 'string' ? `"${value}"` : value}`;
}

/** As Go's tabwriter does with tabs of eight: the second column starts at one stop for all lines. */
function alignWithTabs(rows: readonly (readonly string[])[]): string {
  const tab = 8;
  const widths = rows.map(([first = '']) => (first.startsWith('\t') ? tab : 0) + first.replace('\t', '').length);
  const stop = Math.ceil((Math.max(0, ...widths) + 1) / tab) * tab;
  const lines = rows.map(
    ([first, second], i) => `${first}${'\t'.repeat(Math.ceil((stop - (widths[i] as number)) / tab))}${second}\n`,
  );
  return lines.join('');
}
