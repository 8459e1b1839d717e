/** `etcdctl get` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { type FlagSet, flag } from '../../cli/flag-set.ts';
import { RangeRequest, RangeRequest_SortOrder, RangeRequest_SortTarget } from '../../proto/gen/rpc.ts';
import { checkRangeFlags, keyRange } from '../key-range.ts';
import { openSession, withClient } from '../session.ts';

export const getFlags = [
  flag.string('consistency', 'l', 'l: linearizable, sees all finished writes; s: serializable, from one member'),
  flag.string('order', '', 'ASCEND (the default) or DESCEND'),
  flag.string('sort-by', '', 'what to sort by: CREATE, KEY, MODIFY, VALUE or VERSION'),
  flag.int64('limit', 0n, 'at most so many keys; 0 for all'),
  flag.bool('prefix', false, 'all keys that begin with <key>'),
  flag.bool('from-key', false, 'all keys from <key> on, in byte order'),
  flag.int64('rev', 0n, 'the store as it was at this revision; 0 for now'),
  flag.bool('keys-only', false, 'leave the values out'),
  flag.bool('count-only', false, 'only how many keys there are; needs -w fields'),
  flag.bool('print-value-only', false, 'leave the keys out; needs -w simple'),
];

const sortOrders: Record<string, RangeRequest_SortOrder> = {
  '': RangeRequest_SortOrder.NONE,
  ASCEND: RangeRequest_SortOrder.ASCEND,
  DESCEND: RangeRequest_SortOrder.DESCEND,
};
const sortTargets: Record<string, RangeRequest_SortTarget> = {
  '': RangeRequest_SortTarget.KEY,
  CREATE: RangeRequest_SortTarget.CREATE,
  KEY: RangeRequest_SortTarget.KEY,
  MODIFY: RangeRequest_SortTarget.MOD,
  VALUE: RangeRequest_SortTarget.VALUE,
  VERSION: RangeRequest_SortTarget.VERSION,
};

export const getCommand: Command = {
  name: 'get',
  argumentsUsage: '[options] <key> [range_end]',
  short: 'Reads a key or a range of keys',
  flags: getFlags,
  run: runGet,
};

/** The request that arguments and flags stand for; `txn` reads its gets with it, too. @throws ExitError */
export function getRequest(args: readonly string[], flags: FlagSet): RangeRequest {
  if (args.length === 0) throw badArgs('get command needs one argument as key and an optional argument as range_end');
  checkRangeFlags(flags);
  if (flags.bool('keys-only') && flags.bool('count-only')) {
    throw badArgs('`--keys-only` and `--count-only` cannot be set at the same time, choose one');
  }
  const consistency = flags.string('consistency');
  if (consistency !== 'l' && consistency !== 's') throw badFeature(`unknown consistency flag "${consistency}"`);
  const range = keyRange(args, flags);
  const order = sortOrders[flags.string('order').toUpperCase()];
  if (order === undefined) throw badFeature(`bad sort order ${flags.string('order')}`);
  const target = sortTargets[flags.string('sort-by').toUpperCase()];
  if (target === undefined) throw badFeature(`bad sort target ${flags.string('sort-by')}`);
  const isKeyOrder = target === RangeRequest_SortTarget.KEY && order === RangeRequest_SortOrder.ASCEND;
  return RangeRequest.create({
    ...range,
    limit: flags.integer('limit'),
    revision: Math.max(flags.integer('rev'), 0),
    // Keys come in this order anyway; not asking for it spares the server the sorting.
    sort_order: isKeyOrder ? RangeRequest_SortOrder.NONE : order,
    sort_target: target,
    serializable: consistency === 's',
    keys_only: flags.bool('keys-only'),
    count_only: flags.bool('count-only'),
  });
}

async function runGet(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const request = getRequest(args, flags);
  const { settings, printer } = await openSession(invocation, flags.bool('print-value-only'));
  const format = flags.string('write-out');
  if (request.count_only && format !== 'fields') throw badArgs('--count-only is only for `--write-out=fields`');
  if (flags.bool('print-value-only') && format !== 'simple') {
    throw badArgs('print-value-only is only for `--write-out=simple`');
  }
  printer.get(await withClient(invocation, settings, (client) => client.range(request)));
  return ExitCode.Success;
}

function badFeature(message: string): ExitError {
  return new ExitError(ExitCode.BadFeature, message);
}
