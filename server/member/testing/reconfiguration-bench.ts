/** What decides about changes of the membership, with a log, peers and a leader that are what a test says. */
import { vi } from 'vitest';
import type { Backend } from '../../backend/backend.ts';
import { Cluster } from '../../membership/mod.ts';
import { type ConfChange, ConfChangeType } from '../../proto/gen/raft.ts';
import { type ProgressStatus, ProposalDropped } from '../../raft/mod.ts';
import { Reconfiguration, type ReconfigurationOptions } from '../reconfiguration.ts';

export const timeoutMs = 7000;
/** Monotonic milliseconds: long enough for a member to count as connected. */
export const longAgo = -1_000_000;

/** A member with id 1 whose log applies what it is given when `apply` is called, and whose peers are what the test says. */
export class ReconfigurationBench {
  readonly cluster = Cluster.load(77n, {
    get: () => undefined,
    scan: () => undefined,
    put: () => undefined,
    delete: () => undefined,
  } as unknown as Backend);
  readonly log: ConfChange[] = [];
  readonly activeSince = new Map<bigint, number>();
  readonly match = new Map<bigint, number>();
  readonly transfers: bigint[] = [];
  hasLeader = true;
  catchUp: ReconfigurationOptions['catchUp'] = async () => undefined;
  lead = 1n;
  promoteAt: ReconfigurationOptions['promoteAt'] = async () => {
    throw new Error('not expected');
  };
  readonly reconfiguration: Reconfiguration;

  constructor({ strict = true } = {}) {
    let id = 100n;
    const silent = { info: () => undefined, warn: () => undefined };
    this.reconfiguration = new Reconfiguration({
      localId: 1n,
      strict,
      timeoutMs,
      electionMs: 1000,
      pollMs: 100,
      cluster: () => this.cluster,
      lead: () => this.lead,
      status: () => ({
        state: this.lead === 1n ? 'leader' : 'follower',
        progress: new Map([...this.match].map(([member, match]) => [member, { match } as ProgressStatus])),
      }),
      activeSince: (member) => this.activeSince.get(member),
      catchUp: () => this.catchUp(),
      nextId: () => id++,
      propose: (change) => {
        if (!this.hasLeader) throw new ProposalDropped('no leader');
        this.log.push(change);
      },
      transferLeader: (to) => this.transfers.push(to),
      promoteAt: (url, member) => this.promoteAt(url, member),
      now: () => Date.now(),
      unixSeconds: () => Math.floor(Date.now() / 1000),
      timeoutError: () => new Error('timed out'),
      log: silent as unknown as ReconfigurationOptions['log'],
    });
  }

  /** Members that have started and been connected for long. */
  withMembers(...ids: bigint[]): this {
    for (const id of ids) {
      this.add(id);
      this.cluster.setAttributes(id, { name: `m${id}`, clientURLs: [`http://m${id}:2379`] });
      if (id !== 1n) this.activeSince.set(id, longAgo);
    }
    return this;
  }

  add(id: bigint, isLearner = false): void {
    const json = `{"id":${id},"peerURLs":["http://m${id}:2380"]${isLearner ? ',"isLearner":true' : ''}}`;
    const type = isLearner ? ConfChangeType.ConfChangeAddLearnerNode : ConfChangeType.ConfChangeAddNode;
    this.cluster.applyConfChange({ id: 0n, type, node_id: id, context: Buffer.from(json) });
  }

  /** Applies the proposed changes as the state machine does. */
  apply(): void {
    for (const change of this.log.splice(0)) {
      const error = this.cluster.validateConfChange(change);
      if (error === undefined) this.cluster.applyConfChange(change);
      this.reconfiguration.applied(change.id, { members: this.cluster.members(), error });
    }
  }

  /** Waits for the change to be proposed, applies it, and gives its result. */
  async applied<T>(result: Promise<T>): Promise<T> {
    result.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    this.apply();
    return result;
  }
}
