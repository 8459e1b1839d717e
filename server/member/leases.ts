/**
 * What clients ask of leases beside the log: renewals and times to live, which only the leader's clock can answer
 * (contract: api.md §2.6, disk-and-peer §8 "/leases").
 */
import { Code, EtcdError, errNoLeader, errStopped, errTimeout } from '../errors/etcd-error.ts';
import { type Lessor, NotPrimaryError } from '../lease/mod.ts';
import type { Cluster } from '../membership/mod.ts';
import { keyBytes } from '../mvcc/mod.ts';
import type { PeerClient } from '../peer/mod.ts';
import { LeaseTimeToLiveResponse } from '../proto/gen/rpc.ts';

/** Between two attempts to find a leader that answers. */
const retryMs = 50;

export interface MemberLeasesOptions {
  localId: bigint;
  lessor(): Lessor;
  cluster(): Cluster;
  /** The leader's id; 0 when none is known. */
  lead(): bigint;
  /** Settles when everything that is committed by now is applied. @throws EtcdError when that takes too long */
  waitApplied(): Promise<void>;
  /** Logs that a lease has its full time again. @throws EtcdError */
  clearCheckpoint(id: bigint): Promise<void>;
  /** Asks the member behind a peer URL. */
  client: Pick<PeerClient, 'renewLease' | 'leaseTimeToLive'>;
  /** How long a call may look for an answer. */
  timeoutMs: number;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
}

export class MemberLeases {
  private readonly options: MemberLeasesOptions;
  private stopped = false;

  constructor(options: MemberLeasesOptions) {
    this.options = options;
  }

  /** @returns the time to live in seconds @throws EtcdError NotFound when the lease is gone, Unavailable */
  renew(id: bigint): Promise<number> {
    const { client } = this.options;
    return this.askLeader(
      () => this.renewHere(id),
      (url) => client.renewLease(url, id),
    );
  }

  /** @returns an answer without a header @throws EtcdError NotFound when the lease is gone, Unavailable */
  timeToLive(id: bigint, keys: boolean): Promise<LeaseTimeToLiveResponse> {
    const { client } = this.options;
    return this.askLeader(
      () => this.timeToLiveHere(id, keys),
      (url) => client.leaseTimeToLive(url, id, keys),
    );
  }

  /** As `renew`, on the leader. @throws NotPrimaryError elsewhere */
  async renewHere(id: bigint): Promise<number> {
    const { clearCheckpoint, lessor, timeoutMs, waitApplied } = this.options;
    await waitApplied();
    for (;;) {
      await within(lessor().whenRenewable(id), timeoutMs);
      if (!lessor().isCheckpointed(id)) return lessor().renew(id);
      await clearCheckpoint(id);
    }
  }

  /** As `timeToLive`, on the leader. @throws NotPrimaryError elsewhere */
  async timeToLiveHere(id: bigint, withKeys: boolean): Promise<LeaseTimeToLiveResponse> {
    await this.options.waitApplied();
    const { grantedTtlSeconds, keys, remainingTtlSeconds } = this.options.lessor().timeToLive(id);
    return LeaseTimeToLiveResponse.create({
      ID: id,
      TTL: remainingTtlSeconds,
      grantedTTL: grantedTtlSeconds,
      keys: withKeys ? Array.from(keys, keyBytes) : [],
    });
  }

  stop(): void {
    this.stopped = true;
  }

  /** Leaders come and go, and a new one needs a moment to know its leases: asks until one answers. */
  private async askLeader<T>(here: () => Promise<T>, there: (url: string) => Promise<T>): Promise<T> {
    const { lead, localId, now, timeoutMs } = this.options;
    const deadline = now() + timeoutMs;
    while (!this.stopped) {
      const answer = lead() === localId ? await tried(here()) : await this.askPeer(there);
      if (answer !== undefined) return answer;
      if (now() >= deadline) throw lead() === 0n ? errNoLeader() : errTimeout();
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    throw errStopped();
  }

  private async askPeer<T>(there: (url: string) => Promise<T>): Promise<T | undefined> {
    const { cluster, lead } = this.options;
    for (const url of cluster().member(lead())?.peerURLs ?? []) {
      const answer = await there(url).catch((error: unknown) => {
        if (error instanceof EtcdError && error.code === Code.NotFound) throw error;
        return undefined;
      });
      if (answer !== undefined) return answer;
    }
    return undefined;
  }
}

/** @returns undefined when this member turns out not to lead, or not yet */
function tried<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof NotPrimaryError) return undefined;
    throw error;
  });
}

/** @throws EtcdError Unavailable when `promise` is not settled in time */
async function within(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(errTimeout()), timeoutMs);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
