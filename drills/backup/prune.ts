/** Which backups may go. */
import { type Backup, isProven } from './backup-store.ts';

export interface Retention {
  /** How many of the newest stay. At least 1. */
  keep: number;
  /** The newest of each of the last so many days stays as well. Default 0. */
  keepDaily?: number;
}

export interface PruneDecision {
  backup: Backup;
  stays: boolean;
  reason: string;
}

/**
 * Decides and removes nothing. The newest backup that is proven restorable stays, whatever is asked for.
 *
 * @param backups the newest first
 */
export function decidePrune(backups: readonly Backup[], { keep, keepDaily = 0 }: Retention): PruneDecision[] {
  const newestProven = backups.find(isProven);
  const days = new Set<string>();
  return backups.map((backup, i) => {
    const day = backup.manifest.createdAt.slice(0, 10);
    const isFirstOfDay = !days.has(day) && days.size < keepDaily;
    if (isFirstOfDay) days.add(day);
    if (i < keep) return { backup, stays: true, reason: `one of the newest ${keep}` };
    if (backup === newestProven) return { backup, stays: true, reason: 'the newest that is proven restorable' };
    if (isFirstOfDay) return { backup, stays: true, reason: `the newest of ${day}` };
    return { backup, stays: false, reason: 'none of those to be kept' };
  });
}
