/** What to do when a cluster has lost its data: the backup that brings most of it back. */
import type { Lab } from '../../toolkit/lab/lab.ts';
import { BackupStore, isDisproved, isProven } from './backup-store.ts';
import { deltasFolder, listChains } from './deltas/chain.ts';
import { newestMoment } from './point-in-time/plan.ts';

/** @returns lines of advice: the last moment of the delta log, if there is one; the newest backup that is proven, else the newest that is not known to be damaged */
export async function restoreAdvice(lab: Lab): Promise<readonly string[]> {
  const startAnew = 'etcdlab destroy, to start anew without data';
  const backups = (await new BackupStore(lab.paths.backups).list()).filter((backup) => !isDisproved(backup));
  const proven = backups.find(isProven);
  const chosen = proven ?? backups[0];
  if (chosen === undefined) {
    return [
      'etcdlab backup import FILE, then etcdlab restore: the lab has no backup of its own',
      'etcdlab restore, if lab.yaml names a store elsewhere',
      startAnew,
    ];
  }
  const { id, manifest } = chosen;
  const what = proven === undefined ? 'newest backup, not proven yet' : 'newest backup that is proven restorable';
  const backup = `etcdlab restore --to ${id}: the ${what}, of ${manifest.createdAt} with ${manifest.keys} keys`;
  // A log that cannot be read must not hide that there is a backup.
  const chains = await listChains(deltasFolder(lab.paths.backups), () => undefined);
  const moment = newestMoment(backups, chains);
  return [...(moment === undefined ? [] : [describeMoment(moment)]), backup, startAnew];
}

/** @returns one line: how to get what was recorded after the newest backup */
export function describeMoment({ revision, atMs, beyond }: { revision: number; atMs: number; beyond: number }): string {
  const at = new Date(atMs).toISOString();
  return `etcdlab restore --to r${revision}: all that the delta log holds, up to ${at}, ${beyond} revisions more than a backup`;
}
