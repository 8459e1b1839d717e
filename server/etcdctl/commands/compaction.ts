/** `etcdctl compaction` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { parseInt64 } from '../../cli/numbers.ts';
import { openSession, withClient } from '../session.ts';

export const compactionCommand: Command = {
  name: 'compaction',
  argumentsUsage: '[options] <revision>',
  short: 'Drops the history before a revision',
  flags: [flag.bool('physical', false, 'return only when the old revisions are out of the database')],
  run: runCompaction,
};

async function runCompaction(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  const [text] = args;
  if (text === undefined || args.length > 1) throw badArgs('compaction command needs 1 argument');
  const revision = Number(parseInt64(text, 10));
  const physical = flags.bool('physical');
  const { settings } = await openSession(invocation);
  // Removing a long history may take minutes.
  const timeoutMs = physical ? Number.POSITIVE_INFINITY : undefined;
  await withClient(invocation, settings, (client) => client.compact({ revision, physical }, { timeoutMs }));
  io.stdout.write(`compacted revision ${revision}\n`);
  return ExitCode.Success;
}
