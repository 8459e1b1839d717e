/**
 * The cluster's configuration and its changes, one member at a time (thesis §4.1; contract: disk-and-peer §2.1).
 * Joint consensus, which etcd never proposes, is refused.
 */
import {
  ConfChange,
  ConfChangeType,
  ConfChangeV2,
  ConfChangeV2_Transition,
  ConfState,
  type Entry,
  EntryType,
} from '../proto/gen/raft.ts';
import { ConfChangeError } from './errors.ts';

export interface Configuration {
  readonly voters: ReadonlySet<bigint>;
  readonly learners: ReadonlySet<bigint>;
}

interface SingleChange {
  type: ConfChangeType;
  node_id: bigint;
}

/** @throws ConfChangeError for a configuration in the middle of a joint change */
export function configurationOf(state: ConfState): Configuration {
  if (state.voters_outgoing.length > 0 || state.learners_next.length > 0 || state.auto_leave) {
    throw new ConfChangeError('the stored configuration is a joint one, which is not supported');
  }
  return { voters: new Set(state.voters), learners: new Set(state.learners) };
}

/** Ids ascending, as upstream writes them. */
export function confStateOf(configuration: Configuration): ConfState {
  return ConfState.create({ voters: sorted(configuration.voters), learners: sorted(configuration.learners) });
}

export function sorted(ids: Iterable<bigint>): bigint[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

export function isConfChange(entry: Entry): boolean {
  return entry.Type === EntryType.EntryConfChange || entry.Type === EntryType.EntryConfChangeV2;
}

/**
 * Decodes the data of an entry of one of the two configuration change types.
 *
 * @throws WireError when the data is damaged
 */
export function decodeConfChange(entry: Pick<Entry, 'Type' | 'Data'>): ConfChange | ConfChangeV2 {
  const data = entry.Data ?? new Uint8Array();
  return entry.Type === EntryType.EntryConfChangeV2 ? ConfChangeV2.decode(data) : ConfChange.decode(data);
}

/**
 * What a configuration becomes by a committed change. Node id 0 marks a change that was refused when it was applied:
 * it changes nothing.
 *
 * @throws ConfChangeError for a joint change, an unknown type, and when no voter would be left
 */
export function changeConfiguration(before: Configuration, change: ConfChange | ConfChangeV2): Configuration {
  const single = singleChange(change);
  if (single.node_id === 0n) return before;
  const id = single.node_id;
  const voters = new Set(before.voters);
  const learners = new Set(before.learners);
  switch (single.type) {
    case ConfChangeType.ConfChangeAddNode:
      learners.delete(id);
      voters.add(id);
      break;
    case ConfChangeType.ConfChangeAddLearnerNode:
      voters.delete(id);
      learners.add(id);
      break;
    case ConfChangeType.ConfChangeRemoveNode:
      voters.delete(id);
      learners.delete(id);
      break;
    case ConfChangeType.ConfChangeUpdateNode:
      return before;
    default:
      throw new ConfChangeError(`unknown type ${String(single.type)}`);
  }
  if (voters.size === 0) throw new ConfChangeError(`without ${id.toString(16)} no voter would be left`);
  return { voters, learners };
}

/** Whether a configuration change would leave fewer voters. One that cannot be applied leaves them as they are. */
export function takesVoter(before: Configuration, entry: Entry): boolean {
  try {
    return changeConfiguration(before, decodeConfChange(entry)).voters.size < before.voters.size;
  } catch {
    return false;
  }
}

/** @throws ConfChangeError for a change of several members at once, and one of nobody */
export function singleChange(change: ConfChange | ConfChangeV2): SingleChange {
  if (!('changes' in change)) return change;
  const [first] = change.changes;
  if (change.changes.length !== 1 || first === undefined || change.transition !== ConfChangeV2_Transition.Auto) {
    throw new ConfChangeError('joint consensus is not supported: change one member at a time');
  }
  return first;
}
