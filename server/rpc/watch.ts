/** Watch: one stream of requests and responses for any number of watches (contract: api.md §2.5). */
import { EtcdError, errStopped, errWatchCanceled } from '../errors/etcd-error.ts';
import type { EtcdMember } from '../member/etcd-member.ts';
import type { WatchSpec, WatchStream } from '../mvcc/watch/mod.ts';
import {
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  type WatchRequest,
  WatchResponse,
  WatchService,
} from '../proto/gen/rpc.ts';
import type { MethodDefinition } from '../proto/wire.ts';
import { codeNames } from './call-stats.ts';
import { bidiStream, type CallStream, type Method } from './method.ts';
import { grpcOverheadBytes } from './transport.ts';
import { WatchMessages } from './watch-message.ts';

export interface WatchOptions {
  /** How often quiet watches that want it are told their progress; upstream's 10 minutes unless given. */
  readonly watchProgressIntervalMs?: number;
  /** The size of the largest request, by which it is decided what is too large for one message. */
  readonly maxRequestBytes?: number;
}

/** More often than this no progress is told, whatever is configured. */
const minProgressIntervalMs = 100;

/** Where a watch without a key begins. */
const firstKey = Buffer.of(0);

/** Responses are encoded before they come to the dispatcher: their parts are shared among streams. */
const definition: MethodDefinition<WatchRequest, Uint8Array> = {
  ...WatchService.Watch,
  response: {
    create: () => WatchResponse.encode(WatchResponse.create()),
    encode: (bytes) => bytes,
    decode: (bytes) => bytes,
  },
};

type WatchMember = Pick<EtcdMember, 'watches' | 'header' | 'authorizeWatch'>;
type WatchCall = CallStream<WatchRequest, Uint8Array>;

export function watchMethods(
  member: WatchMember,
  { watchProgressIntervalMs = 600_000, maxRequestBytes = 1_572_864 }: WatchOptions = {},
): Method[] {
  const intervalMs = Math.max(watchProgressIntervalMs, minProgressIntervalMs);
  const messages = new WatchMessages(() => member.header(), maxRequestBytes + grpcOverheadBytes);
  return [bidiStream(definition, (call) => new WatchSession(member, messages, intervalMs, call).run())];
}

/** One call of Watch. */
class WatchSession {
  private readonly call: WatchCall;
  private readonly member: WatchMember;
  private readonly messages: WatchMessages;
  private readonly progressIntervalMs: number;
  private readonly stream: WatchStream;
  private progressTimer: NodeJS.Timeout | undefined;
  private isSending = false;
  /** Called when the queue has become shorter. */
  private onRoom = (): void => {};
  /** Rejects when the call is over, for whatever reason: nothing else ends it. */
  private readonly over: Promise<never>;
  private end: (error: Error) => void = () => {};

  constructor(member: WatchMember, messages: WatchMessages, progressIntervalMs: number, call: WatchCall) {
    this.call = call;
    this.member = member;
    this.messages = messages;
    this.progressIntervalMs = progressIntervalMs;
    this.over = new Promise((_, reject) => {
      this.end = reject;
    });
    this.stream = member.watches.open({ onFrames: () => this.sendSoon(), onEnd: () => this.end(errStopped()) });
  }

  /** Ends by an error only: a client that has said all it has to say still wants to be told what happens. */
  async run(): Promise<void> {
    const { signal } = this.call;
    const abort = (): void => this.end(errWatchCanceled());
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await Promise.race([this.receiveAll(), this.over]);
      await this.over;
    } finally {
      signal.removeEventListener('abort', abort);
      clearInterval(this.progressTimer);
      this.stream.close();
    }
  }

  private async receiveAll(): Promise<void> {
    for (;;) {
      // Answers that nobody fetches must not pile up; the client's next request waits in its own memory.
      while (this.stream.isFull) await Promise.race([this.room(), this.over]);
      const request = await this.call.receive();
      if (request === undefined) return;
      await this.serve(request);
    }
  }

  private async serve({ create_request, cancel_request, progress_request }: WatchRequest): Promise<void> {
    if (create_request !== undefined) {
      const refusal = await this.refusalOf(create_request);
      if (refusal !== undefined) {
        this.stream.refuse(refusal);
        return;
      }
      this.stream.create(create_request.watch_id, watchSpec(create_request));
      if (create_request.progress_notify) this.startProgress();
    } else if (cancel_request !== undefined) {
      this.stream.cancel(cancel_request.watch_id);
    } else if (progress_request !== undefined) {
      this.stream.requestProgress();
    }
  }

  /**
   * Why a client may not watch a range; undefined when it may. A revision that cannot be is refused first, as upstream
   * does: that is told without a look at who asks.
   */
  private async refusalOf({ key, range_end, start_revision }: WatchCreateRequest): Promise<string | undefined> {
    if (start_revision < 0) return undefined;
    try {
      await this.member.authorizeWatch(key.length === 0 ? firstKey : key, range_end, this.call);
      return undefined;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return `rpc error: code = ${codeNames[error.code]} desc = ${error.message}`;
    }
  }

  /** Up to a tenth later than configured, so that streams that were opened together do not speak together. */
  private startProgress(): void {
    const intervalMs = this.progressIntervalMs * (1 + Math.random() / 10);
    this.progressTimer ??= setInterval(() => this.stream.tickProgress(), intervalMs);
  }

  /** After the present work: what one turn brings about is sent together. */
  private sendSoon(): void {
    if (this.isSending) return;
    this.isSending = true;
    queueMicrotask(() => this.send());
  }

  private send(): void {
    for (;;) {
      const frame = this.stream.take();
      if (frame === undefined) break;
      this.onRoom();
      let wait: Promise<void> | undefined;
      for (const message of this.messages.encode(frame)) wait = this.call.send(message) ?? wait;
      if (wait !== undefined) {
        void wait.then(() => this.send());
        return;
      }
    }
    this.isSending = false;
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.onRoom = resolve;
    });
  }
}

function watchSpec(request: WatchCreateRequest): WatchSpec {
  return {
    key: request.key,
    end: request.range_end,
    startRevision: request.start_revision,
    puts: !request.filters.includes(WatchCreateRequest_FilterType.NOPUT),
    deletes: !request.filters.includes(WatchCreateRequest_FilterType.NODELETE),
    previous: request.prev_kv,
    progress: request.progress_notify,
    fragments: request.fragment,
  };
}
