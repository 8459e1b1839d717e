/** Signs that a member cannot keep up, counted as upstream counts them (contract: api.md §6). */
import type { Logger } from '../base/logger.ts';
import { idToHex } from '../membership/mod.ts';
import { type Message, MessageType } from '../proto/gen/raft.ts';

/** Requests that took long to apply: `etcd_server_slow_apply_total`. */
export class SlowApplies {
  count = 0;
  private readonly thresholdMs: number;
  private readonly log: Logger;

  /** @param thresholdMs as of `--experimental-warning-apply-duration` */
  constructor(thresholdMs: number, log: Logger) {
    this.thresholdMs = thresholdMs;
    this.log = log;
  }

  /** @param index of the entry */
  took(durationMs: number, index: number): void {
    if (durationMs <= this.thresholdMs) return;
    this.count++;
    this.log.warn('apply request took too long', {
      took: `${durationMs.toFixed(3)}ms`,
      'expected-duration': `${this.thresholdMs}ms`,
      'log-index': index,
    });
  }
}

/** Heartbeats that a leader sent too late: `etcd_server_heartbeat_send_failures_total`. */
export class LateHeartbeats {
  count = 0;
  private readonly heartbeatMs: number;
  private readonly now: () => number;
  private readonly log: Logger;
  private readonly lastMs = new Map<bigint, number>();

  /** @param now milliseconds of a clock that never jumps */
  constructor(heartbeatMs: number, now: () => number, log: Logger) {
    this.heartbeatMs = heartbeatMs;
    this.now = now;
    this.log = log;
  }

  sent(messages: readonly Message[]): void {
    for (const { type, to } of messages) {
      if (type !== MessageType.MsgHeartbeat) continue;
      const now = this.now();
      const lateMs = now - (this.lastMs.get(to) ?? now) - 2 * this.heartbeatMs;
      this.lastMs.set(to, now);
      if (lateMs <= 0) continue;
      this.count++;
      this.log.warn('leader failed to send out heartbeat on time; took too long, leader is overloaded', {
        to: idToHex(to),
        'heartbeat-interval': `${this.heartbeatMs}ms`,
        'exceeded-duration': `${lateMs.toFixed(3)}ms`,
      });
    }
  }

  /** Leadership has changed: what comes next is no heartbeat that is late. */
  reset(): void {
    this.lastMs.clear();
  }
}
