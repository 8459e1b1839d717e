/** How the text of a flag or variable becomes a value: Go's `flag` package and upstream's own value types. */
import { parseGoDuration } from '../base/go-duration.ts';
import { parseUrls } from './urls.ts';

/** A flag's value. Lists (URLs, names) are arrays of strings, durations are milliseconds. */
export type FlagValue = string | number | boolean | readonly string[];

export type FlagType =
  | 'string'
  | 'bool'
  | 'int'
  | 'uint'
  | 'uint32'
  | 'uint64'
  | 'int64'
  | 'duration'
  /** A list of URLs, as etcd binds or advertises them. */
  | 'urls'
  /** URLs or `*`, each once. */
  | 'origins'
  /** A comma-separated list. */
  | 'strings'
  /** Accepted and dropped, with or without a value: names of long ago. */
  | 'ignored';

/** What Go calls the type, for the messages of the configuration file's decoder. */
export const goTypeNames: Record<FlagType, string> = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  uint32: 'uint32',
  uint64: 'uint64',
  int64: 'int64',
  duration: 'time.Duration',
  urls: 'string',
  origins: 'string',
  strings: 'string',
  ignored: 'string',
};

/** Bounds of the integer types, inclusive. */
const integerRanges: Partial<Record<FlagType, readonly [bigint, bigint]>> = {
  int: [-(1n << 63n), (1n << 63n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint: [0n, (1n << 64n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
  uint32: [0n, (1n << 32n) - 1n],
};

const booleans: Record<string, boolean> = Object.assign(Object.create(null), {
  ...{ 1: true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ 0: false, f: false, F: false, false: false, FALSE: false, False: false },
});

/**
 * Reads a value from its text.
 *
 * @param choices the only values allowed, when the flag has such a list
 * @throws Error with Go's or upstream's reason, such as `parse error`
 */
export function parseFlagValue(type: FlagType, text: string, choices?: readonly string[]): FlagValue {
  if (choices !== undefined && !choices.includes(text)) throw new Error('invalid value');
  switch (type) {
    case 'string':
    case 'ignored':
      return text;
    case 'bool': {
      const value = booleans[text];
      if (value === undefined) throw new Error('parse error');
      return value;
    }
    case 'duration':
      return parseDurationFlag(text);
    case 'urls':
      return text === '' ? [] : parseUrls(text).map((url) => url.href);
    case 'origins':
      return splitList(text).map((origin) => (origin === '*' ? origin : (parseUrls(origin)[0]?.href ?? origin)));
    case 'strings':
      return splitList(text);
    default:
      return parseInteger(type, text);
  }
}

function parseDurationFlag(text: string): number {
  try {
    return parseGoDuration(text);
  } catch {
    throw new Error('parse error');
  }
}

function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim());
}

/** Go's integer literals: decimal, 0x, 0o, 0b, or octal by a leading 0; underscores between digits. */
function parseInteger(type: FlagType, text: string): number {
  const [lowest, highest] = integerRanges[type] as readonly [bigint, bigint];
  const match = /^([-+]?)(0[xX][\da-fA-F_]+|0[oO]?[0-7_]*|0[bB][01_]+|[1-9][\d_]*)$/.exec(text);
  const reason = (why: string): Error =>
    // Upstream's own type for 32-bit numbers shows the library's error; Go's flag package hides it.
    new Error(type === 'uint32' ? `strconv.ParseUint: parsing "${text}": ${why}` : shortReasons[why]);
  if (match === null || (match[1] !== '' && lowest === 0n)) throw reason('invalid syntax');
  const digits = (match[2] as string).replaceAll('_', '').replace(/^0(?=[0-7])/, '0o');
  const value = BigInt(digits) * (match[1] === '-' ? -1n : 1n);
  if (value < lowest || value > highest) throw reason('value out of range');
  return Number(value);
}

const shortReasons: Record<string, string> = {
  'invalid syntax': 'parse error',
  'value out of range': 'value out of range',
};
