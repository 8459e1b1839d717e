/** What to do when a cluster has lost its data: the backup that brings most of it back. */
import type { Lab } from '../../toolkit/lab/lab.ts';
import { BackupStore, isDisproved, isProven } from './backup-store.ts';

/** @returns lines of advice: the newest backup that is proven, else the newest that is not known to be damaged */
export async function restoreAdvice(lab: Lab): Promise<readonly string[]> {
  const startAnew = 'etcdlab destroy, to start anew without data';
  const backups = (await new BackupStore(lab.paths.backups).list()).filter((backup) => !isDisproved(backup));
  const proven = backups.find(isProven);
  const chosen = proven ?? backups[0];
  if (chosen === undefined) {
    return ['etcdlab backup import FILE, then etcdlab restore: the lab has no backup of its own', startAnew];
  }
  const { id, manifest } = chosen;
  const what = proven === undefined ? 'newest backup, not proven yet' : 'newest backup that is proven restorable';
  return [`etcdlab restore --to ${id}: the ${what}, of ${manifest.createdAt} with ${manifest.keys} keys`, startAnew];
}
