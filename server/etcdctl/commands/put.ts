/** `etcdctl put` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { type FlagSet, flag } from '../../cli/flag-set.ts';
import { readAll } from '../../cli/io.ts';
import { NumberError, parseInt64 } from '../../cli/numbers.ts';
import { PutRequest } from '../../proto/gen/rpc.ts';
import { openSession, withClient } from '../session.ts';

export const putFlags = [
  flag.string('lease', '0', 'attach the key to the lease with this hexadecimal id'),
  flag.bool('prev-kv', false, 'also print what the key held before'),
  flag.bool('ignore-value', false, 'keep the value that the key has'),
  flag.bool('ignore-lease', false, 'keep the lease that the key has'),
];

export const putCommand: Command = {
  name: 'put',
  argumentsUsage: '[options] <key> [value]',
  short: 'Writes a key',
  long: `Without <value>, and without --ignore-value, the value is all of standard input, byte for byte:
  etcdctl put config < config.json

A value that begins with '-' must stand behind '--':
  etcdctl put offset -- -5`,
  flags: putFlags,
  run: runPut,
};

/**
 * The request that arguments and flags stand for; `txn` reads its puts with it, too.
 *
 * @param readValue gives the value when there is none among the arguments
 * @throws ExitError (128)
 */
export async function putRequest(
  args: readonly string[],
  flags: FlagSet,
  readValue: () => Promise<Buffer>,
): Promise<PutRequest> {
  const needsValue = 'put command needs 1 argument and input from stdin or 2 arguments';
  const [key, value] = args;
  if (key === undefined) throw badArgs(needsValue);
  const ignoreValue = flags.bool('ignore-value');
  if (ignoreValue && value !== undefined) throw badArgs("put command needs only 1 argument when 'ignore-value' is set");
  const bytes = ignoreValue ? Buffer.alloc(0) : value === undefined ? await readValue() : Buffer.from(value);
  if (!ignoreValue && value === undefined && bytes.length === 0) throw badArgs(needsValue);
  return PutRequest.create({
    key: Buffer.from(key),
    value: bytes,
    lease: leaseId(flags.string('lease')),
    prev_kv: flags.bool('prev-kv'),
    ignore_value: ignoreValue,
    ignore_lease: flags.bool('ignore-lease'),
  });
}

function leaseId(hex: string): bigint {
  try {
    return parseInt64(hex, 16);
  } catch (error) {
    if (error instanceof NumberError) throw badArgs(`bad lease ID (${error.message}), expecting ID in Hex`);
    throw error;
  }
}

async function runPut(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  const request = await putRequest(args, flags, () => readAll(io.stdin));
  const { settings, printer } = await openSession(invocation);
  printer.put(await withClient(invocation, settings, (client) => client.put(request)));
  return ExitCode.Success;
}
