/**
 * Messages by POST /raft, one request each: what a member uses while a stream is missing, and to answer a sender that
 * is no member yet (contract: disk-and-peer §8, §8.4).
 */
import { idToHex } from '../membership/mod.ts';
import { Message } from '../proto/gen/raft.ts';
import type { Dialer } from './dialer.ts';
import { type Identity, requestHeaders } from './headers.ts';
import type { PeerStatus } from './peer-status.ts';
import { type Log, reasonOf } from './types.ts';
import type { UrlPicker } from './url-picker.ts';

/** Upstream's numbers. */
const maxInFlight = 4;
const maxQueued = 64;

export interface PipelineOptions {
  peerId: bigint;
  identity: Identity;
  dialer: Dialer;
  picker: UrlPicker;
  /** Absent for a sender that is no member. */
  status?: PeerStatus;
  /** For connecting, sending and the answer, in milliseconds. */
  timeoutMs: number;
  log: Log;
  onSent(bytes: number): void;
  onFailure(): void;
  onRemoved(): void;
}

/** Why a member did not take what it was sent. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** The member says that this one was removed. */
  readonly removed: boolean;

  constructor(status: number, text: string) {
    super(`peer answered ${status} ${text.trim()}`);
    this.removed = status === 403;
  }
}

export class Pipeline {
  private readonly options: PipelineOptions;
  private readonly queue: Message[] = [];
  private readonly abort = new AbortController();
  private inFlight = 0;

  constructor(options: PipelineOptions) {
    this.options = options;
  }

  /** @returns false when the message was dropped because too many are waiting */
  send(message: Message): boolean {
    if (this.abort.signal.aborted || this.queue.length >= maxQueued) return false;
    this.queue.push(message);
    this.startNext();
    return true;
  }

  stop(): void {
    this.queue.length = 0;
    this.abort.abort();
  }

  private startNext(): void {
    if (this.inFlight >= maxInFlight) return;
    const message = this.queue.shift();
    if (message === undefined) return;
    this.inFlight++;
    void this.post(message).then(() => {
      this.inFlight--;
      this.startNext();
    });
  }

  private async post(message: Message): Promise<void> {
    const { dialer, identity, log, peerId, picker, status, timeoutMs } = this.options;
    const url = picker.pick();
    const body = Message.encode(message);
    try {
      const answer = await dialer.roundTrip(url, {
        method: 'POST',
        path: '/raft',
        headers: { ...requestHeaders(identity), 'Content-Type': 'application/protobuf' },
        body,
        timeoutMs,
        maxBodyBytes: 4096,
        signal: this.abort.signal,
      });
      if (answer.status !== 204) throw new RefusedError(answer.status, answer.body.toString());
      this.options.onSent(body.length);
      status?.activate();
    } catch (error) {
      if (this.abort.signal.aborted) return;
      picker.unreachable(url);
      if (error instanceof RefusedError && error.removed) this.options.onRemoved();
      if (status === undefined) {
        log('debug', 'failed to send to a remote', { 'remote-peer-id': idToHex(peerId), url, error: reasonOf(error) });
      } else {
        status.deactivate('post a raft message', reasonOf(error));
      }
      this.options.onFailure();
    }
  }
}
