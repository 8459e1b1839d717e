/** One command at a time changes a workshop; the lab's own lock is left to the commands within the scripts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../toolkit/errors.ts';
import { LabLock } from '../../toolkit/lab/lock.ts';

/** Another terminal may be writing progress at this moment; what takes longer is a setup or a reset at work. */
const patienceMs = 3000;
const pauseMs = 50;

/** @param command the verb, for the message to others @throws LabError LAB_LOCKED, or what `work` throws */
export async function exclusively<T>(folder: string, command: string, work: () => Promise<T>): Promise<T> {
  const lock = await acquire(folder, command);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function acquire(folder: string, command: string): Promise<LabLock> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await LabLock.acquire(folder, command);
    } catch (error) {
      const isHeld = error instanceof LabError && error.code === 'LAB_LOCKED';
      if (!isHeld || performance.now() > deadline) throw error;
      await sleep(pauseMs);
    }
  }
}
