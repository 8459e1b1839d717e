/** Drills that ended before they could clean up after themselves. */
import type { Lab } from '../../toolkit/lab/lab.ts';
import { removeScratchLabs } from '../scratch/scratch-lab.ts';
import { Journal } from './journal.ts';

/** What is said when a drill that was interrupted has been undone. */
export const drillUndone = 'an interrupted drill was undone: the members have their data from before it again';
export const drillRepaired = 'an interrupted drill was undone: the cluster is repaired';

export interface UndoneDrill {
  /** One line for people. */
  message: string;
  /** Where that lies which members have served between the disaster and now, by member; empty if they did not. */
  keptWrites: Record<string, string>;
}

/**
 * To replace members, or to end a rotation of authorities, which restarts each member twice, also on machines that are
 * slow. Each wait within has a deadline of its own.
 */
export const undoDeadlineMs = 15 * 60_000;

/**
 * Undoes a drill that was interrupted, if there is one; one that had proved its result is ended instead.
 *
 * @returns what was undone, or undefined; members whose data was put back are not started
 * @throws LabError LAB_STATE when the journal cannot be read; as `Journal.rollBack`
 */
export async function undoInterruptedDrill(lab: Lab): Promise<UndoneDrill | undefined> {
  const journal = await Journal.open(lab);
  await removeScratchLabs(lab.paths.reports);
  if (!journal.isOpen) return undefined;
  if (journal.isSettled) {
    await journal.discard(lab);
    return undefined;
  }
  const message = journal.putsBack ? drillUndone : drillRepaired;
  return { message, keptWrites: await journal.rollBack(lab, true, AbortSignal.timeout(undoDeadlineMs)) };
}
