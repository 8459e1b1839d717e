/** A full backup proves the delta log before it: replayed to its revision, the log must come to the same HashKV. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileHashKv } from '../../../server/etcdutl/mod.ts';
import { LabError } from '../../../toolkit/errors.ts';
import type { Backup, Backups } from '../backup-store.ts';
import { describeChain } from '../deltas/chain.ts';
import { buildState } from '../point-in-time/build.ts';
import { baseRevisionOf, planRestore } from '../point-in-time/plan.ts';

const replayFolder = 'replay-';

export interface ProveDeltasOptions {
  /** That of all chains; the state is built beside them, and removed. */
  readonly chainsFolder: string;
  /** Has the backups' files. */
  readonly backups: Pick<Backups, 'borrow'>;
  readonly signal: AbortSignal;
}

/**
 * Builds the state of a new backup from the one before it and the log.
 *
 * @param chainId the chain that is to be proved; its log reaches the backup's revision
 * @param before the backups that were there before it, the newest first
 * @returns how many revisions were replayed; undefined when there is nothing to compare with
 * @throws LabError LAB_DELTA_DIVERGED when the log leads elsewhere; LAB_DELTA_DAMAGED, LAB_DELTA_FORK
 */
export async function proveDeltas(
  chainId: string,
  { manifest, id }: Backup,
  before: readonly Backup[],
  { chainsFolder, backups, signal }: ProveDeltasOptions,
): Promise<number | undefined> {
  const { revision, hashKv, compactRevision } = manifest;
  const chain = await describeChain(path.join(chainsFolder, chainId));
  if (chain === undefined || hashKv === undefined || chain.lastRevision < revision) return undefined;
  const bases = before.filter(
    (each) => each.manifest.revision < revision && each.manifest.clusterId === chain.clusterId,
  );
  if (!bases.some((base) => baseRevisionOf(base) >= chain.fromRevision - 1)) return undefined;
  const plan = planRestore({ kind: 'revision', revision }, bases, [chain]);
  const folder = await mkdtemp(path.join(chainsFolder, replayFolder));
  try {
    const file = path.join(folder, 'snapshot.db');
    const build = () => buildState(plan, file, { bumpBy: 0, signal });
    const { appliedRevisions } = await backups.borrow(plan.base, build);
    const found = await fileHashKv(file, revision, compactRevision);
    if (found.hash === hashKv) return appliedRevisions;
    throw new LabError(
      'LAB_DELTA_DIVERGED',
      `replayed from backup ${plan.base.id} to revision ${revision}, the delta log comes to HashKV ${found.hash}; backup ${id} has ${hashKv}`,
      { advice: 'do not rely on this chain: a new one begins with that backup' },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what a process that was killed within a proof has left. Only the one writer may call it. */
export async function removeReplays(chainsFolder: string): Promise<void> {
  for (const name of await readdir(chainsFolder)) {
    if (name.startsWith(replayFolder)) await rm(path.join(chainsFolder, name), { recursive: true, force: true });
  }
}
