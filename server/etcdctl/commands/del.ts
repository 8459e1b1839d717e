/** `etcdctl del` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { type FlagSet, flag } from '../../cli/flag-set.ts';
import type { CliIo } from '../../cli/io.ts';
import { DeleteRangeRequest } from '../../proto/gen/rpc.ts';
import { checkRangeFlags, keyRange } from '../key-range.ts';
import { openSession, withClient } from '../session.ts';

export const delFlags = [
  flag.bool('prefix', false, 'all keys that begin with <key>'),
  flag.bool('prev-kv', false, 'also print what the keys held'),
  flag.bool('from-key', false, 'all keys from <key> on, in byte order'),
  flag.bool('range', false, 'a range_end is meant as such: no notice'),
];

export const delCommand: Command = {
  name: 'del',
  argumentsUsage: '[options] <key> [range_end]',
  short: 'Deletes a key or a range of keys',
  flags: delFlags,
  run: runDel,
};

/** The request that arguments and flags stand for; `txn` reads its deletes with it, too. @throws ExitError (128) */
export function delRequest(args: readonly string[], flags: FlagSet, io: CliIo): DeleteRangeRequest {
  if (args.length === 0 || args.length > 2) {
    throw badArgs('del command needs one argument as key and an optional argument as range_end');
  }
  checkRangeFlags(flags);
  const range = keyRange(args, flags);
  if (args.length > 1 && !flags.bool('range')) {
    io.stderr.write(`Deleting all keys from "${args[0]}" up to "${args[1]}"; say --range if that is what you want.\n`);
  }
  return DeleteRangeRequest.create({ ...range, prev_kv: flags.bool('prev-kv') });
}

async function runDel(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  const request = delRequest(args, flags, io);
  const { settings, printer } = await openSession(invocation);
  printer.del(await withClient(invocation, settings, (client) => client.deleteRange(request)));
  return ExitCode.Success;
}
