/** The top rung of the ladder: the backup in the place of the lab's own data, and clients that work with it. */
import { throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { requireHostSpace } from '../recovery/host-space.ts';
import type { Backup, Backups, Proof } from './backup-store.ts';
import { tryBackup } from './create-backup.ts';
import { newRunId, restoreBackup } from './restore-backup.ts';
import { writesTravel } from './verify-backup.ts';

export const liveLevel = 6;

/**
 * Backs up what the lab holds, restores the backup for real, and writes and reads through every member. The lab keeps
 * what was restored. A restore that fails is undone, and proves nothing about the backup: it may be the lab's fault.
 *
 * @param below the proof of the rungs below, which have held
 * @throws LabError LAB_PREFLIGHT, LAB_RESTORE_UNDONE, LAB_INTERRUPTED
 */
export async function proveLive(
  lab: Lab,
  backups: Backups,
  backup: Backup,
  below: Proof,
  { signal, progress }: { signal: AbortSignal; progress(text: string): void },
): Promise<Proof> {
  const startedAt = performance.now();
  await requireHostSpace(lab, backup.manifest.sizeBytes, signal);
  const before = await tryBackup(lab, backups, { signal, reason: `before level 6 of ${backup.id}` });
  const held =
    'backup' in before ? `the lab held backup ${before.backup.id} before` : `no backup before: ${before.problem}`;
  const restored = await backups.borrow(backup, (borrowed) =>
    restoreBackup(lab, borrowed, { runId: newRunId(), signal, progress }),
  );
  progress('writing and reading through every member');
  const clients = await writesTravel(lab, signal);
  throwIfInterrupted(signal);
  return {
    ...below,
    level: liveLevel,
    at: new Date().toISOString(),
    durationMs: below.durationMs + Math.round(performance.now() - startedAt),
    evidence: [
      ...below.evidence,
      `L6: the lab was restored from it: ${restored.proof}; ${clients}; ${held}`,
      ...Object.values(restored.aside).map((folder) => `L6: the data of before lies in ${folder}`),
    ],
  };
}
