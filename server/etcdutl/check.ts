/** `check v2store`: whether a member still has keys of API v2, which no etcd from 3.6 on can read. */
import path from 'node:path';
import { nodeFileSystem as fs } from '../base/file-system.ts';
import type { Command, Invocation } from '../cli/command.ts';
import { logLine } from '../cli/environment.ts';
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { hasV2Keys, Snapshotter } from '../snap/mod.ts';
import { Wal } from '../wal/mod.ts';
import type { MemberPlace } from './stopped-member.ts';

export const checkCommand: Command = {
  name: 'check',
  short: 'Checks properties of a data directory',
  commands: [
    {
      name: 'v2store',
      short: 'Tells whether there are keys of API v2',
      flags: [
        { ...flag.string('data-dir', '', 'data directory of the member, which must not be running'), required: true },
        flag.string('wal-dir', '', 'its log, if that is not in the data directory'),
      ],
      run: async ({ flags, io }: Invocation) => {
        await checkV2Store({ dataDir: flags.string('data-dir'), walDir: flags.string('wal-dir') || undefined }, io);
        io.stdout.write('No custom content found in v2store.\n');
        return ExitCode.Success;
      },
    },
  ],
};

/**
 * Looks into the newest snapshot that the log knows, as upstream does; what was written behind it is not looked at.
 *
 * @throws ExitError when there are keys, or no log
 */
async function checkV2Store({ dataDir, walDir }: MemberPlace, io: CliIo): Promise<void> {
  const log = walDir ?? path.join(dataDir, 'member/wal');
  if (!(await fs.exists(log))) throw new ExitError(ExitCode.Error, `open ${log}: no such file or directory`);
  const recorded = await Wal.validSnapshots(log);
  const onWarning = (message: string): void => logLine(io, 'warn', message);
  const snapshotter = new Snapshotter(path.join(dataDir, 'member/snap'), { fs, onWarning, keepBroken: true });
  const isRecorded = (index: number, term: number): boolean =>
    recorded.some((record) => record.index === index && record.term === term);
  const newest = await snapshotter.loadNewest(isRecorded);
  if (newest?.data && hasV2Keys(newest.data)) throw new ExitError(ExitCode.Error, 'detected custom content in v2store');
}
