/** A watch that outlives connections and members, as upstream's client does it. */
import { Code } from '../errors/etcd-error.ts';
import { WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse } from '../proto/gen/rpc.ts';
import type { OpenStream } from './caller.ts';
import type { MessageStream } from './grpc-call.ts';
import { RpcError } from './rpc-error.ts';
import { messages } from './streams.ts';
import { watchNeedsNewToken } from './token-refusal.ts';

export interface ResumingWatchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of each failure that the watch lives through. */
  readonly onInterrupted?: ((error: RpcError) => void) | undefined;
}

/** The signal cancels the stream, too. */
export type OpenWatchStream = (signal?: AbortSignal | undefined) => Promise<OpenStream>;

/** Between two attempts: this at first, then twice as long each time. */
const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** So many tokens in a row may be refused. */
const maxRefusedTokens = 10;

/**
 * One watch on a stream of its own. When the stream breaks, it goes on over another one, at the revision after the last
 * that was seen, so that every event comes once and in order. Iterate over it once.
 */
export class ResumingWatch implements AsyncIterable<WatchResponse> {
  private readonly openStream: OpenWatchStream;
  private readonly create: WatchCreateRequest;
  private readonly options: ResumingWatchOptions;
  private stream: MessageStream | undefined;
  /** The next revision to see; 0 until the first answer says which that is. */
  private next: number;
  private isCreated = false;
  private refusedTokens = 0;
  /** Asked for while there was no stream to ask on. */
  private isProgressWanted = false;

  /** @param create without `fragment`: pieces of a revision could not be resumed between */
  constructor(openStream: OpenWatchStream, create: Partial<WatchCreateRequest>, options: ResumingWatchOptions = {}) {
    this.openStream = openStream;
    this.create = WatchCreateRequest.create({ ...create, fragment: false });
    this.options = options;
    this.next = this.create.start_revision;
  }

  /**
   * The server's responses: `created` first and once, `canceled` last if the server ends the watch.
   *
   * @throws RpcError when a member refuses for good, or Canceled when the signal fires
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<WatchResponse, void, undefined> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        for await (const response of this.responses()) {
          pauseMs = firstPauseMs;
          const isFirst = response.created && !this.isCreated;
          this.isCreated ||= response.created;
          if (!response.created || response.canceled || isFirst) yield response;
          if (response.canceled) return;
          this.seen(response);
        }
      } catch (error) {
        if (!(error instanceof RpcError) || !mayPass(error) || this.options.signal?.aborted) throw error;
        this.options.onInterrupted?.(error);
      }
      await pause(pauseMs, this.options.signal);
    }
  }

  /** Asks how far the watch has come. The answer is a response without events, and there is none while it is behind. */
  requestProgress(): void {
    this.isProgressWanted = this.stream === undefined;
    const progress_request = WatchProgressRequest.create();
    this.stream?.send(WatchRequest.encode(WatchRequest.create({ progress_request })));
  }

  private async *responses(): AsyncGenerator<WatchResponse, void, undefined> {
    const { signal } = this.options;
    const opened = await this.openStream(signal);
    const create_request = { ...this.create, start_revision: this.next };
    opened.stream.send(WatchRequest.encode(WatchRequest.create({ create_request })));
    this.stream = opened.stream;
    if (this.isProgressWanted) this.requestProgress();
    try {
      for await (const response of messages(opened, WatchResponse.decode)) {
        if (this.mayRenewToken(response) && opened.renewLogin()) {
          throw new RpcError(Code.Unavailable, response.cancel_reason, { endpoint: opened.endpoint });
        }
        yield response;
      }
    } finally {
      this.stream = undefined;
    }
    throw new RpcError(Code.Unavailable, 'the server ended the stream', { endpoint: opened.endpoint });
  }

  private mayRenewToken(response: WatchResponse): boolean {
    const isRefused = watchNeedsNewToken(response);
    this.refusedTokens = isRefused ? this.refusedTokens + 1 : 0;
    return isRefused && this.refusedTokens <= maxRefusedTokens;
  }

  private seen({ header, created, events }: WatchResponse): void {
    const last = events.at(-1)?.kv?.mod_revision;
    if (last !== undefined) this.next = last + 1;
    // Created: what comes from now on. Progress: everything up to there has been sent.
    else if (!created || this.next === 0) this.next = Math.max(this.next, (header?.revision ?? 0) + 1);
  }
}

/** Whether another member, or the same one later, may serve the watch. */
function mayPass({ code, neverSent }: RpcError): boolean {
  if (code === Code.DeadlineExceeded) return neverSent;
  return code === Code.Unavailable || code === Code.Internal;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(new RpcError(Code.Canceled, 'context canceled'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
  });
}
