/** One peer: two streams that it reads from us, two that we read from it, POSTs for what has no stream. */
import type { Socket } from 'node:net';
import type { BackendSnapshot } from '../backend/backend.ts';
import { idToHex } from '../membership/mod.ts';
import { type Message, MessageType } from '../proto/gen/raft.ts';
import type { Dialer } from './dialer.ts';
import type { Identity } from './headers.ts';
import { PeerStatus } from './peer-status.ts';
import { Pipeline, RefusedError } from './pipeline.ts';
import { Prober } from './prober.ts';
import { sendSnapshot } from './snapshot-sender.ts';
import { type StreamKind, streamKinds } from './stream-codec.ts';
import { StreamReader } from './stream-reader.ts';
import { StreamWriter } from './stream-writer.ts';
import { type Log, type PeerMetrics, type PeerTimes, type RaftHandler, reasonOf } from './types.ts';
import { UrlPicker } from './url-picker.ts';

/** What may wait for one slow stream; beyond it messages are dropped and raft probes. Upstream: 4096 messages. */
const maxQueuedMessages = 4096;
const maxQueuedBytes = 64 * 1024 * 1024;

/** What all peers of one transport share. */
export interface PeerContext {
  identity: Identity;
  handler: RaftHandler;
  dialer: Dialer;
  times: PeerTimes;
  log: Log;
  metrics: Partial<PeerMetrics>;
  /** Milliseconds, from any origin. */
  now: () => number;
  /** A message has arrived from a stream. */
  onMessage(from: bigint, message: Message): void;
  onRemoved(): void;
}

export function newPipeline(id: bigint, picker: UrlPicker, context: PeerContext, status?: PeerStatus): Pipeline {
  const { dialer, handler, identity, log, metrics, times } = context;
  return new Pipeline({
    peerId: id,
    identity,
    dialer,
    picker,
    ...(status === undefined ? {} : { status }),
    timeoutMs: times.dialTimeoutMs + times.readTimeoutMs,
    log,
    onSent: (bytes) => metrics.bytesSent?.(id, bytes),
    onFailure: () => {
      metrics.sendFailed?.(id);
      if (status !== undefined) handler.reportUnreachable(id);
    },
    onRemoved: context.onRemoved,
  });
}

export class Peer {
  readonly id: bigint;
  private readonly context: PeerContext;
  private readonly picker: UrlPicker;
  private readonly status: PeerStatus;
  private readonly pipeline: Pipeline;
  private readonly prober: Prober;
  private readonly readers: StreamReader[];
  private readonly writers: Record<StreamKind, StreamWriter | undefined> = { message: undefined, msgapp: undefined };
  private readonly abort = new AbortController();
  private snapshot: Promise<void> | undefined;

  /** @param urls at least one, of http or https */
  constructor(id: bigint, urls: readonly string[], context: PeerContext) {
    this.id = id;
    this.context = context;
    const { dialer, log, metrics, now, times } = context;
    this.picker = new UrlPicker(urls);
    this.status = new PeerStatus(id, log, now, (active) => metrics.activeChanged?.(id, active));
    this.pipeline = newPipeline(id, this.picker, context, this.status);
    this.prober = new Prober({
      peerId: id,
      dialer,
      picker: this.picker,
      intervalMs: times.probeIntervalMs,
      timeoutMs: times.dialTimeoutMs + times.readTimeoutMs,
      log,
      onRoundTrip: (seconds) => metrics.roundTrip?.(id, seconds),
    });
    this.readers = streamKinds.map((kind) => this.newReader(kind));
  }

  get activeSince(): number | undefined {
    return this.status.activeSince;
  }

  update(urls: readonly string[]): void {
    this.picker.update(urls);
  }

  /** @param messages to this peer, none of them MsgSnap; one write for each stream that they take */
  send(messages: readonly Message[]): void {
    const { message, msgapp } = this.writers;
    const appends = msgapp === undefined ? [] : messages.filter((each) => each.type === MessageType.MsgApp);
    const others = msgapp === undefined ? messages : messages.filter((each) => each.type !== MessageType.MsgApp);
    let dropped = 0;
    if (appends.length > 0 && msgapp?.send(appends) !== true) dropped += appends.length;
    if (others.length > 0) {
      if (message !== undefined) dropped += message.send(others) ? 0 : others.length;
      else dropped += others.filter((each) => !this.pipeline.send(each)).length;
    }
    if (dropped > 0) this.dropped(dropped);
  }

  /** Sends a database; what became of it is reported to the handler. Closes `database` in any case. */
  sendSnapshot(message: Message, database: BackendSnapshot): void {
    if (this.snapshot !== undefined || this.abort.signal.aborted) {
      database.close();
      this.context.handler.reportSnapshot(this.id, false);
      return;
    }
    this.snapshot = this.transferSnapshot(message, database).finally(() => {
      this.snapshot = undefined;
    });
  }

  /** The peer has dialed: what it is to be told goes over `socket` from now on, and over no older connection. */
  attach(kind: StreamKind, socket: Socket): void {
    const { log, metrics, now, times } = this.context;
    const fields = { 'stream-writer-type': kind, 'remote-peer-id': idToHex(this.id) };
    const writer = new StreamWriter(kind, socket, {
      heartbeatIntervalMs: times.heartbeatIntervalMs,
      writeTimeoutMs: times.readTimeoutMs,
      maxQueuedMessages,
      maxQueuedBytes,
      now,
      onClose: (reason) => {
        log('warn', 'lost TCP streaming connection with remote peer', { ...fields, error: reason });
        if (this.abort.signal.aborted) return;
        if (this.writers[kind] === writer) {
          this.writers[kind] = undefined;
          this.status.deactivate(`write stream ${kind}`, reason);
        }
        metrics.sendFailed?.(this.id);
        // What was written last may not have arrived.
        this.context.handler.reportUnreachable(this.id);
      },
      onSent: (bytes) => metrics.bytesSent?.(this.id, bytes),
    });
    const replaced = this.writers[kind];
    this.writers[kind] = writer;
    replaced?.close('replaced by a newer connection');
    this.status.activate();
    log('info', 'established TCP streaming connection with remote peer', fields);
  }

  /** @returns when all connections are closed; nothing is reported any more from the moment of the call */
  async stop(): Promise<void> {
    this.abort.abort();
    this.prober.stop();
    this.pipeline.stop();
    for (const kind of streamKinds) this.writers[kind]?.close('peer stopped');
    await Promise.all([...this.readers.map((reader) => reader.stop()), this.snapshot]);
  }

  private newReader(kind: StreamKind): StreamReader {
    const { dialer, identity, log, metrics, onMessage, onRemoved, times } = this.context;
    return new StreamReader({
      kind,
      peerId: this.id,
      identity,
      dialer,
      picker: this.picker,
      status: this.status,
      redialIntervalMs: times.redialIntervalMs,
      log,
      onMessage: (message) => onMessage(this.id, message),
      onReceived: (bytes) => metrics.bytesReceived?.(this.id, bytes),
      onFailure: () => metrics.receiveFailed?.(this.id),
      onRemoved,
    });
  }

  private dropped(count: number): void {
    const { handler, log, metrics } = this.context;
    log('debug', 'dropped messages to a peer that is too slow or gone', {
      'remote-peer-id': idToHex(this.id),
      count,
      'remote-peer-active': this.activeSince !== undefined,
    });
    metrics.sendFailed?.(this.id);
    handler.reportUnreachable(this.id);
  }

  private async transferSnapshot(message: Message, database: BackendSnapshot): Promise<void> {
    const { dialer, handler, identity, log, metrics, now, onRemoved, times } = this.context;
    const url = this.picker.pick();
    const startedAt = now();
    const fields = {
      'snapshot-index': message.snapshot?.metadata.index ?? 0,
      'remote-peer-id': idToHex(this.id),
      bytes: database.sizeBytes,
    };
    log('info', 'sending database snapshot', fields);
    let failure: unknown;
    try {
      await sendSnapshot(url, message, database, {
        identity,
        dialer,
        responseTimeoutMs: times.snapshotResponseTimeoutMs,
        signal: this.abort.signal,
        onSent: (bytes) => metrics.bytesSent?.(this.id, bytes),
      });
    } catch (error) {
      failure = error;
    } finally {
      database.close();
    }
    const ok = failure === undefined;
    metrics.snapshotSent?.(this.id, ok, (now() - startedAt) / 1000);
    if (ok) {
      this.status.activate();
      log('info', 'sent database snapshot', fields);
    } else if (!this.abort.signal.aborted) {
      log('warn', 'failed to send database snapshot', { ...fields, error: reasonOf(failure) });
      this.picker.unreachable(url);
      if (failure instanceof RefusedError && failure.removed) onRemoved();
      this.status.deactivate('post a snapshot', reasonOf(failure));
      handler.reportUnreachable(this.id);
    }
    handler.reportSnapshot(this.id, ok);
  }
}
