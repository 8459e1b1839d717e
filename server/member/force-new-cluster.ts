/**
 * `--force-new-cluster`: the last resort when a quorum is lost for good. The member keeps what it has, and by changes
 * appended to its own log removes all others (contract: disk-and-peer §7).
 */
import { encodeContext, newMember } from '../membership/mod.ts';
import {
  ConfChange,
  ConfChangeType,
  type ConfState,
  Entry,
  EntryType,
  type HardState,
  type Snapshot,
} from '../proto/gen/raft.ts';
import { decodeConfChange, isConfChange } from '../raft/mod.ts';

/** What a member's log holds behind its snapshot. */
export interface StandaloneInput {
  id: bigint;
  snapshot: Snapshot;
  hardState: HardState;
  entries: readonly Entry[];
  /** The last entry that the database holds the effect of; it may be ahead of the recorded commit index. */
  appliedIndex: number;
  /** The member's URLs, should it not be among the members. */
  peerURLs: readonly string[];
}

export interface StandaloneLog {
  hardState: HardState;
  /** All entries, committed to the last. */
  entries: Entry[];
  /** Those of them that are not in the log yet. */
  appended: Entry[];
}

/** The log of a cluster of one, made from the log of a member of a larger one. Entries that were not committed are dropped. */
export function standaloneLog(input: StandaloneInput): StandaloneLog {
  const commit = Math.max(input.hardState.commit, input.appliedIndex);
  const kept = input.entries.filter((entry) => entry.Index <= commit);
  const { voters, learners } = membersAfter(input.snapshot.metadata?.conf_state, kept);
  const last = Math.max(kept.at(-1)?.Index ?? 0, input.snapshot.metadata?.index ?? 0);
  const appended = standaloneChanges(input, voters, learners).map((change, i) =>
    Entry.create({
      Type: EntryType.EntryConfChange,
      Term: input.hardState.term,
      Index: last + 1 + i,
      Data: ConfChange.encode(ConfChange.create(change)),
    }),
  );
  return {
    hardState: { ...input.hardState, commit: last + appended.length },
    entries: [...kept, ...appended],
    appended,
  };
}

function standaloneChanges(
  { id, peerURLs }: StandaloneInput,
  voters: ReadonlySet<bigint>,
  learners: ReadonlySet<bigint>,
): Partial<ConfChange>[] {
  const changes: Partial<ConfChange>[] = [];
  if (!voters.has(id)) {
    const isPromote = learners.has(id);
    const member = isPromote ? newMember({ id }) : newMember({ id, peerURLs: [...peerURLs] });
    const context = Buffer.from(encodeContext({ member, isPromote }));
    changes.push({ type: ConfChangeType.ConfChangeAddNode, node_id: id, context });
  }
  const others = [...voters, ...learners].filter((other) => other !== id).sort((a, b) => (a < b ? -1 : 1));
  for (const other of others) changes.push({ type: ConfChangeType.ConfChangeRemoveNode, node_id: other });
  return changes;
}

/** Members that a change was refused for may be among them: removing those changes nothing. */
function membersAfter(
  confState: ConfState | undefined,
  entries: readonly Entry[],
): { voters: Set<bigint>; learners: Set<bigint> } {
  const voters = new Set(confState?.voters);
  const learners = new Set(confState?.learners);
  for (const entry of entries.filter(isConfChange)) {
    const change = decodeConfChange(entry);
    for (const { type, node_id } of 'changes' in change ? change.changes : [change]) {
      if (type === ConfChangeType.ConfChangeUpdateNode) continue;
      voters.delete(node_id);
      learners.delete(node_id);
      if (type === ConfChangeType.ConfChangeAddNode) voters.add(node_id);
      else if (type === ConfChangeType.ConfChangeAddLearnerNode) learners.add(node_id);
    }
  }
  return { voters, learners };
}
