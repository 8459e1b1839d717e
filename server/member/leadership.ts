/** Who leads, as this member knows it, and what follows from it for those that wait. */
import { errTimeout, errTimeoutConnectionLost, errTimeoutLeaderFail } from '../errors/etcd-error.ts';
import type { Cluster } from '../membership/mod.ts';

export interface LeadershipOptions {
  readonly localId: bigint;
  readonly electionMs: number;
  cluster(): Cluster;
  /** When a member became reachable, by the clock `now`; undefined while it is not. */
  activeSince(id: bigint): number | undefined;
  transferLeader(to: bigint): void;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
}

export class Leadership {
  /** The leader's id; 0 when none is known. */
  lead = 0n;
  /** How often another one was elected. */
  changes = 0;
  private readonly options: LeadershipOptions;
  private electedMs = Number.NEGATIVE_INFINITY;
  private readonly waiters = new Set<() => void>();

  constructor(options: LeadershipOptions) {
    this.options = options;
  }

  get isLocal(): boolean {
    return this.lead === this.options.localId;
  }

  changed(lead: bigint): void {
    this.lead = lead;
    if (lead !== 0n) {
      this.changes++;
      this.electedMs = this.options.now();
    }
    for (const resolve of this.waiters) resolve();
  }

  /**
   * Hands leadership to the voter that is connected longest, so that the cluster need not wait for a timeout. Waits for
   * an election timeout at most.
   *
   * @returns false when there is nobody to take it
   */
  async handOver(): Promise<boolean> {
    const { activeSince, cluster, electionMs, localId, transferLeader } = this.options;
    const candidates = cluster()
      .voters()
      .flatMap(({ id }) => {
        const since = id === localId ? undefined : activeSince(id);
        return since === undefined ? [] : [{ id, since }];
      });
    const [longest] = candidates.sort((a, b) => a.since - b.since);
    if (longest === undefined) return false;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(deadline);
        this.waiters.delete(end);
        resolve();
      };
      const deadline = setTimeout(end, electionMs);
      this.waiters.add(end);
      transferLeader(longest.id);
    });
    return true;
  }

  /** Upstream's reasons for a request that came to no result, in the order in which it looks for them. */
  timeoutError(startedMs: number): Error {
    const { activeSince, cluster, electionMs, localId } = this.options;
    if (startedMs > this.electedMs - 2 * electionMs && startedMs < this.electedMs) return errTimeoutLeaderFail();
    const isConnected = (id: bigint): boolean => (activeSince(id) ?? Number.POSITIVE_INFINITY) < startedMs;
    if (this.isLocal) {
      const voters = cluster().voters();
      const connected = voters.filter(({ id }) => id === localId || isConnected(id)).length;
      if (connected <= voters.length / 2) return errTimeoutConnectionLost();
    } else if (this.lead !== 0n && !isConnected(this.lead)) {
      return errTimeoutConnectionLost();
    }
    return errTimeout();
  }
}
