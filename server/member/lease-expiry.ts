/**
 * The passing of time for leases: on the leader, and only there, what has expired is revoked through the log, and what
 * is left of long leases is logged now and then (contract: api.md §2.6, disk-and-peer §9 "lessor").
 */
import type { ApplyResult } from '../apply/mod.ts';
import type { Logger } from '../base/logger.ts';
import { Code } from '../errors/etcd-error.ts';
import type { Lessor } from '../lease/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';

/** Between two looks at the leases; with `maxRevokesPerTick` this makes upstream's 1000 revocations a second. */
const tickMs = 500;
const maxRevokesPerTick = 500;
const maxRevokesAtOnce = 16;
const maxCheckpointsPerRequest = 1000;

export interface LeaseExpiryOptions {
  lessor(): Lessor;
  /** Whether raft takes proposals as leader at this very moment. */
  isLeader(): boolean;
  /** Proposes as leader or not at all; rejects when this member cannot. */
  propose(request: Partial<InternalRaftRequest>): Promise<ApplyResult>;
  /** The time that an election may have taken, which leases get on top when this member becomes leader. */
  electionMs: number;
  /** Called for each lease that was revoked because it had expired. */
  onExpired(): void;
  log: Logger;
}

export class LeaseExpiry {
  private readonly options: LeaseExpiryOptions;
  private ticker: NodeJS.Timeout | undefined;
  private promotedTerm = 0;
  private revoking = false;
  private checkpointing = false;

  constructor(options: LeaseExpiryOptions) {
    this.options = options;
  }

  start(): void {
    this.ticker = setInterval(() => this.tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.ticker);
    this.options.lessor().demote();
  }

  /** This member leads, and has applied all that the leaders before it have acknowledged. @param term the one it leads */
  promote(term: number): void {
    if (term === this.promotedTerm) return;
    this.promotedTerm = term;
    this.options.lessor().promote(this.options.electionMs);
  }

  /** This member does not lead any more. */
  demote(): void {
    this.options.lessor().demote();
  }

  private tick(): void {
    if (!this.mayDecide()) return;
    if (!this.revoking) void this.revokeExpired();
    if (!this.checkpointing) void this.logCheckpoints();
  }

  private mayDecide(): boolean {
    const { isLeader, lessor } = this.options;
    return lessor().isPrimary && isLeader();
  }

  private async revokeExpired(): Promise<void> {
    const { lessor, log } = this.options;
    const expired = lessor().takeExpired(maxRevokesPerTick);
    if (expired.length === 0) return;
    this.revoking = true;
    const failures: Error[] = [];
    const revokeOneByOne = async (): Promise<void> => {
      for (let id = expired.shift(); id !== undefined; id = expired.shift()) {
        await this.revoke(id).catch((error: Error) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: maxRevokesAtOnce }, revokeOneByOne));
    this.revoking = false;
    if (failures.length === 0) return;
    log.warn('failed to revoke expired leases; trying again', {
      leases: failures.length,
      error: failures[0]?.message,
    });
  }

  private async revoke(ID: bigint): Promise<void> {
    const { onExpired, propose } = this.options;
    // A member that has lost its leadership meanwhile must not pass this on: the lease may live on with the new leader.
    if (!this.mayDecide()) return;
    const { error } = await propose({ lease_revoke: { ID } });
    if (error === undefined) onExpired();
    else if (error.code !== Code.NotFound) throw error;
  }

  private async logCheckpoints(): Promise<void> {
    const { lessor, log, propose } = this.options;
    this.checkpointing = true;
    try {
      while (this.mayDecide()) {
        const checkpoints = lessor().takeDueCheckpoints(maxCheckpointsPerRequest);
        if (checkpoints.length === 0) break;
        const { error } = await propose({ lease_checkpoint: { checkpoints } });
        if (error !== undefined) throw error;
      }
    } catch (error) {
      log.warn('failed to log what is left of leases', { error: (error as Error).message });
    } finally {
      this.checkpointing = false;
    }
  }
}
