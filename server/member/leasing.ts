/** All that a member does about leases beside the log: answers their holders, and revokes those that have expired. */
import type { Lessor } from '../lease/mod.ts';
import type { Cluster } from '../membership/mod.ts';
import { PeerClient } from '../peer/mod.ts';
import { type MemberConfig, requestTimeoutMs } from './config.ts';
import { LeaseExpiry, type LeaseExpiryOptions } from './lease-expiry.ts';
import { MemberLeases } from './leases.ts';
import type { Proposer } from './proposer.ts';

export interface LeasingOptions {
  readonly localId: bigint;
  readonly config: Pick<MemberConfig, 'electionMs' | 'peerTls' | 'observe' | 'log'>;
  lessor(): Lessor;
  cluster(): Cluster;
  /** The leader's id; 0 when none is known. */
  lead(): bigint;
  isLeader(): boolean;
  /** Settles when everything that is committed by now is applied. @throws EtcdError when that takes too long */
  waitApplied(): Promise<void>;
  readonly proposer: Pick<Proposer, 'propose'>;
  /** Proposes a revocation or a checkpoint in the name of the cluster; what finds no leader is not made later. */
  revoke: LeaseExpiryOptions['propose'];
  /** Milliseconds of a clock that never jumps. */
  now(): number;
}

export class Leasing {
  /** Renewals and times to live. */
  readonly answers: MemberLeases;
  /** Told when this member begins and ends to lead. */
  readonly expiry: LeaseExpiry;
  private readonly client: PeerClient;

  constructor(options: LeasingOptions) {
    const { cluster, config, isLeader, lead, lessor, localId, now, proposer, revoke, waitApplied } = options;
    const { electionMs, log, observe, peerTls } = config;
    // A leader that does not answer in the time of an election may be none any more: it is not waited for longer.
    this.client = new PeerClient({ ...(peerTls && { tls: peerTls }), timeoutMs: 1000 + electionMs });
    this.answers = new MemberLeases({
      ...{ localId, lessor, cluster, lead, waitApplied, now },
      clearCheckpoint: async (ID) => {
        const request = { lease_checkpoint: { checkpoints: [{ ID, remaining_TTL: 0 }] } };
        const { error } = await proposer.propose(request);
        if (error !== undefined) throw error;
      },
      client: this.client,
      timeoutMs: requestTimeoutMs(config),
    });
    this.expiry = new LeaseExpiry({
      lessor,
      isLeader,
      propose: revoke,
      electionMs,
      onExpired: () => observe?.leases?.expired?.(),
      log: log.at('member/lease-expiry'),
    });
  }

  start(): void {
    this.expiry.start();
  }

  stop(): void {
    this.answers.stop();
    this.expiry.stop();
    this.client.close();
  }
}
