/**
 * Linearizable reads that wait for a quorum to confirm the leader (thesis §6.4). Each is known by its context, which
 * travels with heartbeats; a confirmed context confirms all reads that came before it.
 */

/** Reads at most that a leader keeps waiting; the rest is refused. Callers batch their reads into one context. */
export const maxWaitingReads = 4096;

export interface WaitingRead {
  context: Uint8Array;
  /** The member to answer; itself for a local read. */
  from: bigint;
}

export interface ConfirmedRead extends WaitingRead {
  /** The commit index when the read came in. */
  index: number;
}

interface PendingRead extends ConfirmedRead {
  acknowledged: Set<bigint>;
}

export class ReadQueue {
  /** In the order in which they came. */
  private readonly pending = new Map<string, PendingRead>();
  /** Came before the leader had committed an entry of its term, and so did not know what is committed. */
  private postponed: WaitingRead[] = [];
  private newest: Uint8Array | undefined;

  isFull(): boolean {
    return this.pending.size + this.postponed.length >= maxWaitingReads;
  }

  postpone(read: WaitingRead): void {
    this.postponed.push(read);
  }

  takePostponed(): WaitingRead[] {
    const taken = this.postponed;
    this.postponed = [];
    return taken;
  }

  /** A context that is waiting already is a repetition, and keeps its place. */
  add(read: WaitingRead, commit: number, self: bigint): void {
    const key = keyOf(read.context);
    if (this.pending.has(key)) return;
    this.pending.set(key, { ...read, index: commit, acknowledged: new Set([self]) });
    this.newest = read.context;
  }

  /** @returns who has confirmed the leader since that read came in; undefined if it does not wait any more */
  acknowledge(context: Uint8Array, by: bigint): ReadonlySet<bigint> | undefined {
    return this.pending.get(keyOf(context))?.acknowledged.add(by);
  }

  /** Removes the read and all before it. @returns them, in the order in which they came */
  takeThrough(context: Uint8Array): ConfirmedRead[] {
    const last = keyOf(context);
    const taken: ConfirmedRead[] = [];
    for (const [key, read] of this.pending) {
      this.pending.delete(key);
      taken.push(read);
      if (key === last) break;
    }
    if (this.pending.size === 0) this.newest = undefined;
    return taken;
  }

  /** The context that confirms all reads waiting. */
  newestContext(): Uint8Array | undefined {
    return this.newest;
  }

  clear(): void {
    this.pending.clear();
    this.postponed = [];
    this.newest = undefined;
  }
}

function keyOf(context: Uint8Array): string {
  return Buffer.from(context.buffer, context.byteOffset, context.byteLength).toString('latin1');
}
