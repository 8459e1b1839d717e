/**
 * Linearizable reads: all reads that wait share one read-index round, and the next round starts when that one is
 * answered (Raft thesis §6.4; contract: disk-and-peer §9 "ReadIndex").
 */
import { errLeaderChanged, errStopped, errTimeout, errTooManyRequests } from '../errors/etcd-error.ts';
import type { AppliedIndexWaiters } from './pending.ts';

/** Reads that may wait for the next round; beyond it memory would be the queue. */
const maxWaiting = 50_000;

/** All reads that wait for one round wait for one promise. */
interface Readers extends PromiseWithResolvers<void> {
  count: number;
}

interface Round {
  context: bigint;
  readers: Readers;
  retry: NodeJS.Timeout;
  deadline: NodeJS.Timeout;
  startedMs: number;
}

export interface ReadIndexOptions {
  /** A cluster-wide unique id for a round. */
  nextId(): bigint;
  /** Asks raft for a read index. It may be lost, so it is asked again after `retryMs`. */
  request(context: Uint8Array): void;
  /** Makes sure that `begin` is called once the event loop has delivered all input of this turn. */
  wake(): void;
  applied: AppliedIndexWaiters;
  /** How long a round may take, from the question until its index is applied. */
  timeoutMs: number;
  retryMs: number;
  /** Called when a round found no answer in time. */
  onFailed(): void;
  /** Called when a round had to ask more than once. */
  onSlow(): void;
}

export class ReadIndex {
  private readonly options: ReadIndexOptions;
  private waiting: Readers | undefined;
  private round: Round | undefined;
  private stopped = false;

  constructor(options: ReadIndexOptions) {
    this.options = options;
  }

  /**
   * Resolves when a read of local state is linearizable.
   *
   * @throws EtcdError Unavailable without an answer in time, when the leader changes, and when the member stops;
   *   ResourceExhausted when too many reads wait
   */
  wait(): Promise<void> {
    if (this.stopped) return Promise.reject(errStopped());
    if (this.waiting === undefined) {
      this.waiting = { ...Promise.withResolvers<void>(), count: 0 };
      if (this.round === undefined) this.options.wake();
    }
    if (this.waiting.count >= maxWaiting) return Promise.reject(errTooManyRequests());
    this.waiting.count++;
    return this.waiting.promise;
  }

  /** Starts a round for all reads that wait, unless one is under way. */
  begin(): void {
    if (this.round === undefined && this.waiting !== undefined) this.startRound(this.waiting);
  }

  /** Raft's answer: state applied up to `index` reflects all that was acknowledged before the round began. */
  answer(context: Uint8Array, index: number): void {
    const { round } = this;
    if (round === undefined || context.length !== 8 || decodeContext(context) !== round.context) return;
    this.endRound(round);
    const { applied, onFailed, timeoutMs } = this.options;
    const { resolve, reject } = round.readers;
    if (applied.has(index)) {
      resolve();
    } else {
      const leftMs = Math.max(0, round.startedMs + timeoutMs - performance.now());
      applied.wait(index, leftMs).then(resolve, (error: Error) => {
        onFailed();
        reject(error);
      });
    }
    this.wakeForWaiting();
  }

  /** The leader that was asked may be none any more: its answer would prove nothing. */
  leaderChanged(): void {
    if (this.round !== undefined) this.failRound(this.round, errLeaderChanged());
  }

  /** Reads whose index is known already wait on: `AppliedIndexWaiters` ends them. */
  stop(): void {
    this.stopped = true;
    if (this.round !== undefined) this.failRound(this.round, errStopped());
    this.waiting?.reject(errStopped());
    this.waiting = undefined;
  }

  private wakeForWaiting(): void {
    if (this.waiting !== undefined) this.options.wake();
  }

  private startRound(readers: Readers): void {
    const { nextId, request, timeoutMs, retryMs, onFailed, onSlow } = this.options;
    const context = nextId();
    const bytes = encodeContext(context);
    this.waiting = undefined;
    let slow = false;
    const round: Round = {
      context,
      readers,
      retry: setInterval(() => {
        if (!slow) onSlow();
        slow = true;
        request(bytes);
      }, retryMs),
      deadline: setTimeout(() => {
        onFailed();
        this.failRound(round, errTimeout());
      }, timeoutMs),
      startedMs: performance.now(),
    };
    this.round = round;
    request(bytes);
  }

  private endRound(round: Round): void {
    clearInterval(round.retry);
    clearTimeout(round.deadline);
    this.round = undefined;
  }

  private failRound(round: Round, error: Error): void {
    this.endRound(round);
    round.readers.reject(error);
    this.wakeForWaiting();
  }
}

function encodeContext(id: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(id);
  return bytes;
}

function decodeContext(bytes: Uint8Array): bigint {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigUInt64BE();
}
