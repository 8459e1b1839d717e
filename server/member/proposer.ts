/** Proposals: from a request to its result, once the entry it became is applied on this member. */
import type { ApplyResult } from '../apply/mod.ts';
import { errRequestTooLarge, errStopped, errTooManyRequests } from '../errors/etcd-error.ts';
import { InternalRaftRequest, RequestHeader } from '../proto/gen/raft_internal.ts';
import { ProposalDropped, TooManyUnapplied } from '../raft/mod.ts';
import { PendingRequests } from './pending.ts';

/** Upstream's bound on committed entries that are not yet applied (contract: disk-and-peer §9). */
const maxApplyGap = 5000;
/** Requests that may wait for their entry at a time; beyond either, memory and not the log would be the queue. */
const maxPending = 50_000;
const maxPendingBytes = 128 * 1024 * 1024;

export interface ProposerOptions {
  nextId(): bigint;
  /** @throws ProposalDropped when there is no leader to take it */
  propose(data: Uint8Array): void;
  /** Committed entries that are not yet applied. */
  applyGap(): number;
  timeoutMs: number;
  maxRequestBytes: number;
  /** Why a proposal that was made at `startedMs`, of the clock that never jumps, found no result in time. */
  timeoutError(startedMs: number): Error;
}

export class Proposer {
  private readonly options: ProposerOptions;
  private readonly pending = new PendingRequests<ApplyResult>();
  /** Proposals that found no leader: made when there is one, unless their time is up. */
  private parked: { id: bigint; data: Uint8Array }[] = [];
  private pendingBytes = 0;
  private stopped = false;
  failed = 0;

  constructor(options: ProposerOptions) {
    this.options = options;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  /**
   * Proposes a request to the cluster.
   *
   * @param fields their `header` says who asks; its id is given here
   * @param waitsForLeader whether the proposal may wait when there is nobody to take it; it is refused otherwise
   * @returns what applying it came to; a request that was refused then carries its error
   * @throws EtcdError when it is too large, this member or the leader is overloaded, the member is stopping, or no
   *   result came in time
   */
  async propose(fields: Partial<InternalRaftRequest>, waitsForLeader = true): Promise<ApplyResult> {
    const { nextId, applyGap, timeoutMs, maxRequestBytes, timeoutError } = this.options;
    if (this.stopped) throw errStopped();
    if (applyGap() > maxApplyGap || this.pending.size >= maxPending) throw errTooManyRequests();
    const id = nextId();
    const request = InternalRaftRequest.create(fields);
    request.header = RequestHeader.create({ ...fields.header, ID: id });
    const data = InternalRaftRequest.encode(request);
    if (data.length > maxRequestBytes) throw errRequestTooLarge();
    if (this.pendingBytes > 0 && this.pendingBytes + data.length > maxPendingBytes) throw errTooManyRequests();
    const startedMs = performance.now();
    const result = this.pending.wait(id, timeoutMs, () => {
      this.failed++;
      return timeoutError(startedMs);
    });
    this.pendingBytes += data.length;
    this.submit(id, data, waitsForLeader);
    try {
      return await result;
    } finally {
      this.pendingBytes -= data.length;
    }
  }

  /** The entry of request `id` was applied here. */
  applied(id: bigint, result: ApplyResult): void {
    this.pending.settle(id, result);
  }

  /** A leader may be there again: makes the proposals that waited for one. */
  retryParked(): void {
    if (this.parked.length === 0) return;
    for (const { id, data } of this.parked.splice(0)) {
      if (this.pending.has(id)) this.submit(id, data);
    }
  }

  stop(): void {
    this.stopped = true;
    this.parked = [];
    this.pending.failAll(errStopped());
  }

  private submit(id: bigint, data: Uint8Array, waitsForLeader = true): void {
    try {
      this.options.propose(data);
    } catch (error) {
      if (error instanceof TooManyUnapplied) this.pending.fail(id, errTooManyRequests());
      else if (error instanceof ProposalDropped && waitsForLeader) this.parked.push({ id, data });
      else this.pending.fail(id, error as Error);
    }
  }
}
