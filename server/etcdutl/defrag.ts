/** `defrag`: rewrites a database file that no member uses, without its free pages (contract: cli §7). */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BoltBackend } from '../backend/bolt-backend.ts';
import { DataLock, DataLockError } from '../base/data-lock.ts';
import { Logger } from '../base/logger.ts';
import type { Command, Invocation } from '../cli/command.ts';
import { logLine } from '../cli/environment.ts';
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';

export const defragCommand: Command = {
  name: 'defrag',
  short: 'Makes the database of a member that does not run smaller',
  flags: [
    { ...flag.string('data-dir', '', 'data directory of the member, which must not be running'), required: true },
  ],
  run: async ({ flags, io }: Invocation) => {
    await defragOffline(flags.string('data-dir'), io);
    return ExitCode.Success;
  },
};

/**
 * @throws ExitError when there is no database, a process uses it, it is damaged, or there is no room for a second one;
 *   the database is as it was then
 */
export async function defragOffline(dataDir: string, io: CliIo): Promise<void> {
  const file = path.join(dataDir, 'member/snap/db');
  if (!existsSync(file)) throw new ExitError(ExitCode.Error, `stat ${file}: no such file or directory`);
  const lock = new DataLock(dataDir, { log: stderrLogger(io) });
  try {
    await lock.take();
    const replaceFile = lock.replaceDatabase.bind(lock);
    const backend = await BoltBackend.open(file, { replaceFile });
    const before = backend.sizeBytes();
    try {
      await backend.defragment();
    } finally {
      await backend.close();
    }
    const sizes = { 'old-size-bytes': before, 'size-bytes': backend.sizeBytes() };
    logLine(io, 'info', 'finished defragmenting', { path: file, ...sizes });
  } catch (error) {
    const hint = error instanceof DataLockError ? ' To defragment a running member, use etcdctl defrag.' : '';
    throw new ExitError(ExitCode.Error, `${(error as Error).message}${hint}`, error);
  } finally {
    await lock.release();
  }
}

function stderrLogger(io: CliIo): Logger {
  return new Logger(
    { enabled: (level) => level !== 'debug', write: ({ level, msg, fields }) => logLine(io, level, msg, fields) },
    'etcdutl/defrag',
  );
}
