/** Help in cobra's default form, which etcdutl has. */
import { type Command, inheritedFlags, localFlags, type Style } from './command.ts';
import { type FlagDefinition, valueText } from './flag-set.ts';

const typeNames: Record<string, string> = { string: 'string', int64: 'int', uint64: 'uint', duration: 'duration' };

export const cobraStyle: Style = {
  usage: usageText,
  help: (path) => {
    const { long } = path.at(-1) as Command;
    return long === undefined ? usageText(path) : `${long}\n\n${usageText(path)}`;
  },
  usageOnFlagError: (text, io) => io.stderr.write(`${text}\n`),
};

function usageText(path: readonly Command[]): string {
  const command = path.at(-1) as Command;
  const name = path.map((part) => part.name).join(' ');
  let text = 'Usage:\n';
  if (command.run !== undefined) {
    text += `  ${[name, command.argumentsUsage, '[flags]'].filter((part) => part !== undefined).join(' ')}\n`;
  }
  if (command.commands !== undefined) text += `  ${name} [command]\n\nAvailable Commands:\n${commandList(command)}`;
  text += `\nFlags:\n${flagList(localFlags(path))}`;
  const inherited = inheritedFlags(path);
  if (inherited.length > 0) text += `\nGlobal Flags:\n${flagList(inherited)}`;
  if (command.commands !== undefined) {
    text += `\nUse "${name} [command] --help" for more information about a command.\n`;
  }
  return text;
}

function commandList({ commands = [] }: Command): string {
  const sorted = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
  // Cobra pads names to eleven characters at least.
  const width = Math.max(11, ...sorted.map(({ name }) => name.length));
  return sorted.map(({ name, short }) => `  ${name.padEnd(width)} ${short}\n`).join('');
}

function flagList(flags: readonly FlagDefinition[]): string {
  const starts = flags.map(({ shorthand, name, kind }) => {
    const letter = shorthand === undefined ? '      ' : `  -${shorthand}, `;
    const type = typeNames[kind];
    return `${letter}--${name}${type === undefined ? '' : ` ${type}`}`;
  });
  const width = Math.max(...starts.map((start) => start.length)) + 3;
  return flags
    .map((definition, i) => `${(starts[i] as string).padEnd(width)}${definition.usage}${defaultText(definition)}\n`)
    .join('');
}

/** A default that is zero goes without saying. */
function defaultText(definition: FlagDefinition): string {
  const value = valueText(definition);
  if (['', 'false', '0', '0s', '[]'].includes(value)) return '';
  return definition.kind === 'string' ? ` (default "${value}")` : ` (default ${value})`;
}
