/** The membership as of a snapshot, against which the ConfChanges behind it are judged again when the log is replayed. */
import type { Logger } from '../base/logger.ts';
import { Cluster } from '../membership/mod.ts';
import type { Snapshot } from '../proto/gen/raft.ts';
import { decodeV2Store } from '../snap/mod.ts';

/**
 * @param snapshot where the log begins; index 0 for a log that begins with the cluster
 * @returns undefined when the snapshot has no members in it, as those of etcd 3.8: then every change counts as accepted
 */
export function replayedMembership(clusterId: bigint, snapshot: Snapshot, log: Logger): Cluster | undefined {
  if ((snapshot.metadata?.index ?? 0) === 0) return Cluster.recall(clusterId, { members: [], removed: [] });
  if (snapshot.data === undefined || snapshot.data.length === 0) return undefined;
  try {
    const was = decodeV2Store(snapshot.data);
    return was.members.length === 0 ? undefined : Cluster.recall(clusterId, was);
  } catch (error) {
    log.warn('the snapshot does not tell the members of its time', { error: (error as Error).message });
    return undefined;
  }
}

/**
 * Whether a data directory has just been restored from a snapshot that was saved: the database still has the version of
 * the cluster that it is from, and the `.snap` file, which is of this one, has members only (contract: disk-and-peer §7).
 *
 * @param snapshot where the log begins
 * @param appliedIndex of the last entry that the database holds the effect of
 */
export function isJustRestored({ metadata, data }: Snapshot, appliedIndex: number): boolean {
  const { index, term } = metadata ?? { index: 0, term: 0 };
  if (term !== 1 || index !== appliedIndex || data === undefined || data.length === 0) return false;
  try {
    const { members, clusterVersion } = decodeV2Store(data);
    // A member that has run has more in its log than the members of its cluster.
    return members.length === index && clusterVersion === undefined;
  } catch {
    // Such as one of a newer release, which says nothing either way.
    return false;
  }
}
