/**
 * `migrate`: rewrites the version of the schema that a database says it has, as etcdutl of 3.6 does (contract: cli §7).
 * The schemas 3.5 and 3.6 differ in that record only, which 3.5 does not have.
 */
import path from 'node:path';
import { nodeFileSystem as fs } from '../base/file-system.ts';
import type { WriteTx } from '../bolt/mod.ts';
import type { Command, Invocation } from '../cli/command.ts';
import { logLine } from '../cli/environment.ts';
import { badArgs, ExitCode, ExitError } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { readEntry } from '../member/logged-entry.ts';
import { compareMinor, parseVersion, type Version } from '../membership/mod.ts';
import type { Entry } from '../proto/gen/raft.ts';
import { openDatabase } from './snapshot-file.ts';
import { type MemberPlace, readStopped, withLocked } from './stopped-member.ts';

const storageVersionKey = Buffer.from('storageVersion');
const knownSchemas = ['3.5', '3.6'];
const schema35: Version = { major: 3, minor: 5, patch: 0, preRelease: '' };

export const migrateCommand: Command = {
  name: 'migrate',
  short: 'Rewrites the database of a member that does not run for etcd 3.5 or 3.6',
  flags: [
    { ...flag.string('data-dir', '', 'data directory of the member, which must not be running'), required: true },
    flag.string('wal-dir', '', 'its log, if that is not in the data directory'),
    { ...flag.string('target-version', '', 'schema to make, 3.5 or 3.6'), required: true },
    flag.bool('force', false, 'also when the log holds entries that the older version may not read'),
  ],
  run: async ({ flags, io }: Invocation) => {
    const target = flags.string('target-version');
    if (!/^\d+\.\d+$/.test(target)) throw badArgs(`wrong target version format, expected "X.Y", got "${target}"`);
    if (!knownSchemas.includes(target)) {
      throw badArgs(`no schema ${target} is known here: 3.5 and 3.6 are. For another, use the etcdutl of that version`);
    }
    const place = { dataDir: flags.string('data-dir'), walDir: flags.string('wal-dir') || undefined };
    await migrateMember(place, target, flags.bool('force'), io);
    return ExitCode.Success;
  },
};

/**
 * @param target `3.5` or `3.6`
 * @throws ExitError when the schema is neither, or the log is newer than the target; the database is as it was then
 */
export async function migrateMember(place: MemberPlace, target: string, force: boolean, io: CliIo): Promise<void> {
  const file = path.join(place.dataDir, 'member/snap/db');
  await withLocked(place, io, async () => {
    const { log, databasePath } = await readStopped(place, io);
    if (databasePath !== file) {
      const advice = 'Start the member once, so that it takes it over, and stop it again.';
      throw new ExitError(ExitCode.Error, `${databasePath} was received and is not in its place yet. ${advice}`);
    }
    const database = await openDatabase(file, file, { fs });
    try {
      const transaction = database.begin();
      const current = schemaOf(transaction, file);
      if (current === target) {
        transaction.rollback();
        logLine(io, 'info', 'storage version up-to-date', { 'storage-version': `${target}.0` });
        return;
      }
      if (target === '3.5' && !force) log.entries.forEach(requireReadableBy35);
      if (target === '3.5') transaction.delete('meta', storageVersionKey);
      else transaction.put('meta', storageVersionKey, Buffer.from(`${target}.0`));
      await transaction.commit();
      logLine(io, 'info', 'updated storage version', { 'storage-version': `${target}.0` });
    } finally {
      await database.close();
    }
  });
}

function schemaOf(transaction: WriteTx, file: string): string {
  const stored = transaction.get('meta', storageVersionKey)?.toString();
  const known = stored === undefined ? '3.5' : /^(\d+\.\d+)\.\d+$/.exec(stored)?.[1];
  if (known === undefined || !knownSchemas.includes(known)) {
    throw new ExitError(ExitCode.Error, `${file} has the schema ${stored}, and only 3.5 and 3.6 are known here`);
  }
  for (const key of ['confState', 'term']) {
    if (transaction.get('meta', Buffer.from(key)) !== undefined) continue;
    throw new ExitError(
      ExitCode.Error,
      `${file} has no ${key}, which 3.5 records: start the member once with 3.5, and stop it again`,
    );
  }
  return known;
}

/** A cluster that went back to 3.5 has said so in its log. @throws ExitError */
function requireReadableBy35(entry: Entry): void {
  const reason = whyNewer(entry);
  if (reason === undefined) return;
  throw new ExitError(
    ExitCode.Error,
    `cannot downgrade storage, WAL contains newer entries: entry ${entry.Index} ${reason}. Run etcdctl downgrade and ` +
      'let the member take a snapshot first, or say --force',
  );
}

function whyNewer(entry: Entry): string | undefined {
  let version: string | undefined;
  try {
    const read = readEntry(entry);
    if (read.kind === 'version') version = read.version;
    else if (read.kind === 'request') version = read.request.cluster_version_set?.ver;
  } catch (error) {
    return `cannot be read (${(error as Error).message})`;
  }
  const parsed = version === undefined ? undefined : parseVersion(version);
  return parsed && compareMinor(parsed, schema35) > 0 ? `sets the cluster version to ${version}` : undefined;
}
