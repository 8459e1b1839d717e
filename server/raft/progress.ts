import { type InflightLimits, Inflights } from './inflights.ts';
import type { ProgressState, ProgressStatus } from './types.ts';

/** What a leader knows of one member's log. Invariant: 0 <= match < next. */
export class Progress {
  /** The highest index known to be durable on the member. */
  match = 0;
  next: number;
  state: ProgressState = 'probe';
  /** In `snapshot`: the index of the snapshot that was sent. */
  pendingSnapshot = 0;
  /** In `probe`: a probe is under way; the next one goes out after an answer or a heartbeat's answer. */
  probeSent = false;
  /** Heard from since the last check for a quorum. */
  recentActive = false;
  isLearner: boolean;
  readonly inflights: Inflights;

  constructor(next: number, maxInflight: InflightLimits, isLearner: boolean) {
    this.next = next;
    this.isLearner = isLearner;
    this.inflights = new Inflights(maxInflight);
  }

  /** Whether nothing may be sent for now. */
  isPaused(): boolean {
    if (this.state === 'probe') return this.probeSent;
    return this.state === 'snapshot' || this.inflights.isFull();
  }

  becomeProbe(): void {
    // After a snapshot that is said to have arrived, it is where the log is expected to end.
    this.next = Math.max(this.match, this.state === 'snapshot' ? this.pendingSnapshot : 0) + 1;
    this.enter('probe');
  }

  becomeReplicate(): void {
    this.next = this.match + 1;
    this.enter('replicate');
  }

  becomeSnapshot(snapshotIndex: number): void {
    this.enter('snapshot');
    this.pendingSnapshot = snapshotIndex;
  }

  /** Notes that entries up to `lastIndex` have been sent. */
  sent(lastIndex: number, sizeBytes: number): void {
    if (this.state === 'replicate') {
      this.next = lastIndex + 1;
      this.inflights.add(lastIndex, sizeBytes);
    } else {
      this.probeSent = true;
    }
  }

  /** The member has everything up to `index`. @returns whether that is news */
  acknowledge(index: number): boolean {
    const isNews = index > this.match;
    if (isNews) {
      this.match = index;
      this.probeSent = false;
    }
    this.next = Math.max(this.next, index + 1);
    return isNews;
  }

  /**
   * The member refused entries behind `rejected`. Takes `next` back.
   *
   * @param hint the highest index that may match
   * @returns false for an outdated refusal, which is to be ignored
   */
  refuse(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }

  /** Forgets everything, as a new leader does. */
  reset(next: number): void {
    this.match = 0;
    this.next = next;
    this.recentActive = false;
    this.enter('probe');
  }

  status(): ProgressStatus {
    const { match, next, state, recentActive, isLearner } = this;
    return { match, next, state, recentActive, isLearner, inflight: this.inflights.count };
  }

  private enter(state: ProgressState): void {
    this.state = state;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.inflights.clear();
  }
}
