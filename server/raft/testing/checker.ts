import type { Entry } from '../../proto/gen/raft.ts';
import type { RawNode, ReadState, Ready, Status } from '../mod.ts';

/** What the checks look at of a machine with a member on it. */
export interface CheckedHost {
  readonly id: bigint;
  readonly node: Pick<RawNode, 'status' | 'term' | 'firstIndex'>;
  /** What survives a crash. */
  readonly disk: { holds(index: number, term: number): boolean };
}

/** A state machine after the entry at `index`: equal checksums, equal states. */
export interface CheckedState {
  readonly index: number;
  readonly checksum: number;
}

interface Known {
  /** Who or what was seen first. */
  fingerprint: string;
}

/**
 * The properties that Raft guarantees at all times (Raft paper, figure 3), checked against the history of the whole
 * cluster. Each check throws an Error that says what was violated.
 */
export class Checker {
  private readonly leaders = new Map<number, bigint>();
  /** Every entry ever in any log, by index and term, with the term of the entry before it. */
  private readonly entries = new Map<string, Known>();
  /** Terms of committed entries by index; what is committed once is committed for ever. */
  private readonly committedTerms: number[] = [];
  /** The terms in which they were committed: those of the leaders that did it. As long as `committedTerms`. */
  private readonly committedIn: number[] = [];
  private readonly checksums: number[] = [];
  /** For each read under way, what was committed anywhere when it was asked for. */
  private readonly reads = new Map<string, number>();
  private readonly seenCommit = new Map<bigint, number>();
  readonly counts = { elections: 0, committed: 0, reads: 0, snapshots: 0 };

  get committed(): number {
    return this.committedTerms.length - 1;
  }

  /** Entries of a bootstrapped log are committed from the start. */
  bootstrapped(lastIndex: number): void {
    for (let index = 0; index <= lastIndex; index++) {
      this.committedTerms[index] = Math.min(index, 1);
      this.committedIn[index] = Math.min(index, 1);
    }
  }

  asked(context: Uint8Array): void {
    this.reads.set(hex(context), this.committed);
  }

  restarted(host: CheckedHost): void {
    this.seenCommit.delete(host.id);
  }

  offered(host: CheckedHost, ready: Ready): void {
    if (ready.snapshot !== undefined) this.counts.snapshots++;
    for (const entry of ready.entries) this.checkLogMatching(host, entry);
  }

  applied({ id, machine: { index, checksum } }: { readonly id: bigint; readonly machine: CheckedState }): void {
    const known = this.checksums[index];
    if (known === undefined) this.checksums[index] = checksum;
    else if (known !== checksum) throw new Error(`state machine safety: member ${id} differs at index ${index}`);
  }

  read(host: CheckedHost, { index, context }: ReadState): void {
    const floor = this.reads.get(hex(context));
    if (floor === undefined) throw new Error(`member ${host.id} got a read index that nobody asked for`);
    if (index < floor) {
      throw new Error(`linearizability: member ${host.id} may read at ${index}, but ${floor} was committed before`);
    }
    this.counts.reads++;
  }

  /** To be called after each thing that a host's raft has done. */
  check(host: CheckedHost, all: ReadonlyMap<bigint, CheckedHost>): void {
    const status = host.node.status();
    if (status.state === 'leader') this.checkLeader(host, status);
    this.checkCommit(host, status, all);
  }

  /** Log matching: the same index and term, then the same entry, and the same before it. */
  private checkLogMatching(host: CheckedHost, entry: Entry): void {
    const previousTerm = host.node.term(entry.Index - 1);
    const key = `${entry.Index}.${entry.Term}`;
    const fingerprint = `${previousTerm}/${entry.Type}/${hex(entry.Data ?? new Uint8Array())}`;
    const known = this.entries.get(key);
    if (known === undefined) this.entries.set(key, { fingerprint });
    else if (known.fingerprint !== fingerprint) {
      throw new Error(`log matching: member ${host.id} has another entry ${key}: ${fingerprint}, ${known.fingerprint}`);
    }
  }

  /** Election safety: one leader a term. Leader completeness: it holds all that was committed before. */
  private checkLeader(host: CheckedHost, { term }: Status): void {
    const leader = this.leaders.get(term);
    if (leader === host.id) return;
    if (leader !== undefined) throw new Error(`election safety: both ${leader} and ${host.id} lead term ${term}`);
    this.leaders.set(term, host.id);
    this.counts.elections++;
    // What a later term has committed, also of an entry that is older, is not this leader's to hold: the answers to its
    // question may reach a candidate when others have gone on. By log matching, the last entry stands for all before it.
    const index = this.committedIn.findLastIndex((committedIn) => committedIn <= term);
    const held = host.node.term(index);
    if (held !== this.committedTerms[index] && index >= host.node.firstIndex()) {
      throw new Error(`leader completeness: leader ${host.id} of term ${term} lacks committed entry ${index}`);
    }
  }

  /** What is committed stays, and lies durably on a majority. */
  private checkCommit(
    host: CheckedHost,
    { commit, progress, term }: Status,
    all: ReadonlyMap<bigint, CheckedHost>,
  ): void {
    const { node } = host;
    const seen = this.seenCommit.get(host.id) ?? 0;
    let newest = 0;
    for (let index = Math.max(seen + 1, node.firstIndex()); index <= commit; index++) {
      const entryTerm = node.term(index) as number;
      const known = this.committedTerms[index];
      if (known === undefined) {
        this.committedTerms[index] = entryTerm;
        this.committedIn[index] = term;
        newest = index;
        this.counts.committed++;
        this.checkQuorumHolds(host, index, entryTerm, progress, all);
      } else if (known !== entryTerm) {
        throw new Error(
          `committed entry ${index} of term ${known} became one of term ${entryTerm} on member ${host.id}`,
        );
      }
    }
    this.seenCommit.set(host.id, commit);
    // An older entry is committed by one of the leader's own term behind it, and never by its copies (§5.4.2).
    if (newest > 0 && node.term(newest) !== term) {
      throw new Error(
        `commit rule: the leader of term ${term} has committed entry ${newest} of an older term by itself`,
      );
    }
  }

  private checkQuorumHolds(
    host: CheckedHost,
    index: number,
    term: number,
    progress: Status['progress'],
    all: ReadonlyMap<bigint, CheckedHost>,
  ): void {
    if (progress.size === 0) throw new Error(`member ${host.id}, no leader, is the first to commit entry ${index}`);
    const voters = [...progress].filter(([, peer]) => !peer.isLearner).map(([id]) => id);
    const holders = voters.filter((id) => all.get(id)?.disk.holds(index, term));
    if (holders.length <= voters.length / 2) {
      throw new Error(`entry ${index} committed, but durable only on [${holders.join()}] of [${voters.join()}]`);
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
