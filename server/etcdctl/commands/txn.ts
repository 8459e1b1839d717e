/** `etcdctl txn` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { type FlagDefinition, FlagError, FlagSet, flag } from '../../cli/flag-set.ts';
import { type CliIo, LineReader } from '../../cli/io.ts';
import { type RequestOp, TxnRequest } from '../../proto/gen/rpc.ts';
import { openSession, withClient } from '../session.ts';
import { parseCompare } from '../txn-compare.ts';
import { splitWords } from '../txn-words.ts';
import { delFlags, delRequest } from './del.ts';
import { getFlags, getRequest } from './get.ts';
import { putFlags, putRequest } from './put.ts';

/** A server takes 128 operations unless told otherwise; this only bounds what is held in memory. */
const maxLines = 100_000;

export const txnCommand: Command = {
  name: 'txn',
  argumentsUsage: '[options]',
  short: 'Does several operations as one, depending on compares',
  long: `Reads three blocks from standard input, each ended by an empty line: compares, the operations for the case that
all of them hold, and those for the case that one does not:
  mod("key1") > "0"

  put key1 "overwrote-key1"

  put key1 "created-key1"

Compares are version, create, mod, value or lease of a key with =, !=, < or >; operations are get, put and del.`,
  flags: [flag.bool('interactive', false, 'ask for each of the blocks', 'i')],
  run: runTxn,
};

async function runTxn(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  if (args.length !== 0) throw new ExitError(ExitCode.BadArgs, 'txn command does not accept argument');
  const request = await readRequest(io, flags.bool('interactive'));
  const { settings, printer } = await openSession(invocation);
  // As upstream, a transaction waits for its answer as long as it takes; the connection has the usual time.
  const timeoutMs = Number.POSITIVE_INFINITY;
  printer.txn(await withClient(invocation, settings, (client) => client.txn(request, { timeoutMs })));
  return ExitCode.Success;
}

async function readRequest(io: CliIo, interactive: boolean): Promise<TxnRequest> {
  const lines = new LineReader(io.stdin);
  const prompt = (text: string): void => {
    if (interactive) io.stdout.write(`${text}:\n`);
  };
  try {
    prompt('compares');
    const compare = await readBlock(lines, async (line) => parseCompare(line));
    prompt('success requests (get, put, del)');
    const success = await readBlock(lines, (line) => parseOperation(line, io));
    prompt('failure requests (get, put, del)');
    const failure = await readBlock(lines, (line) => parseOperation(line, io));
    return TxnRequest.create({ compare, success, failure });
  } finally {
    await lines.close();
  }
}

/** Lines up to an empty one. @throws ExitError (3) when the input ends before */
async function readBlock<Item>(lines: LineReader, parse: (line: string) => Promise<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    const line = (await lines.next())?.trim();
    if (line === undefined) throw new ExitError(ExitCode.InvalidInput, 'EOF');
    if (line === '') return items;
    if (items.length >= maxLines) throw new ExitError(ExitCode.InvalidInput, `more than ${maxLines} lines`);
    items.push(await parse(line));
  }
}

async function parseOperation(line: string, io: CliIo): Promise<RequestOp> {
  const [name, ...words] = splitWords(line);
  if (words.length === 0) throw new ExitError(ExitCode.InvalidInput, `invalid txn compare request: ${line}`);
  const parse = (definitions: readonly FlagDefinition[]): { args: string[]; flags: FlagSet } => {
    const flags = new FlagSet(definitions);
    try {
      return { args: flags.parse(words), flags };
    } catch (error) {
      if (error instanceof FlagError) throw invalidRequest(line, error);
      throw error;
    }
  };
  switch (name) {
    case 'get': {
      const { args, flags } = parse(getFlags);
      return { request_range: getRequest(args, flags) };
    }
    case 'put': {
      const { args, flags } = parse(putFlags);
      // Standard input is taken by the transaction itself.
      return { request_put: await putRequest(args, flags, async () => Buffer.alloc(0)) };
    }
    case 'del': {
      const { args, flags } = parse(delFlags);
      return { request_delete_range: delRequest(args, flags, io) };
    }
    default:
      throw invalidRequest(line);
  }
}

function invalidRequest(line: string, cause?: FlagError): ExitError {
  const why = cause === undefined ? '' : ` (${cause.message})`;
  return new ExitError(ExitCode.InvalidInput, `invalid txn request: ${line}${why}`, cause);
}
