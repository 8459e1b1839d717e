/** From a revision or a moment to the backup and the segments that bring it back. Pure. */
import { LabError } from '../../../toolkit/errors.ts';
import { type Backup, isDisproved } from '../backup-store.ts';
import type { Chain, SegmentFile } from '../deltas/chain.ts';
import type { RestoreTarget } from './target.ts';

export interface RestorePlan {
  readonly base: Backup;
  /** What is applied on top of it, in order; none when the backup itself is what is wanted. */
  readonly segments: readonly SegmentFile[];
  /** Those behind them: of these only what they tell of leases is of use. */
  readonly following: readonly SegmentFile[];
  readonly chain: Chain | undefined;
  /** Nothing behind it is applied; for a time, the revision is found while it is applied. */
  readonly until: { readonly revision: number } | { readonly atMs: number };
  /** The last revision that is known of this history: what is behind the target is given up. */
  readonly lastRevision: number;
}

/**
 * @param backups the newest first
 * @param chains the oldest first
 * @throws LabError LAB_BACKUP_UNKNOWN when nothing reaches there, naming what can be reached
 */
export function planRestore(
  target: Exclude<RestoreTarget, { kind: 'backup' }>,
  backups: readonly Backup[],
  chains: readonly Chain[],
): RestorePlan {
  return target.kind === 'revision'
    ? planRevision(target.revision, backups, chains)
    : planTime(target.atMs, backups, chains);
}

/**
 * The last moment that the newest log reaches, from a backup that is there.
 *
 * @param backups the newest first
 * @param chains the oldest first
 * @returns undefined when a backup reaches as far, or nothing does
 */
export function newestMoment(
  backups: readonly Backup[],
  chains: readonly Chain[],
): { revision: number; atMs: number; beyond: number } | undefined {
  const chain = chains.at(-1);
  const base = chain && baseOf(chain, backups, chain.lastRevision);
  if (chain === undefined || base === undefined) return undefined;
  const { lastRevision: revision, lastAtMs: atMs } = chain;
  const beyond = revision - baseRevisionOf(base);
  return beyond > 0 ? { revision, atMs, beyond } : undefined;
}

/** A revision can exist in several histories, when the cluster was restored: the newest that has it is meant. */
function planRevision(revision: number, backups: readonly Backup[], chains: readonly Chain[]): RestorePlan {
  for (const chain of chains.toReversed()) {
    if (revision < chain.fromRevision - 1 || revision > chain.lastRevision) continue;
    const base = baseOf(chain, backups, revision);
    if (base !== undefined) return planOf(base, chain, { revision });
  }
  const exact = backups.find((backup) => isOfHistory(backup) && baseRevisionOf(backup) === revision);
  if (exact !== undefined) {
    return { base: exact, segments: [], following: [], chain: undefined, until: { revision }, lastRevision: revision };
  }
  const covering = chains.filter((chain) => revision >= chain.fromRevision - 1 && revision <= chain.lastRevision);
  throw unreachable(`revision ${revision}`, backups, chains, covering);
}

function planTime(atMs: number, backups: readonly Backup[], chains: readonly Chain[]): RestorePlan {
  for (const chain of chains.toReversed()) {
    if (atMs < chain.fromMs || atMs > chain.lastAtMs) continue;
    // Of the segments that may hold something from before that moment, the last one's first revision bounds the base.
    const last = chain.segments.findLast(({ header }) => header.fromMs <= atMs);
    const base = last && baseOf(chain, backups, last.header.fromRevision - 1);
    if (base !== undefined) return planOf(base, chain, { atMs });
  }
  const covering = chains.filter((chain) => atMs >= chain.fromMs && atMs <= chain.lastAtMs);
  throw unreachable(new Date(atMs).toISOString(), backups, chains, covering);
}

/** A store begins at revision 1, which has no record: the file of one without changes says 0. */
export function baseRevisionOf({ manifest }: Pick<Backup, 'manifest'>): number {
  return Math.max(1, manifest.revision);
}

function planOf(base: Backup, chain: Chain, until: RestorePlan['until']): RestorePlan {
  const isNeeded = ({ header, lastRevision }: SegmentFile): boolean =>
    lastRevision >= baseRevisionOf(base) &&
    ('revision' in until ? header.fromRevision <= until.revision : header.fromMs <= until.atMs);
  // A backup taken while a segment grew lies within it: what both have is compared.
  const segments = chain.segments.filter(isNeeded);
  const last = segments.at(-1)?.header.number ?? 0;
  const following = segments.length === 0 ? [] : chain.segments.filter(({ header }) => header.number > last);
  return { base, chain, segments, following, until, lastRevision: chain.lastRevision };
}

/** The newest sound backup of the chain's cluster that is not behind the revision, and whose deltas are all there. */
function baseOf(chain: Chain, backups: readonly Backup[], revision: number): Backup | undefined {
  return backups
    .filter((backup) => {
      const at = baseRevisionOf(backup);
      const isOfCluster = isOfHistory(backup) && backup.manifest.clusterId === chain.clusterId;
      return isOfCluster && at >= chain.fromRevision - 1 && at <= revision;
    })
    .reduce<Backup | undefined>(
      (best, backup) => (best !== undefined && baseRevisionOf(best) >= baseRevisionOf(backup) ? best : backup),
      undefined,
    );
}

/** One whose revision was raised holds what no cluster had at that revision. */
function isOfHistory(backup: Backup): boolean {
  return !isDisproved(backup) && (backup.manifest.derivedFrom?.bumpedBy ?? 0) === 0;
}

/** A log alone brings nothing back. */
export const missingBaseAdvice = 'its full backup is in another store, or was removed: add --store if it is in another';

/** @returns whether there is a backup that the chain can be applied to */
export function hasBase(chain: Chain, backups: readonly Backup[]): boolean {
  return baseOf(chain, backups, chain.lastRevision) !== undefined;
}

/** @param covering the chains that hold what is wanted */
function unreachable(
  what: string,
  backups: readonly Backup[],
  chains: readonly Chain[],
  covering: readonly Chain[],
): LabError {
  const reaches = chains
    .toReversed()
    .slice(0, 5)
    .map(
      ({ fromRevision, lastRevision, fromMs, lastAtMs }) =>
        `revisions ${fromRevision - 1} to ${lastRevision}, ${new Date(fromMs).toISOString()} to ${new Date(lastAtMs).toISOString()}`,
    );
  const single = backups.slice(0, 5).map(({ id, manifest }) => `revision ${manifest.revision}: backup ${id}`);
  return new LabError('LAB_BACKUP_UNKNOWN', `no backup with its delta log reaches ${what}`, {
    details: [...reaches, ...single],
    advice: [
      ...(covering.some((chain) => !hasBase(chain, backups)) ? [missingBaseAdvice] : []),
      reaches.length + single.length === 0 ? 'etcdlab backup run' : 'etcdlab backup deltas shows what can be reached',
    ],
  });
}
