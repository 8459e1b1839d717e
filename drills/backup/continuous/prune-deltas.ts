/** Which segments may go: those that no backup that is left needs. */
import { rm } from 'node:fs/promises';
import type { Backup } from '../backup-store.ts';
import type { Chain } from '../deltas/chain.ts';
import { baseRevisionOf } from '../point-in-time/plan.ts';

/**
 * Pure. A chain is needed from the oldest backup on that it can be applied to; without one, not at all.
 *
 * @param current the chain that is being written: it loses segments, but stays
 * @returns absolute paths of segments and of folders, in the order in which they may be removed
 */
export function decidePruneDeltas(chains: readonly Chain[], backups: readonly Backup[], current: string): string[] {
  return chains.flatMap((chain) => {
    const bases = backups
      .filter(({ manifest }) => manifest.clusterId === chain.clusterId && (manifest.derivedFrom?.bumpedBy ?? 0) === 0)
      .map(baseRevisionOf)
      .filter((revision) => revision >= chain.fromRevision - 1 && revision <= chain.lastRevision);
    if (bases.length === 0) return chain.id === current ? [] : [chain.folder];
    const oldest = Math.min(...bases);
    // One that ends at the backup stays: it shows that backup and log are of one history.
    return chain.segments
      .filter(({ lastRevision, sha256 }) => sha256 !== undefined && lastRevision < oldest)
      .map(({ file }) => file);
  });
}

/** The oldest first: whatever interrupts it, what is left has no hole. */
export async function removeDeltas(paths: readonly string[]): Promise<void> {
  for (const each of paths) await rm(each, { recursive: true, force: true });
}
