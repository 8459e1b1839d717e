/** Commands as spf13/cobra finds and runs them (contract: cli §1.1, §1.3, §1.4). */
import { ExitError } from './exit-error.ts';
import { type FlagDefinition, FlagError, FlagSet, flag } from './flag-set.ts';
import type { CliIo } from './io.ts';
import { suggestions } from './suggestions.ts';

/** What a command's code is called with. */
export interface Invocation {
  /** Arguments that are neither commands nor flags. */
  readonly args: readonly string[];
  /** The command's own flags and those of its ancestors. */
  readonly flags: FlagSet;
  readonly io: CliIo;
}

export interface Command {
  readonly name: string;
  /** What follows the name in the usage line. */
  readonly argumentsUsage?: string;
  readonly short: string;
  readonly long?: string;
  readonly deprecated?: string;
  readonly flags?: readonly FlagDefinition[];
  /** Flags that hold for this command and those below it. */
  readonly persistentFlags?: readonly FlagDefinition[];
  readonly commands?: readonly Command[];
  /** @returns the exit code @throws ExitError */
  readonly run?: (invocation: Invocation) => Promise<number>;
}

/** How a tool writes its help, and where it writes it after a wrong flag. */
export interface Style {
  readonly usage: (path: readonly Command[]) => string;
  readonly help: (path: readonly Command[]) => string;
  readonly usageOnFlagError: (text: string, io: CliIo) => void;
}

const helpFlag = (name: string): FlagDefinition => flag.bool('help', false, `help for ${name}`, 'h');

/** The command's own flags, `--help` among them, in alphabetical order. */
export function localFlags(path: readonly Command[]): FlagDefinition[] {
  const command = path.at(-1) as Command;
  return sortedByName([helpFlag(command.name), ...(command.flags ?? []), ...(command.persistentFlags ?? [])]);
}

/** The flags of the commands above, in alphabetical order. */
export function inheritedFlags(path: readonly Command[]): FlagDefinition[] {
  return sortedByName(path.slice(0, -1).flatMap((command) => command.persistentFlags ?? []));
}

function sortedByName(flags: FlagDefinition[]): FlagDefinition[] {
  return flags.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Finds the command that `argv` names, reads its flags and runs it. Never rejects.
 *
 * @param argv without the program's own name
 * @returns the exit code
 */
export async function execute(root: Command, style: Style, argv: readonly string[], io: CliIo): Promise<number> {
  const { path, args } = findCommand(root, argv);
  const command = path.at(-1) as Command;
  const unknownAt = path.length === 1 ? positional(args, path)[0] : undefined;
  if (unknownAt !== undefined) return reportUnknownCommand(root, args[unknownAt] as string, io);

  if (command.deprecated !== undefined) io.stderr.write(`Deprecated: ${command.deprecated}\n\n`);
  const flags = new FlagSet([...localFlags(path), ...inheritedFlags(path)]);
  try {
    const rest = flags.parse(args);
    if (flags.bool('help') || command.run === undefined) {
      io.stdout.write(style.help(path));
      return 0;
    }
    flags.checkRequired();
    return await command.run({ args: rest, flags, io });
  } catch (error) {
    if (error instanceof FlagError) {
      io.stderr.write(`Error: ${error.message}\n`);
      style.usageOnFlagError(style.usage(path), io);
      io.stderr.write(`Error: ${error.message}\n`);
      return 1;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (message !== '') io.stderr.write(`Error: ${message}\n`);
    return error instanceof ExitError ? error.exitCode : 1;
  }
}

/** Prints the help of the command that `names` lead to, as `help` does. */
export function printHelp(root: Command, style: Style, names: readonly string[], io: CliIo): void {
  const { path, args } = findCommand(root, names);
  if (path.length > 1 || args.length === 0) {
    io.stdout.write(style.help(path));
    return;
  }
  io.stderr.write(`Unknown help topic [${args.map((arg) => `\`${arg}\``).join(' ')}]\n`);
  style.usageOnFlagError(style.usage(path), io);
}

/** Descends as long as the next word that is no flag names a subcommand, in full or by a unique prefix. */
function findCommand(root: Command, argv: readonly string[]): { path: Command[]; args: string[] } {
  const path = [root];
  let args = [...argv];
  for (;;) {
    const at = positional(args, path)[0];
    const next = at === undefined ? undefined : subcommand(path.at(-1) as Command, args[at] as string);
    if (at === undefined || next === undefined) return { path, args };
    path.push(next);
    args = [...args.slice(0, at), ...args.slice(at + 1)];
  }
}

function subcommand({ commands = [] }: Command, word: string): Command | undefined {
  const wanted = matchingName(
    commands.map(({ name }) => name),
    word,
  );
  return commands.find(({ name }) => name === wanted);
}

/** The one of `names` that `word` is, or that it alone begins. */
export function matchingName(names: readonly string[], word: string): string | undefined {
  if (names.includes(word)) return word;
  const matching = names.filter((name) => name.startsWith(word));
  return matching.length === 1 ? matching[0] : undefined;
}

/** The word of `argv` that names a command of `root`, or would. */
export function firstWord(root: Command, argv: readonly string[]): string | undefined {
  const at = positional(argv, [root])[0];
  return at === undefined ? undefined : argv[at];
}

/**
 * Where in `args` words stand that are neither flags nor values of flags. An unknown flag is taken to have a value,
 * as cobra does.
 */
function positional(args: readonly string[], path: readonly Command[]): number[] {
  const known = [...localFlags(path), ...inheritedFlags(path)];
  const found: number[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') break;
    if (arg.startsWith('--')) {
      if (!arg.includes('=') && !known.some(({ name, kind }) => kind === 'bool' && name === arg.slice(2))) i++;
    } else if (arg.startsWith('-') && arg.length === 2) {
      if (!known.some(({ shorthand, kind }) => kind === 'bool' && shorthand === arg[1])) i++;
    } else if (arg !== '' && !arg.startsWith('-')) found.push(i);
  }
  return found;
}

function reportUnknownCommand(root: Command, word: string, io: CliIo): number {
  const similar = suggestions(
    word,
    (root.commands ?? []).map(({ name }) => name),
  );
  const hint = similar.length === 0 ? '' : `\n\nDid you mean this?\n${similar.map((name) => `\t${name}\n`).join('')}`;
  const text = `Error: unknown command "${word}" for "${root.name}"${hint}\n`;
  io.stderr.write(`${text}Run '${root.name} --help' for usage.\n${text}`);
  return 1;
}
