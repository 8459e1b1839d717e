/** Flags as spf13/pflag parses them (contract: cli §1.1). */
import { formatGoDuration, parseGoDuration } from '../base/go-duration.ts';
import { NumberError, parseInt64, parseUint64 } from './numbers.ts';

/** Each kind and the value that it holds. Durations are milliseconds. */
interface FlagValues {
  bool: boolean;
  string: string;
  int64: bigint;
  uint64: bigint;
  duration: number;
  stringSlice: readonly string[];
}
export type FlagKind = keyof FlagValues;

export interface FlagDefinition<Kind extends FlagKind = FlagKind> {
  readonly name: string;
  readonly kind: Kind;
  readonly default: FlagValues[Kind];
  readonly usage: string;
  /** One letter, for `-x`. */
  readonly shorthand?: string | undefined;
  /** The command is refused without it. */
  readonly required?: boolean | undefined;
}

/** A flag that is unknown, lacks its value or has a bad one; the text is pflag's. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** Definitions by kind, so that each default is checked against its kind. */
export const flag = {
  bool: (name: string, value: boolean, usage: string, shorthand?: string): FlagDefinition<'bool'> => ({
    name,
    kind: 'bool',
    default: value,
    usage,
    shorthand,
  }),
  string: (name: string, value: string, usage: string, shorthand?: string): FlagDefinition<'string'> => ({
    name,
    kind: 'string',
    default: value,
    usage,
    shorthand,
  }),
  int64: (name: string, value: bigint, usage: string): FlagDefinition<'int64'> => ({
    name,
    kind: 'int64',
    default: value,
    usage,
  }),
  uint64: (name: string, value: bigint, usage: string): FlagDefinition<'uint64'> => ({
    name,
    kind: 'uint64',
    default: value,
    usage,
  }),
  duration: (name: string, milliseconds: number, usage: string): FlagDefinition<'duration'> => ({
    name,
    kind: 'duration',
    default: milliseconds,
    usage,
  }),
  stringSlice: (name: string, value: readonly string[], usage: string): FlagDefinition<'stringSlice'> => ({
    name,
    kind: 'stringSlice',
    default: value,
    usage,
  }),
};

/** The values of a command's flags: those given, and defaults for the rest. */
export class FlagSet {
  readonly definitions: readonly FlagDefinition[];
  private readonly values = new Map<string, FlagValues[FlagKind]>();
  private readonly changedNames = new Set<string>();
  private dashAt: number | undefined;

  constructor(definitions: readonly FlagDefinition[]) {
    this.definitions = definitions;
    for (const definition of definitions) this.values.set(definition.name, definition.default);
  }

  /**
   * Reads flags from `args`, wherever they stand before a `--`.
   *
   * @returns the arguments that are not flags
   * @throws FlagError
   */
  parse(args: readonly string[]): string[] {
    const rest: string[] = [];
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] as string;
      if (arg === '--') {
        this.dashAt = rest.length;
        return [...rest, ...args.slice(i + 1)];
      }
      if (arg.startsWith('--')) i += this.parseLong(arg.slice(2), args[i + 1]);
      else if (arg.startsWith('-') && arg !== '-') i += this.parseShort(arg.slice(1), args[i + 1]);
      else rest.push(arg);
    }
    return rest;
  }

  /** How many of the arguments stood before a `--`; undefined without one. */
  get argsBeforeDash(): number | undefined {
    return this.dashAt;
  }

  /** True when the flag was on the command line. */
  changed(name: string): boolean {
    return this.changedNames.has(name);
  }

  /** Sets a flag from text that is not of the command line, such as the environment. @throws FlagError */
  setFrom(name: string, text: string): void {
    const definition = this.find(name) as FlagDefinition;
    this.values.set(name, parseValue(definition, text, undefined));
  }

  bool(name: string): boolean {
    return this.values.get(name) as boolean;
  }

  string(name: string): string {
    return this.values.get(name) as string;
  }

  /** An integer of 64 bits, cut to what a number holds exactly; nothing in etcd counts beyond. */
  integer(name: string): number {
    const value = this.values.get(name) as bigint;
    const limit = BigInt(Number.MAX_SAFE_INTEGER);
    return Number(value > limit ? limit : value < -limit ? -limit : value);
  }

  /** Milliseconds. */
  duration(name: string): number {
    return this.values.get(name) as number;
  }

  stringSlice(name: string): readonly string[] {
    return this.values.get(name) as readonly string[];
  }

  /** The value as pflag prints it, for `--debug`. */
  text(name: string): string {
    return valueText(this.find(name) as FlagDefinition, this.values.get(name) as FlagValues[FlagKind]);
  }

  /** @throws FlagError naming all required flags that were not given */
  checkRequired(): void {
    const missing = this.definitions.filter(({ required, name }) => required === true && !this.changed(name));
    if (missing.length === 0) return;
    throw new FlagError(`required flag(s) ${missing.map(({ name }) => `"${name}"`).join(', ')} not set`);
  }

  private find(name: string): FlagDefinition | undefined {
    return this.definitions.find((definition) => definition.name === name);
  }

  /** @returns how many of the following arguments it took */
  private parseLong(body: string, next: string | undefined): number {
    if (body === '' || body.startsWith('-') || body.startsWith('=')) {
      throw new FlagError(`bad flag syntax: --${body}`);
    }
    const equals = body.indexOf('=');
    const name = equals < 0 ? body : body.slice(0, equals);
    const definition = this.find(name);
    if (definition === undefined) throw new FlagError(`unknown flag: --${name}`);
    if (equals >= 0) return this.assign(definition, body.slice(equals + 1), 0);
    if (definition.kind === 'bool') return this.assign(definition, 'true', 0);
    if (next === undefined) throw new FlagError(`flag needs an argument: --${name}`);
    return this.assign(definition, next, 1);
  }

  private parseShort(letters: string, next: string | undefined): number {
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i] as string;
      const definition = this.definitions.find(({ shorthand }) => shorthand === letter);
      if (definition === undefined) throw new FlagError(`unknown shorthand flag: '${letter}' in -${letters.slice(i)}`);
      const after = letters.slice(i + 1);
      if (after.startsWith('=') && after.length > 1) return this.assign(definition, after.slice(1), 0);
      if (definition.kind === 'bool') this.assign(definition, 'true', 0);
      else if (after !== '') return this.assign(definition, after, 0);
      else if (next !== undefined) return this.assign(definition, next, 1);
      else throw new FlagError(`flag needs an argument: '${letter}' in -${letters.slice(i)}`);
    }
    return 0;
  }

  private assign(definition: FlagDefinition, text: string, taken: number): number {
    const before = this.changed(definition.name) ? this.values.get(definition.name) : undefined;
    this.values.set(definition.name, parseValue(definition, text, before));
    this.changedNames.add(definition.name);
    return taken;
  }
}

/** @param before what an earlier occurrence of the flag gave; a list grows by each */
function parseValue(
  definition: FlagDefinition,
  text: string,
  before: FlagValues[FlagKind] | undefined,
): FlagValues[FlagKind] {
  try {
    switch (definition.kind) {
      case 'string':
        return text;
      case 'bool':
        return parseBool(text);
      case 'int64':
        return parseInt64(text, 0);
      case 'uint64':
        return parseUint64(text, 0);
      case 'duration':
        return parseGoDuration(text);
      case 'stringSlice':
        return [...((before as readonly string[] | undefined) ?? []), ...(text === '' ? [] : text.split(','))];
    }
  } catch (error) {
    const { shorthand, name } = definition;
    const spelled = shorthand === undefined ? `--${name}` : `-${shorthand}, --${name}`;
    throw new FlagError(`invalid argument "${text}" for "${spelled}" flag: ${(error as Error).message}`);
  }
}

function parseBool(text: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new NumberError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A flag's value as text: lists in brackets, durations in Go's form. */
export function valueText(definition: FlagDefinition, value: FlagValues[FlagKind] = definition.default): string {
  if (definition.kind === 'stringSlice') return `[${(value as readonly string[]).join(',')}]`;
  if (definition.kind === 'duration') return formatGoDuration(value as number);
  return String(value);
}
