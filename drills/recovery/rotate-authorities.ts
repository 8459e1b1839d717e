/** What `etcdlab certs rotate-ca` does, as a part of a drill. */
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
  { signal, progress }: { signal: AbortSignal; progress?: (text: string) => void },
): Promise<{ restarted: readonly string[]; retired: string }> {
  const request = { lab, store: new PkiStore(lab.paths.pki), sources: systemSources, signal, names: [] };
  const context: RotationContext = { restarted: [] };
  const journal = await openRotation(request);
  for (const task of rotationTasks(request, journal)) {
    progress?.(String(task.title));
    await new Listr([task], { ctx: context, renderer: 'silent', registerSignalListeners: false }).run();
  }
  return { restarted: context.restarted, retired: context.retired as string };
}
