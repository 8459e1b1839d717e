/** The log half of a restore: a WAL that adds the members, and the snapshot behind it (contract: disk-and-peer §7). */
import type { FileSystem } from '../base/file-system.ts';
import { encodeMember, type Member } from '../membership/mod.ts';
import { ConfChange, ConfChangeType, type ConfState, type Entry, EntryType } from '../proto/gen/raft.ts';
import { encodeV2Store, Snapshotter } from '../snap/mod.ts';
import { Wal } from '../wal/mod.ts';
import { restoredTerm } from './restore-database.ts';

export interface LogTarget {
  readonly walDirectory: string;
  readonly snapDirectory: string;
  readonly fs: FileSystem;
}

/**
 * Writes the log as every member of the restored cluster starts with it; only the metadata says whose it is.
 *
 * @param members ascending by id
 */
export async function restoreLog(
  { walDirectory, snapDirectory, fs }: LogTarget,
  localId: bigint,
  cluster: bigint,
  members: readonly Member[],
): Promise<void> {
  const index = members.length;
  const first = members[0] as Member;
  const confState: ConfState = {
    voters: members.map(({ id }) => id),
    learners: [],
    voters_outgoing: [],
    learners_next: [],
    auto_leave: false,
  };
  const wal = await Wal.create(walDirectory, { nodeId: localId, clusterId: cluster }, { fs });
  try {
    await wal.save({ term: restoredTerm, vote: first.id, commit: index }, members.map(addMember), true);
    // Names come into the v2 store when members start and publish them, as with upstream.
    const unnamed = members.map(({ id, peerURLs }) => ({ id, peerURLs }));
    const data = encodeV2Store({ members: unnamed, removed: [], index });
    const metadata = { conf_state: confState, index, term: restoredTerm };
    await new Snapshotter(snapDirectory, { fs }).save({ data, metadata });
    await wal.saveSnapshot({ index, term: restoredTerm, confState });
  } finally {
    await wal.close();
  }
}

function addMember(member: Member, i: number): Entry {
  const change = ConfChange.create({
    type: ConfChangeType.ConfChangeAddNode,
    node_id: member.id,
    context: Buffer.from(encodeMember(member)),
  });
  const Data = ConfChange.encode(change);
  return { Type: EntryType.EntryConfChange, Term: restoredTerm, Index: i + 1, Data };
}
