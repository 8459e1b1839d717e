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
