/** The receiving end of one stream: dials the peer, reads messages until the connection breaks, and dials again. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { idToHex } from '../membership/mod.ts';
import type { Message } from '../proto/gen/raft.ts';
import { type Dialer, readBody } from './dialer.ts';
import { FrameError, FrameReader } from './frames.ts';
import { type Identity, raftToHeader, requestHeaders, supportsStreams } from './headers.ts';
import type { PeerStatus } from './peer-status.ts';
import { newParser, type StreamKind } from './stream-codec.ts';
import { type Log, reasonOf } from './types.ts';
import type { UrlPicker } from './url-picker.ts';

export interface StreamReaderOptions {
  kind: StreamKind;
  peerId: bigint;
  identity: Identity;
  dialer: Dialer;
  picker: UrlPicker;
  status: PeerStatus;
  redialIntervalMs: number;
  log: Log;
  onMessage(message: Message): void;
  onReceived(bytes: number): void;
  onFailure(): void;
  /** The peer says that this member was removed. */
  onRemoved(): void;
}

export class StreamReader {
  private readonly options: StreamReaderOptions;
  private readonly abort = new AbortController();
  private lastReason = '';
  private readonly running: Promise<void>;

  constructor(options: StreamReaderOptions) {
    this.options = options;
    this.running = this.run();
  }

  /** @returns when the connection is closed; no message arrives from the moment of the call */
  stop(): Promise<void> {
    this.abort.abort();
    return this.running;
  }

  private async run(): Promise<void> {
    const { kind, picker, redialIntervalMs, status } = this.options;
    const { signal } = this.abort;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const url = picker.pick();
      const reason = await this.readFrom(url);
      if (signal.aborted) return;
      status.deactivate(`read stream ${kind}`, reason);
      this.report(url, reason);
      picker.unreachable(url);
      const pause = redialIntervalMs - (performance.now() - startedAt);
      if (pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns why there is no stream, or not any more */
  private async readFrom(url: string): Promise<string> {
    try {
      const response = await this.dial(url);
      if (response.statusCode !== 200) return await this.refusal(response);
      if (!supportsStreams(response.headers)) {
        response.destroy();
        return 'the peer’s version knows no streams';
      }
      this.options.status.activate();
      this.lastReason = '';
      this.options.log('info', 'established TCP streaming connection with remote peer', this.fields(url));
      return await this.read(response);
    } catch (error) {
      return reasonOf(error);
    }
  }

  private dial(url: string): Promise<IncomingMessage> {
    const { dialer, identity, kind, peerId } = this.options;
    return new Promise((resolve, reject) => {
      const request = dialer.open(url, {
        method: 'GET',
        path: `/raft/stream/${kind}/${idToHex(identity.id)}`,
        headers: { ...requestHeaders(identity), [raftToHeader]: idToHex(peerId) },
        ownConnection: true,
        signal: this.abort.signal,
      });
      request.once('response', resolve);
      // Stays for the connection's whole life: after the answer's head, errors show on the answer as well.
      request.on('error', reject);
      request.end();
    });
  }

  private async refusal(response: IncomingMessage): Promise<string> {
    const text = (await readBody(response, 4096)).toString().trim();
    if (response.statusCode === 410) this.options.onRemoved();
    return `peer answered ${response.statusCode} ${text}`;
  }

  private read(response: IncomingMessage): Promise<string> {
    const { identity, kind, onFailure, onMessage, onReceived, peerId } = this.options;
    const { signal } = this.abort;
    return new Promise((resolve) => {
      const parser = newParser(kind, peerId, identity.id, (message) => {
        if (!signal.aborted) onMessage(message);
      });
      const reader = new FrameReader(parser);
      let reason = 'connection lost';
      response.on('data', (chunk: Buffer) => {
        if (signal.aborted) return;
        onReceived(chunk.length);
        try {
          reader.push(chunk);
        } catch (error) {
          // Anything else is not the peer's fault, and must not pass for a broken connection.
          if (!(error instanceof FrameError)) throw error;
          reason = error.message;
          response.destroy();
        }
      });
      response.once('error', (error) => {
        reason = reasonOf(error);
      });
      response.once('end', () => {
        reason = 'peer closed the stream';
      });
      response.once('close', () => {
        if (!signal.aborted) onFailure();
        resolve(reason);
      });
    });
  }

  /** Ten attempts a second with the same outcome are worth one line. */
  private report(url: string, reason: string): void {
    const level = reason === this.lastReason ? 'debug' : 'warn';
    this.lastReason = reason;
    this.options.log(level, 'lost TCP streaming connection with remote peer', { ...this.fields(url), error: reason });
  }

  private fields(url: string): Record<string, unknown> {
    const { identity, kind, peerId } = this.options;
    return {
      'stream-reader-type': kind,
      'local-member-id': idToHex(identity.id),
      'remote-peer-id': idToHex(peerId),
      url,
    };
  }
}
