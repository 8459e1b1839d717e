/**
 * Changes of the membership at run time: checked, proposed to the log, and answered once they are applied here
 * (contract: api.md §2.8, disk-and-peer §2.2). What may change is decided twice: by `reconfiguration-check.ts`, with
 * what this member knows of the others, and by `Cluster` when the entry is applied, on every member alike.
 */
import type { Logger } from '../base/logger.ts';
import {
  type EtcdError,
  errBadLeaderTransferee,
  errLeaderChanged,
  errLearnerNotReady,
  errMemberBadUrls,
  errMemberNotFound,
  errMemberNotLearner,
  errNotEnoughStartedMembers,
  errNotLeader,
  errStopped,
  errTimeout,
  errTimeoutLeaderTransfer,
  errTooManyRequests,
} from '../errors/etcd-error.ts';
import { encodeContext, idToHex, type Member, memberId, newMember, parseUrls } from '../membership/mod.ts';
import { ConfChange, ConfChangeType } from '../proto/gen/raft.ts';
import { ProposalDropped } from '../raft/mod.ts';
import { PendingRequests } from './pending.ts';
import { checkAdd, checkPromote, checkRemove, type ReconfigurationView } from './reconfiguration-check.ts';

/** Changes that may wait for those before them. */
const maxWaiting = 64;
/** Between two attempts to find the leader for a promotion. */
const forwardRetryMs = 100;

/** What an applied change came to. */
export interface ChangeOutcome {
  members: Member[];
  error?: EtcdError | undefined;
}

type ChangeFields = Pick<ConfChange, 'type' | 'context'>;

export interface ReconfigurationOptions extends ReconfigurationView {
  timeoutMs: number;
  electionMs: number;
  pollMs: number;
  lead(): bigint;
  /** Resolves when this member has applied what the leader had committed when it was called. @throws EtcdError */
  catchUp(): Promise<void>;
  nextId(): bigint;
  /** The wall clock, for the ids of new members. */
  unixSeconds(): number;
  /** @throws ProposalDropped when there is no leader to take it */
  propose(change: ConfChange): void;
  transferLeader(to: bigint): void;
  /** Asks the member behind a peer URL to promote a learner. @throws EtcdError when it refuses, Error otherwise */
  promoteAt(url: string, id: bigint): Promise<Member[]>;
  /** A learner was made a voter by this leader; or why not. */
  onPromotion?(refusal: string | undefined): void;
  /** Why a change that was begun at `startedMs` found no result in time. */
  timeoutError(startedMs: number): Error;
  log: Logger;
}

export class Reconfiguration {
  private readonly options: ReconfigurationOptions;
  private readonly pending = new PendingRequests<ChangeOutcome>();
  /** Changes that found no leader. */
  private parked: ConfChange[] = [];
  /** Raft takes one change at a time and drops others: they wait here for each other. */
  private turn: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private readonly stopping = new AbortController();

  constructor(options: ReconfigurationOptions) {
    this.options = options;
  }

  /**
   * Adds a member that is to be started afterwards, with `--initial-cluster-state existing`.
   *
   * @returns the new member, without a name until it has started, and all members
   * @throws EtcdError
   */
  async addMember(peerURLs: readonly string[], isLearner: boolean): Promise<{ member: Member; members: Member[] }> {
    const urls = checkedUrls(peerURLs);
    const id = memberId(urls, '', this.options.unixSeconds());
    const member = newMember({ id, peerURLs: urls, isLearner });
    const members = await this.change('member add', id, () => {
      checkAdd(this.options, member);
      return {
        type: isLearner ? ConfChangeType.ConfChangeAddLearnerNode : ConfChangeType.ConfChangeAddNode,
        context: Buffer.from(encodeContext({ member, isPromote: false })),
      };
    });
    return { member, members };
  }

  /** @returns the members that are left @throws EtcdError */
  removeMember(id: bigint): Promise<Member[]> {
    const make = (): ChangeFields => {
      checkRemove(this.options, id);
      return { type: ConfChangeType.ConfChangeRemoveNode };
    };
    return this.change('member remove', id, make, () => this.replaceLeader(id));
  }

  /** Tells the cluster where a member's peers reach it from now on. @throws EtcdError */
  async updateMember(id: bigint, peerURLs: readonly string[]): Promise<Member[]> {
    const urls = checkedUrls(peerURLs);
    return this.change('member update', id, () => {
      // A learner that is not said to be one counts as a voter afterwards; upstream's own updates leave it out.
      const isLearner = this.options.cluster().member(id)?.isLearner ?? false;
      const member = newMember({ id, peerURLs: urls, isLearner });
      return {
        type: ConfChangeType.ConfChangeUpdateNode,
        context: Buffer.from(encodeContext({ member, isPromote: false })),
      };
    });
  }

  /** Makes a voter of a learner. Only the leader knows how far it has caught up, so the leader is asked. @throws EtcdError */
  async promoteMember(id: bigint): Promise<Member[]> {
    const deadline = this.options.now() + this.options.timeoutMs;
    for (;;) {
      if (this.isLeader()) return this.promoteHere(id);
      const members = await this.promoteAtLeader(id);
      if (members !== undefined) return members;
      if (this.options.now() >= deadline) throw errTimeout();
      await this.pause(forwardRetryMs);
    }
  }

  /** As `promoteMember`, on the leader. @throws EtcdError; errNotLeader elsewhere */
  async promoteHere(id: bigint): Promise<Member[]> {
    try {
      const members = await this.change('member promote', id, () => {
        checkPromote(this.options, id);
        return {
          type: ConfChangeType.ConfChangeAddNode,
          context: Buffer.from(encodeContext({ member: newMember({ id }), isPromote: true })),
        };
      });
      this.options.onPromotion?.(undefined);
      return members;
    } catch (error) {
      if (this.isLeader()) this.options.onPromotion?.((error as Error).message);
      throw error;
    }
  }

  /**
   * Hands leadership from this member to another voter.
   *
   * @returns when this member knows the new leader
   * @throws EtcdError
   */
  async moveLeader(to: bigint): Promise<void> {
    const { cluster, lead, now, pollMs, timeoutMs, transferLeader } = this.options;
    if (!this.isLeader()) throw errNotLeader();
    const target = cluster().member(to);
    if (target === undefined || target.isLearner) throw errBadLeaderTransferee();
    const deadline = now() + timeoutMs;
    transferLeader(to);
    while (lead() !== to) {
      if (now() >= deadline) throw errTimeoutLeaderTransfer();
      await this.pause(pollMs);
    }
  }

  /** The ConfChange of request `id` was applied here. */
  applied(id: bigint, outcome: ChangeOutcome): void {
    this.pending.settle(id, outcome);
  }

  /** There may be a leader again: proposes what waited for one. */
  retryParked(): void {
    for (const change of this.parked.splice(0)) if (this.pending.has(change.id)) this.submit(change);
  }

  stop(): void {
    this.stopping.abort();
    this.parked = [];
    this.pending.failAll(errStopped());
  }

  /**
   * @param make checks whether the change is allowed, and says what it is; called when its turn has come, and again when
   *   this member knows what the leader knows
   * @param prepare what is to be done when it is allowed, before it is proposed
   */
  private async change(
    what: string,
    memberId: bigint,
    make: () => ChangeFields,
    prepare: () => Promise<void> = async () => undefined,
  ): Promise<Member[]> {
    if (this.stopping.signal.aborted) throw errStopped();
    if (this.waiting >= maxWaiting) throw errTooManyRequests();
    const startedMs = this.options.now();
    this.waiting++;
    const result = this.turn.then(() => this.run(startedMs, () => ({ ...make(), node_id: memberId }), prepare));
    this.turn = result.catch(() => undefined);
    const { log } = this.options;
    const fields = { change: what, 'requested-member-id': idToHex(memberId) };
    try {
      const members = await result;
      log.info('applied a membership change', fields);
      return members;
    } catch (error) {
      log.warn('membership change failed', { ...fields, error: (error as Error).message });
      throw error;
    } finally {
      this.waiting--;
    }
  }

  private async run(
    startedMs: number,
    make: () => Omit<ConfChange, 'id'>,
    prepare: () => Promise<void>,
  ): Promise<Member[]> {
    const { nextId, now, timeoutError, timeoutMs } = this.options;
    if (this.stopping.signal.aborted) throw errStopped();
    const leftMs = (): number => startedMs + timeoutMs - now();
    if (leftMs() <= 0) throw timeoutError(startedMs);
    make();
    await prepare();
    // A leader drops a change, silently, until it has applied all that it took over and every change before.
    await this.catchUp(leftMs);
    if (leftMs() <= 0) throw timeoutError(startedMs);
    const id = nextId();
    const change = ConfChange.create({ id, ...make() });
    const outcome = this.pending.wait(id, leftMs(), () => timeoutError(startedMs));
    this.submit(change);
    const { members, error } = await outcome;
    if (error !== undefined) throw error;
    return members;
  }

  private async catchUp(leftMs: () => number): Promise<void> {
    for (;;) {
      try {
        await this.options.catchUp();
        return;
      } catch (error) {
        if ((error as Error).message !== errLeaderChanged().message || leftMs() <= 0) throw error;
      }
    }
  }

  private submit(change: ConfChange): void {
    try {
      this.options.propose(change);
    } catch (error) {
      if (error instanceof ProposalDropped) this.parked.push(change);
      else this.pending.fail(change.id, error as Error);
    }
  }

  /**
   * A leader that is to be removed hands over first: afterwards nobody listens to it, and the others would have to wait
   * for an election timeout. If it does not work out it is removed all the same.
   */
  private async replaceLeader(id: bigint): Promise<void> {
    const { activeSince, cluster, electionMs, lead, localId, now, pollMs, transferLeader } = this.options;
    if (lead() !== id) return;
    const since = (other: bigint): number =>
      other === localId ? Number.NEGATIVE_INFINITY : (activeSince(other) ?? Number.POSITIVE_INFINITY);
    const [successor] = cluster()
      .voters()
      .filter((voter) => voter.id !== id && since(voter.id) < Number.POSITIVE_INFINITY)
      .sort((a, b) => since(a.id) - since(b.id));
    if (successor === undefined) return;
    const deadline = now() + electionMs;
    transferLeader(successor.id);
    while (lead() === id && now() < deadline) await this.pause(pollMs);
  }

  private isLeader(): boolean {
    return this.options.lead() === this.options.localId;
  }

  /** @returns undefined when there is no leader, or it could not be asked: it may be another one soon */
  private async promoteAtLeader(id: bigint): Promise<Member[] | undefined> {
    const { cluster, lead, log, promoteAt } = this.options;
    for (const url of cluster().member(lead())?.peerURLs ?? []) {
      try {
        return await promoteAt(url, id);
      } catch (error) {
        if (isFinal(error)) throw error;
        log.warn('failed to forward a promotion to the leader', { url, error: (error as Error).message });
      }
    }
    return undefined;
  }

  private pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve, reject) => {
      const stopped = (): void => {
        clearTimeout(timer);
        reject(errStopped());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stopped);
        resolve();
      }, ms);
      signal.addEventListener('abort', stopped, { once: true });
      if (signal.aborted) stopped();
    });
  }
}

/** Answers of a leader that no other leader would give differently. */
const finalRefusals = [errLearnerNotReady, errMemberNotFound, errMemberNotLearner, errNotEnoughStartedMembers].map(
  (make) => make().message,
);

function isFinal(error: unknown): boolean {
  return finalRefusals.includes((error as Error).message);
}

/** @throws EtcdError InvalidArgument */
export function checkedUrls(urls: readonly string[]): string[] {
  try {
    return parseUrls(urls);
  } catch {
    throw errMemberBadUrls();
  }
}
