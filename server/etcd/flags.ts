/** The command line, read as Go's `flag` package reads it (contract: api.md §5.1). */
import { type FlagSpec, flagsByName, flagTable } from './flag-table.ts';
import { type FlagValue, parseFlagValue } from './flag-types.ts';

/** A command line that cannot be read; `message` is for stderr, above the usage. Exit code 2. */
export class FlagSyntaxError extends Error {
  override readonly name = 'FlagSyntaxError';
}

/** `-h`, `-help`: not a failure, but nothing else of the command line counts. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested';
}

/** The value of each flag and which of them were given. */
export class FlagValues {
  private readonly values = new Map<string, FlagValue>(flagTable.map((flag) => [flag.name, flag.default]));
  private readonly given = new Set<string>();

  set(name: string, value: FlagValue): void {
    this.values.set(name, value);
    this.given.add(name);
  }

  /** Whether the flag was given, be it with its default. */
  isSet(name: string): boolean {
    return this.given.has(name);
  }

  /** The names that were given, in the order in which they came. */
  givenNames(): string[] {
    return [...this.given];
  }

  value(name: string): FlagValue {
    const value = this.values.get(name);
    if (value === undefined) throw new Error(`no such flag in the table: ${name}`);
    return value;
  }

  string(name: string): string {
    return this.value(name) as string;
  }

  number(name: string): number {
    return this.value(name) as number;
  }

  boolean(name: string): boolean {
    return this.value(name) as boolean;
  }

  list(name: string): readonly string[] {
    return this.value(name) as readonly string[];
  }
}

export interface ParsedFlags {
  readonly values: FlagValues;
  /** What is left after the flags: etcd takes none of it. */
  readonly rest: readonly string[];
}

/**
 * Reads a command line. `-x` is `--x`; a value follows `=` or is the next argument, but that of a boolean only ever
 * follows `=`. Reading ends at the first argument that is no flag, or behind `--`.
 *
 * @param args without the program's name
 * @throws FlagSyntaxError for an unknown flag, a missing value or one of the wrong form
 * @throws HelpRequested for `-h` and `-help`
 */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const values = new FlagValues();
  let next = 0;
  while (next < args.length) {
    const argument = args[next] as string;
    if (argument === '--') return { values, rest: args.slice(next + 1) };
    if (argument.length < 2 || !argument.startsWith('-')) break;
    next++;
    const { flag, text } = splitArgument(argument);
    if (text !== undefined || flag.type === 'bool' || flag.type === 'ignored') {
      setFlag(values, flag, text ?? 'true');
    } else if (next < args.length) {
      setFlag(values, flag, args[next++] as string);
    } else {
      throw new FlagSyntaxError(`flag needs an argument: -${flag.name}`);
    }
  }
  return { values, rest: args.slice(next) };
}

function splitArgument(argument: string): { flag: FlagSpec; text: string | undefined } {
  const body = argument.replace(/^--?/, '');
  if (body === '' || body.startsWith('-') || body.startsWith('=')) {
    throw new FlagSyntaxError(`bad flag syntax: ${argument}`);
  }
  const equals = body.indexOf('=');
  const name = equals < 0 ? body : body.slice(0, equals);
  const flag = flagsByName.get(name);
  if (flag === undefined) {
    if (name === 'h' || name === 'help') throw new HelpRequested();
    throw new FlagSyntaxError(`flag provided but not defined: -${name}`);
  }
  return { flag, text: equals < 0 ? undefined : body.slice(equals + 1) };
}

function setFlag(values: FlagValues, flag: FlagSpec, text: string): void {
  try {
    values.set(flag.name, parseFlagValue(flag.type, text, flag.choices));
  } catch (error) {
    const what = flag.type === 'bool' ? 'boolean value' : 'value';
    const link = flag.type === 'bool' ? 'for' : 'for flag';
    throw new FlagSyntaxError(`invalid ${what} "${text}" ${link} -${flag.name}: ${(error as Error).message}`);
  }
}
