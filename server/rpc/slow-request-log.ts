/** Warnings about unary calls that took long; never so many that logging becomes the slowest part. */

import { formatGoDuration } from '../base/go-duration.ts';
import type { Logger } from '../base/logger.ts';
import type { GrpcCall } from './transport.ts';

const maxLinesPerSecond = 10;

/** What is told about a call. */
interface FinishedCall {
  readonly call: Pick<GrpcCall, 'path' | 'remoteAddress'>;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export class SlowRequestLog {
  private readonly logger: Logger;
  private readonly thresholdMs: number;
  private second = 0;
  private lines = 0;
  private suppressed = 0;

  /** @param thresholdMs 0 or less is never */
  constructor(logger: Logger, thresholdMs: number) {
    this.logger = logger;
    this.thresholdMs = thresholdMs;
  }

  observe({ call, requestBytes, responseBytes }: FinishedCall, tookMs: number): void {
    if (tookMs < this.thresholdMs || this.thresholdMs <= 0) return;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.lines = 0;
    }
    if (++this.lines > maxLinesPerSecond) {
      this.suppressed++;
      return;
    }
    this.logger.warn('request stats', {
      'time spent': formatGoDuration(tookMs),
      remote: call.remoteAddress,
      'response type': call.path,
      'request size': requestBytes,
      'response size': responseBytes,
      ...(this.suppressed > 0 ? { 'lines suppressed before': this.suppressed } : {}),
    });
    this.suppressed = 0;
  }
}
