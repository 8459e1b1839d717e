/** Asks a peer every four seconds whether it is there, and what its clock says (contract: disk-and-peer §8). */
import { idToHex } from '../membership/mod.ts';
import type { Dialer } from './dialer.ts';
import { type Log, reasonOf } from './types.ts';
import type { UrlPicker } from './url-picker.ts';

/** Upstream warns beyond this; leases and certificates begin to suffer. */
const maxClockDriftMs = 1000;
const driftWarningIntervalMs = 30_000;

export interface ProberOptions {
  peerId: bigint;
  dialer: Dialer;
  picker: UrlPicker;
  intervalMs: number;
  timeoutMs: number;
  log: Log;
  onRoundTrip(seconds: number): void;
}

export class Prober {
  private readonly options: ProberOptions;
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private asking = false;
  private healthy = true;
  private warnedOfDriftAt = Number.NEGATIVE_INFINITY;

  constructor(options: ProberOptions) {
    this.options = options;
    this.timer = setInterval(() => void this.probe(), options.intervalMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.abort.abort();
  }

  private async probe(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const { dialer, onRoundTrip, peerId, picker, timeoutMs } = this.options;
    const url = picker.pick();
    const startedAt = performance.now();
    try {
      const answer = await dialer.roundTrip(url, {
        method: 'GET',
        path: '/raft/probing',
        timeoutMs,
        signal: this.abort.signal,
      });
      const roundTripMs = performance.now() - startedAt;
      if (answer.status !== 200) throw new Error(`peer answered ${answer.status}`);
      onRoundTrip(roundTripMs / 1000);
      this.report(true, { 'remote-peer-id': idToHex(peerId), url });
      this.checkClock(answer.body, roundTripMs);
    } catch (error) {
      if (!this.abort.signal.aborted) {
        this.report(false, { 'remote-peer-id': idToHex(peerId), url, error: reasonOf(error) });
      }
    } finally {
      this.asking = false;
    }
  }

  private report(healthy: boolean, fields: Record<string, unknown>): void {
    if (healthy === this.healthy) return;
    this.healthy = healthy;
    if (healthy) this.options.log('info', 'prober found healthy connection again', fields);
    else this.options.log('warn', 'prober detected unhealthy status', fields);
  }

  private checkClock(body: Buffer, roundTripMs: number): void {
    const answer = JSON.parse(body.toString()) as { Now?: unknown };
    const theirs = Date.parse(String(answer.Now));
    if (Number.isNaN(theirs)) throw new Error('probe answered without a time');
    const driftMs = Math.round(Date.now() - roundTripMs / 2 - theirs);
    const now = performance.now();
    if (Math.abs(driftMs) <= maxClockDriftMs || now - this.warnedOfDriftAt < driftWarningIntervalMs) return;
    this.warnedOfDriftAt = now;
    this.options.log('warn', 'prober found high clock drift', {
      'remote-peer-id': idToHex(this.options.peerId),
      'clock-drift': `${driftMs}ms`,
    });
  }
}
