/** Keys and ranges as get, del and txn take them from their arguments. */
import { badArgs } from '../cli/exit-error.ts';
import type { FlagSet } from '../cli/flag-set.ts';

/** A range_end of one zero byte means "to the end of the key space", and as key its beginning. */
const zero = Buffer.of(0);

/** Refuses what cannot be combined. @throws ExitError (128) */
export function checkRangeFlags(flags: FlagSet): void {
  if (flags.bool('prefix') && flags.bool('from-key')) {
    throw badArgs('`--prefix` and `--from-key` cannot be set at the same time, choose one');
  }
}

/** @throws ExitError (128) when there is a range_end beside a flag that makes one */
export function keyRange(args: readonly string[], flags: FlagSet): { key: Buffer; range_end: Buffer } {
  const key = Buffer.from(args[0] as string);
  const prefix = flags.bool('prefix');
  const fromKey = flags.bool('from-key');
  if (args.length > 1) {
    if (prefix || fromKey) {
      throw badArgs('too many arguments, only accept one argument when `--prefix` or `--from-key` is set');
    }
    return { key, range_end: Buffer.from(args[1] as string) };
  }
  if (!prefix && !fromKey) return { key, range_end: Buffer.alloc(0) };
  if (key.length === 0) return { key: zero, range_end: zero };
  return { key, range_end: fromKey ? zero : prefixEnd(key) };
}

/** The first key behind all that begin with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Buffer {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return zero;
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] as number) + 1;
  return end;
}
