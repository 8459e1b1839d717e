/** What `etcdlab certs rotate-ca` does, as a part of a drill. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { Listr } from 'listr2';
import { PkiStore, systemSources } from '../../pki/mod.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { openRotation, type RotationContext, rotationTasks } from '../../toolkit/provision/pki/rotation.ts';

/**
 * Replaces the authorities, or goes on with the rotation that is under way, while the members serve.
 *
 * @returns the names of the restarted members, in order, and where the authorities of before are kept
 * @throws LabError LAB_PKI_REFUSED; LAB_PKI_UNPROVED when a handshake shows something else; LAB_INTERRUPTED
 */
export async function rotateAuthorities(
  lab: Lab,
  options: {
    signal: AbortSignal;
    progress?: (text: string) => void;
    /** Told of each part that is done, and how many members it has restarted. */
    onPhase?: (title: string, restarts: number) => void;
  },
): Promise<{ restarted: readonly string[]; retired: string }> {
  const { signal, progress, onPhase } = options;
  const request = { lab, store: new PkiStore(lab.paths.pki), sources: systemSources, signal, names: [] };
  const context: RotationContext = { restarted: [] };
  const journal = await openRotation(request);
  for (const task of rotationTasks(request, journal)) {
    progress?.(String(task.title));
    const { length: restartedBefore } = context.restarted;
    await new Listr([task], { ctx: context, renderer: 'silent', registerSignalListeners: false }).run();
    onPhase?.(String(task.title), context.restarted.length - restartedBefore);
  }
  return { restarted: context.restarted, retired: context.retired as string };
}

/**
 * Keeps keys that were lost where a rotation keeps what it takes the place of.
 *
 * @param folder where the keys lie; nothing is done when it is not there any more
 * @param retired as `rotateAuthorities` has told
 */
export async function keepLostKeys(folder: string, retired: string): Promise<void> {
  if (existsSync(folder)) await rename(folder, path.join(retired, 'keys'));
}
