/** What `etcdctl watch` is asked to watch, and what to run at each event (contract: cli §2 "watch"). */
import { badArgs } from '../../cli/exit-error.ts';
import { type FlagDefinition, FlagError, FlagSet, flag } from '../../cli/flag-set.ts';
import { quote } from '../../cli/go-text.ts';
import { WatchCreateRequest } from '../../proto/gen/rpc.ts';
import { prefixEnd } from '../key-range.ts';

export const watchFlags: readonly FlagDefinition[] = [
  flag.bool('interactive', false, 'read what to watch line by line from standard input', 'i'),
  flag.bool('prefix', false, 'all keys that begin with [key]'),
  flag.int64('rev', 0n, 'begin at this revision; 0 for now'),
  flag.bool('prev-kv', false, 'also print each pair as it was before'),
  flag.bool('progress-notify', false, 'also print from time to time how far a quiet watch has come'),
];

/** The range that the environment names instead of arguments; empty strings for none. */
export interface WatchEnvironment {
  readonly key: string;
  readonly rangeEnd: string;
}

export interface WatchArguments {
  readonly range: readonly string[];
  readonly flags: FlagSet;
  /** Program and arguments; empty for none. */
  readonly exec: readonly string[];
}

const badNumber = 'bad number of arguments';
const zero = Buffer.of(0);

/** @throws ExitError (128) */
export function watchEnvironment(env: Readonly<Record<string, string | undefined>>): WatchEnvironment {
  const { ETCDCTL_WATCH_KEY: key = '', ETCDCTL_WATCH_RANGE_END: rangeEnd = '' } = env;
  if (key === '' && rangeEnd !== '') {
    throw badArgs(`ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END=${quote(rangeEnd)}`);
  }
  return { key, rangeEnd };
}

/**
 * Parts the range from the command behind `--`.
 *
 * @param args without flags
 * @throws ExitError (128)
 */
export function watchArguments(args: readonly string[], flags: FlagSet, environment: WatchEnvironment): WatchArguments {
  const { argsBeforeDash } = flags;
  const own = args.slice(0, argsBeforeDash);
  const exec = argsBeforeDash === undefined ? [] : args.slice(argsBeforeDash);
  if (argsBeforeDash !== undefined && exec.length === 0) {
    throw badArgs(`${badNumber} (found separator --, but no commands)`);
  }
  const { key, rangeEnd } = environment;
  if (argsBeforeDash === undefined && own.length === 0 && key === '') throw badArgs(badNumber);
  if (own.length > 0 && key !== '') throw badArgs(`${badNumber} (found conflicting environment key)`);
  const fromEnvironment = rangeEnd === '' ? [key] : [key, rangeEnd];
  return { range: key === '' ? own : fromEnvironment, flags, exec };
}

/**
 * The same from a line of the interactive mode, with flags of its own.
 *
 * @param words behind `watch`
 * @throws ExitError (128)
 */
export function watchLineArguments(words: readonly string[], environment: WatchEnvironment): WatchArguments {
  const flags = new FlagSet(watchFlags);
  try {
    return watchArguments(flags.parse(words), flags, environment);
  } catch (error) {
    throw error instanceof FlagError ? badArgs(error.message) : error;
  }
}

/** @throws ExitError (128) when the arguments name no range */
export function watchRequest({ range, flags }: WatchArguments): WatchCreateRequest {
  const [key, end] = range;
  if (key === undefined) throw badArgs(badNumber);
  const prefix = flags.bool('prefix');
  // A third argument is passed over, and the second with it, as upstream does.
  const rangeEnd = range.length === 2 ? end : undefined;
  if (prefix && rangeEnd !== undefined) throw badArgs('`range_end` and `--prefix` are mutually exclusive');
  const isAll = prefix && key === '';
  return WatchCreateRequest.create({
    key: isAll ? zero : Buffer.from(key),
    range_end: prefix ? (isAll ? zero : prefixEnd(Buffer.from(key))) : Buffer.from(rangeEnd ?? ''),
    start_revision: flags.integer('rev'),
    prev_kv: flags.bool('prev-kv'),
    progress_notify: flags.bool('progress-notify'),
  });
}
