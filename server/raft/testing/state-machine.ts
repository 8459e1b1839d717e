import { crc32c } from '../../base/crc32c.ts';
import { ConfChangeType, type ConfState, type Entry, type Snapshot } from '../../proto/gen/raft.ts';
import { decodeConfChange, isConfChange, type RawNode } from '../mod.ts';

const emptyConfState: ConfState = {
  voters: [],
  learners: [],
  voters_outgoing: [],
  learners_next: [],
  auto_leave: false,
};

/** A state machine that is nothing but a checksum over all that it has applied: equal checksums, equal histories. */
export class StateMachine {
  index = 0;
  checksum = 0;
  confState: ConfState = emptyConfState;

  copy(): StateMachine {
    return Object.assign(new StateMachine(), this);
  }

  apply(entry: Entry, node: RawNode): void {
    if (entry.Index !== this.index + 1) throw new Error(`entry ${entry.Index} applied behind entry ${this.index}`);
    this.index = entry.Index;
    const header = new Uint8Array(new Float64Array([entry.Index, entry.Term, entry.Type]).buffer);
    this.checksum = crc32c(entry.Data ?? new Uint8Array(), crc32c(header, this.checksum));
    if (isConfChange(entry)) this.applyConfChange(entry, node);
  }

  snapshotData(): Uint8Array {
    return new Uint8Array(new Uint32Array([this.checksum]).buffer);
  }

  install(snapshot: Snapshot): void {
    this.index = snapshot.metadata.index;
    this.confState = snapshot.metadata.conf_state;
    const data = Uint8Array.from(snapshot.data ?? []);
    this.checksum = new Uint32Array(data.buffer)[0] as number;
  }

  /** As a member does: a change that makes no sense any more is applied as one of nobody. */
  private applyConfChange(entry: Entry, node: RawNode): void {
    const change = decodeConfChange(entry);
    if ('changes' in change) throw new Error('only simple changes are proposed here');
    const removesLast =
      change.type === ConfChangeType.ConfChangeRemoveNode &&
      this.confState.voters.every((voter) => voter === change.node_id);
    this.confState = node.applyConfChange(removesLast ? { ...change, node_id: 0n } : change);
  }
}
