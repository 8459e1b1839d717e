/** The commands of the v2 tool on nodes (contract: cli §8). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { type FlagDefinition, flag } from '../../cli/flag-set.ts';
import { readAll } from '../../cli/io.ts';
import { type NodeStore, normalizedPath, type V2Change, type WriteOptions } from './node-store.ts';
import { printAnswer } from './output.ts';
import { v2Failure, withNodes } from './session.ts';

const ttlFlag = flag.int64('ttl', 0n, 'seconds that the node lives; for ever if not given');
const sortFlag = flag.bool('sort', false, 'sort by name');
const quorumFlag = flag.bool('quorum', false, 'accepted: every read goes through the leader', 'q');

type Act = (nodes: NodeStore, path: string, invocation: Invocation) => Promise<void>;

/** @param defaultPath what is meant when no key is given */
function nodeCommand(
  name: string,
  usage: string,
  short: string,
  flags: FlagDefinition[],
  act: Act,
  defaultPath?: string,
): Command {
  const run = async (invocation: Invocation): Promise<number> => {
    const path = normalizedPath(invocation.args[0] ?? defaultPath ?? missingKey());
    await withNodes(invocation, (nodes) => act(nodes, path, invocation));
    return ExitCode.Success;
  };
  return { name, argumentsUsage: usage, short, flags, run };
}

function missingKey(): never {
  throw v2Failure(ExitCode.BadArgs, 'key required');
}

async function valueOf({ args, io }: Invocation): Promise<string> {
  if (args[1] !== undefined) return args[1];
  const value = io.stdin.isTTY ? '' : (await readAll(io.stdin)).toString().replace(/\n$/, '');
  if (value === '') throw v2Failure(ExitCode.BadArgs, 'value required');
  return value;
}

function print({ io, flags }: Invocation, change: V2Change): void {
  printAnswer(io, flags.string('output'), change);
}

/** Upstream's tool is silent about directories, unless it is asked for more than the value. */
function printDirectory(invocation: Invocation, change: V2Change): void {
  if (invocation.flags.string('output') !== 'simple') print(invocation, change);
}

const directory = (more: Omit<WriteOptions, 'ttl' | 'isDirectory'>, action: string): Act => {
  return async (nodes, path, invocation) => {
    const options = { ...more, ttl: invocation.flags.integer('ttl'), isDirectory: true };
    printDirectory(invocation, await nodes.write(path, '', options, action));
  };
};

const set: Act = async (nodes, path, invocation) => {
  const { flags } = invocation;
  const options = {
    ttl: flags.integer('ttl'),
    ifValue: flags.string('swap-with-value') || undefined,
    ifIndex: flags.integer('swap-with-index') || undefined,
  };
  const isCompared = options.ifValue !== undefined || options.ifIndex !== undefined;
  const value = await valueOf(invocation);
  print(invocation, await nodes.write(path, value, options, isCompared ? 'compareAndSwap' : 'set'));
};

const make: Act = async (nodes, path, invocation) => {
  const { flags } = invocation;
  const ttl = flags.integer('ttl');
  const value = await valueOf(invocation);
  const made = flags.bool('in-order')
    ? nodes.writeInOrder(path, value, ttl)
    : nodes.write(path, value, { ttl, mustNotExist: true }, 'create');
  print(invocation, await made);
};

const update: Act = async (nodes, path, invocation) => {
  const options = { ttl: invocation.flags.integer('ttl'), mustExist: true };
  print(invocation, await nodes.write(path, await valueOf(invocation), options, 'update'));
};

const get: Act = async (nodes, path, { io, flags }) => {
  const { node, index } = await nodes.get(path);
  if (!node.isDirectory) return printAnswer(io, flags.string('output'), { action: 'get', node, index });
  io.stderr.write(`${node.key}: is a directory\n`);
  throw new ExitError(ExitCode.Error, '');
};

const list: Act = async (nodes, path, { io, flags }) => {
  for (const { key, isDirectory } of await nodes.list(path, flags.bool('recursive'))) {
    io.stdout.write(`${key}${isDirectory && flags.bool('p') ? '/' : ''}\n`);
  }
};

const remove: Act = async (nodes, path, invocation) => {
  const { flags } = invocation;
  const what = flags.bool('recursive') ? 'tree' : flags.bool('dir') ? 'empty-directory' : 'file';
  const condition = {
    ifValue: flags.string('with-value') || undefined,
    ifIndex: flags.integer('with-index') || undefined,
  };
  const change = await nodes.remove(path, what, condition);
  if (change.node.isDirectory && flags.string('output') !== 'json') return;
  print(invocation, change);
};

const removeDirectory: Act = async (nodes, path, invocation) => {
  const change = await nodes.remove(path, 'empty-directory');
  if (!change.node.isDirectory || invocation.flags.string('output') === 'json') print(invocation, change);
};

export const nodeCommands: readonly Command[] = [
  nodeCommand(
    'set',
    '<key> <value>',
    'Writes a file',
    [
      ttlFlag,
      flag.string('swap-with-value', '', 'only if the value is this'),
      flag.int64('swap-with-index', 0n, 'only if the index of the last change is this'),
    ],
    set,
  ),
  nodeCommand(
    'mk',
    '<key> <value>',
    'Makes a file that there is not',
    [ttlFlag, flag.bool('in-order', false, 'make a file below the key, named so that each comes after the one before')],
    make,
  ),
  nodeCommand('mkdir', '<key>', 'Makes a directory', [ttlFlag], directory({ mustNotExist: true }, 'create')),
  nodeCommand('setdir', '<key>', 'Makes a directory', [ttlFlag], directory({}, 'set')),
  nodeCommand('update', '<key> <value>', 'Writes a file that there is', [ttlFlag], update),
  nodeCommand(
    'updatedir',
    '<key>',
    'Gives a directory a time to live',
    [ttlFlag],
    directory({ mustExist: true }, 'update'),
  ),
  nodeCommand('get', '<key>', 'Prints a file', [sortFlag, quorumFlag], get),
  nodeCommand(
    'ls',
    '[key]',
    'Lists a directory, the root if none is named',
    [
      sortFlag,
      flag.bool('recursive', false, 'list everything below', 'r'),
      flag.bool('p', false, 'write a slash behind directories', 'p'),
      quorumFlag,
    ],
    list,
    '/',
  ),
  nodeCommand(
    'rm',
    '<key>',
    'Removes a file, or a directory',
    [
      flag.bool('dir', false, 'also an empty directory'),
      flag.bool('recursive', false, 'also a directory and everything below it', 'r'),
      flag.string('with-value', '', 'only if the value is this'),
      flag.int64('with-index', 0n, 'only if the index of the last change is this'),
    ],
    remove,
  ),
  nodeCommand('rmdir', '<key>', 'Removes an empty directory, or a file', [], removeDirectory),
];
