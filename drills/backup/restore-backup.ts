/** Replaces the data of a lab by a backup's, and takes it back if the cluster does not come up with it. */

import { RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import { LabError, messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { Journal, removeRestoreRemains } from '../engine/journal.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import { type Backup, bestProof, isDisproved, isProven } from './backup-store.ts';

/** The newest that is proven restorable. @throws LabError LAB_BACKUP_UNPROVEN when there is none */
export function chooseBackup(backups: readonly Backup[]): Backup {
  const chosen = backups.find(isProven);
  if (chosen !== undefined) return chosen;
  const [newest] = backups;
  if (newest === undefined)
    throw new LabError('LAB_BACKUP_UNPROVEN', 'there is no backup', { advice: 'etcdlab backup create' });
  throw new LabError('LAB_BACKUP_UNPROVEN', `none of the ${backups.length} backups is proven restorable`, {
    advice: [`etcdlab backup verify ${newest.id}`, `etcdlab restore --to ${newest.id} takes it as it is`],
  });
}

/** @returns one line that says how far the backup can be trusted */
export function describeTrust(backup: Backup): string {
  if (isDisproved(backup)) return `disproved at ${backup.proofs.at(-1)?.at}: ${backup.proofs.at(-1)?.evidence.at(-1)}`;
  const best = bestProof(backup);
  return best === undefined ? 'not verified' : `proven at level ${best.level}, ${best.at}`;
}

/** @returns a name for a run that begins now */
export function newRunId(): string {
  return new Date().toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
}

export interface RestoreBackupOptions {
  /** Names what is moved aside, and the new cluster token. */
  runId: string;
  signal: AbortSignal;
  progress(text: string): void;
}

export interface RestoredBackup {
  /** Where the data of before lies, by member; it stays there. */
  aside: Record<string, string>;
  /** One line: what the members show. */
  proof: string;
}

/** To put back old data and start it has no use for a signal that has fired. */
const rollBackDeadlineMs = 180_000;

/**
 * Stops all members, moves their data aside, restores each from the same bytes under a new token, starts them, and
 * compares every member with the manifest. Whatever fails on the way is undone; killed, it is gone on with by
 * `resumeRestore`, or undone by the next command.
 *
 * @throws LabError LAB_RESTORE_UNDONE after it was undone, with what had failed; LAB_INTERRUPTED
 */
export async function restoreBackup(lab: Lab, backup: Backup, options: RestoreBackupOptions): Promise<RestoredBackup> {
  const journal = await Journal.open(lab);
  await journal.begin(lab, options.runId, backup.id);
  return carryOut(lab, backup, journal, { ...options, isResumed: false });
}

/**
 * Goes on with the restore that was killed. Members that were not started yet are restored anew, whatever there is of
 * it; those that were have served clients since, and are only started and compared.
 *
 * @param journal names the backup
 * @throws as `restoreBackup`
 */
export async function resumeRestore(
  lab: Lab,
  backup: Backup,
  journal: Journal,
  options: Omit<RestoreBackupOptions, 'runId'>,
): Promise<RestoredBackup> {
  const { runId } = journal;
  if (runId === undefined || journal.restoring !== backup.id)
    throw new TypeError(`${backup.id} was not being restored`);
  return carryOut(lab, backup, journal, { ...options, runId, isResumed: true });
}

type Course = RestoreBackupOptions & { isResumed: boolean };

async function carryOut(lab: Lab, backup: Backup, journal: Journal, options: Course): Promise<RestoredBackup> {
  const { signal, progress } = options;
  // Members that have served hold what nobody else has. Whatever is wrong with them now, it is not undone unasked.
  if (journal.hasServed) return startAndCompare(lab, backup, journal, { ...options, hadServed: true });
  try {
    await replaceData(lab, backup, journal, options);
    return await startAndCompare(lab, backup, journal, { ...options, hadServed: false });
  } catch (error) {
    progress('undoing it: the members get their data from before again');
    const kept = Object.values(await journal.rollBack(lab, true, AbortSignal.timeout(rollBackDeadlineMs)));
    await allDone(lab.nodes.map(({ host }) => host.service.start()));
    const remains = kept.map((folder) => `what was restored, and perhaps written to since, is kept: ${folder}`);
    if (signal.aborted) throw undoneByInterrupt(remains, options.isResumed);
    throw new LabError('LAB_RESTORE_UNDONE', `the restore failed and was undone: ${messageOf(error)}`, {
      details: [...(error instanceof LabError ? error.details : []), ...remains],
      advice: ['etcdlab status', `etcdlab backup verify ${backup.id}`],
      cause: error,
    });
  }
}

function undoneByInterrupt(details: string[], isResumed: boolean): LabError {
  return new LabError('LAB_INTERRUPTED', 'interrupted, and undone: the members have their data from before again', {
    details,
    advice: isResumed ? 'etcdlab restore starts over' : 'run the same command again: it starts over',
  });
}

async function startAndCompare(
  lab: Lab,
  backup: Backup,
  journal: Journal,
  { signal, progress, hadServed }: Course & { hadServed: boolean },
): Promise<RestoredBackup> {
  progress('starting all members');
  await allDone(lab.nodes.map(({ host }) => host.service.start()));
  await waitUntilHealthy(lab, { signal, onReason: progress });
  const proof = await compare(lab, backup, hadServed, signal);
  throwIfInterrupted(signal);
  const aside = await existing(lab, journal.asideByNode);
  await journal.close();
  return { aside, proof };
}

async function replaceData(lab: Lab, backup: Backup, journal: Journal, options: Course): Promise<void> {
  const { runId, signal, progress } = options;
  progress('stopping all members');
  await allDone(lab.nodes.map(({ host }) => host.service.stop()));
  await moveAside(lab, journal, options);
  const token = `${lab.name}-${runId}`;
  const restoredFrom = await restoreLab(lab, { snapshot: backup.snapshot, token, runId, signal, progress });
  for (const [name, sha256] of Object.entries(restoredFrom)) {
    if (sha256 === backup.manifest.sha256) continue;
    throw new LabError('LAB_RESTORE', `${name} got SHA-256 ${sha256}, the backup has ${backup.manifest.sha256}`);
  }
  await journal.serving();
}

/** A member that has no data any more has nothing to be moved. */
async function moveAside(lab: Lab, journal: Journal, { runId, isResumed }: Course): Promise<void> {
  await allDone(
    lab.nodes.map(async ({ name, host, paths }) => {
      const aside = journal.asideByNode[name] as string;
      if (isResumed) {
        await removeRestoreRemains(host, paths, runId);
        // Then what lies in the place of the data was made by this restore, and never served.
        if (await host.exists(aside)) return host.remove(paths.data);
      }
      if (await host.exists(paths.data)) await host.rename(paths.data, aside);
    }),
  );
}

async function existing(lab: Lab, asideByNode: Record<string, string>): Promise<Record<string, string>> {
  const isThere = await Promise.all(
    Object.entries(asideByNode).map(([name, aside]) => lab.node(name).host.exists(aside)),
  );
  return Object.fromEntries(Object.entries(asideByNode).filter((_, i) => isThere[i]));
}

/** @param hadServed then the members may have compacted meanwhile, and cannot be asked about that revision any more */
async function compare(lab: Lab, { manifest }: Backup, hadServed: boolean, signal: AbortSignal): Promise<string> {
  const { revision, hashKv } = manifest;
  const client = lab.client();
  let isComparable = hashKv !== undefined;
  try {
    for (const { name, clientUrl: endpoint } of lab.nodes) {
      const answer = await client
        .hashKv({ revision }, { endpoint, signal, timeoutMs: 60_000 })
        .catch((error: unknown) => {
          if (hadServed && error instanceof RpcError && error.code === Code.OutOfRange) return undefined;
          throw error;
        });
      isComparable &&= answer !== undefined && (!hadServed || answer.compact_revision === manifest.compactRevision);
      if (!isComparable || answer?.hash === hashKv) continue;
      throw new LabError('LAB_DIVERGED', `${name} has HashKV ${answer?.hash}, the backup has ${hashKv}`);
    }
  } finally {
    client.close();
  }
  if (isComparable) return `all ${lab.nodes.length} members hold revision ${revision} with HashKV ${hashKv}`;
  return `all ${lab.nodes.length} members are healthy; their HashKV cannot be compared with that of the backup`;
}
