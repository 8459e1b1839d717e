/** Which backups may go. */
import { type Backup, isProven } from './backup-store.ts';

export interface Retention {
  /** How many of the newest stay. At least 1. */
  keep: number;
  /** The newest of each of the last so many hours, days, weeks and months that have any stays as well. Default 0. */
  keepHourly?: number;
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
}

export interface PruneDecision {
  backup: Backup;
  stays: boolean;
  reason: string;
}

/** What a rule calls the span of time that a backup falls into (UTC). */
const spans: { keep: Exclude<keyof Retention, 'keep'>; of: (createdAt: string) => string }[] = [
  { keep: 'keepHourly', of: (createdAt) => `${createdAt.slice(0, 13)}:00` },
  { keep: 'keepDaily', of: (createdAt) => createdAt.slice(0, 10) },
  { keep: 'keepWeekly', of: weekOf },
  { keep: 'keepMonthly', of: (createdAt) => createdAt.slice(0, 7) },
];

/** @returns the week, by its Monday */
function weekOf(createdAt: string): string {
  const day = new Date(`${createdAt.slice(0, 10)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return `the week of ${day.toISOString().slice(0, 10)}`;
}

/**
 * Decides and removes nothing. What is marked to be kept stays, whatever is asked for, and so does the newest backup
 * that is proven restorable. No backup needs another one: each is a whole snapshot, also one made from a delta log.
 *
 * @param backups the newest first
 */
export function decidePrune(backups: readonly Backup[], retention: Retention): PruneDecision[] {
  const reasons = reasonsToStay(backups, retention);
  return backups.map((backup) => {
    const reason = reasons.get(backup.id);
    return { backup, stays: reason !== undefined, reason: reason ?? 'none of those to be kept' };
  });
}

/** @returns why each stays that does, by id */
function reasonsToStay(backups: readonly Backup[], retention: Retention): Map<string, string> {
  const reasons = new Map<string, string>();
  const stay = ({ id }: Backup, reason: string): void => {
    if (!reasons.has(id)) reasons.set(id, reason);
  };
  for (const backup of backups) {
    if (backup.kept !== undefined) stay(backup, `marked to be kept${because(backup.kept.reason)}`);
  }
  for (const backup of backups.slice(0, retention.keep)) stay(backup, `one of the newest ${retention.keep}`);
  const newestProven = backups.find(isProven);
  if (newestProven !== undefined) stay(newestProven, 'the newest that is proven restorable');
  for (const { keep, of } of spans) {
    const seen = new Set<string>();
    for (const backup of backups) {
      const span = of(backup.manifest.createdAt);
      if (seen.has(span) || seen.size >= (retention[keep] ?? 0)) continue;
      seen.add(span);
      stay(backup, `the newest of ${span}`);
    }
  }
  return reasons;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}
