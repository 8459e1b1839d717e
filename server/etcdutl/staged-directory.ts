/**
 * A member's directory that is built beside its target and renamed at the end: the target is there complete and durable,
 * or as it was before.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { FileSystem } from '../base/file-system.ts';
import { SnapshotError } from './snapshot-error.ts';

/** Where the parts are built, and which directories are renamed in the end. */
export interface Stage {
  readonly snapDirectory: string;
  readonly walDirectory: string;
  readonly moves: readonly { readonly from: string; readonly to: string }[];
  /** The nearest ones above the targets that were there before. */
  readonly oldDirectories: ReadonlySet<string>;
}

/**
 * Removes what a failed run may have made, the directory that the log is first built in among it. A disk that refuses
 * this as well must not hide why the run failed; a later one does not mind what is left.
 */
export async function discard({ moves, walDirectory }: Stage, fs: FileSystem): Promise<void> {
  const leftovers = [...moves.map(({ from }) => from), `${walDirectory}.tmp`];
  for (const directory of leftovers) await fs.removeDirectory(directory).catch(() => undefined);
}

export interface StageTarget {
  /** Must not exist, or be empty. */
  readonly dataDir: string;
  /** Where the log goes. Default: `member/wal` in the data directory. */
  readonly walDir?: string | undefined;
  /** Names the directories that are built in: `DIRECTORY.PURPOSE-xxxxxxxx`. */
  readonly purpose: string;
  /** What the command line calls the two, for messages. */
  readonly flagNames: { readonly dataDir: string; readonly walDir: string };
}

/**
 * Plans where the parts are built; makes nothing yet.
 *
 * @throws SnapshotError RESTORE_TARGET_NOT_EMPTY
 */
export async function stage({ dataDir, walDir, purpose, flagNames }: StageTarget, fs: FileSystem): Promise<Stage> {
  await requireVacant(flagNames.dataDir, dataDir, fs);
  const suffix = `.${purpose}-${randomBytes(4).toString('hex')}`;
  const target = path.resolve(dataDir);
  const data = { from: `${target}${suffix}`, to: target };
  const snapDirectory = path.join(data.from, 'member', 'snap');
  const above = await oldParent(target, fs);
  const log = path.resolve(walDir ?? path.join(target, 'member', 'wal'));
  const withinData = path.relative(target, log);
  if (!withinData.startsWith('..') && !path.isAbsolute(withinData)) {
    const walDirectory = path.join(data.from, withinData);
    return { snapDirectory, walDirectory, moves: [data], oldDirectories: new Set([above]) };
  }
  await requireVacant(flagNames.walDir, walDir as string, fs);
  const wal = { from: `${log}${suffix}`, to: log };
  const oldDirectories = new Set([above, await oldParent(log, fs)]);
  return { snapDirectory, walDirectory: wal.from, moves: [wal, data], oldDirectories };
}

async function requireVacant(what: string, directory: string, fs: FileSystem): Promise<void> {
  if (!(await fs.exists(directory))) return;
  const names = await fs.list(directory).catch(() => ['unreadable']);
  if (names.length === 0) return;
  throw new SnapshotError('RESTORE_TARGET_NOT_EMPTY', `${what} "${directory}" not empty or could not be read`);
}

/** Makes everything durable, then gives it its name; the data directory comes last. */
export async function publish({ moves, snapDirectory, oldDirectories }: Stage, fs: FileSystem): Promise<void> {
  for (let directory = snapDirectory; ; directory = path.dirname(directory)) {
    await fs.syncDirectory(directory);
    if (moves.some(({ from }) => from === directory)) break;
  }
  const done: { from: string; to: string }[] = [];
  try {
    for (const move of moves) {
      await fs.rename(move.from, move.to);
      done.push(move);
      // Up to a directory that was there before: new ones between must be durable, too.
      for (let directory = move.to; !oldDirectories.has(directory); ) {
        directory = path.dirname(directory);
        await fs.syncDirectory(directory);
      }
    }
  } catch (error) {
    for (const { from, to } of done) await fs.rename(to, from);
    throw error;
  }
}

/** The nearest directory above `target` that is there already. */
async function oldParent(target: string, fs: FileSystem): Promise<string> {
  let directory = path.dirname(target);
  while (!(await fs.exists(directory)) && directory !== path.dirname(directory)) directory = path.dirname(directory);
  return directory;
}
