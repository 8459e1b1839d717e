/** The pages that are open: Server-Sent Events (WHATWG HTML §9.2), each with bounds of its own. */
import type { ServerResponse } from 'node:http';
import type { Board, Happening } from './board.ts';

/** What pages are told. */
export type BoardSource = Pick<Board, 'epoch' | 'document' | 'happeningsSince' | 'watch'>;

export interface EventStreamLimits {
  /** Pages at the same time; more are refused. */
  readonly maxStreams: number;
  /** How long a reader may leave what it was sent unread before it is dropped. */
  readonly stuckMs: number;
  /** How often something is sent when nothing happens, so that both ends notice a connection that is gone. */
  readonly heartbeatMs: number;
  /** What may wait for one reader; documents do not wait: the next one is newer. */
  readonly maxWaitingBytes: number;
}

export const defaultLimits: EventStreamLimits = {
  maxStreams: 64,
  stuckMs: 20_000,
  heartbeatMs: 10_000,
  maxWaitingBytes: 256 * 1024,
};

/** How soon a page that has lost its connection tries again. */
const reconnectMs = 2000;

export interface OpenedStream {
  readonly response: ServerResponse;
  /** Missing: the first. */
  readonly lab?: string | undefined;
  /** `EPOCH.ID` of the last happening that the page has. */
  readonly lastEventId?: string | undefined;
}

export class EventStreams {
  private readonly board: BoardSource;
  private readonly limits: EventStreamLimits;
  private readonly streams = new Set<() => void>();

  constructor(board: BoardSource, limits: Partial<EventStreamLimits> = {}) {
    this.board = board;
    this.limits = { ...defaultLimits, ...limits };
  }

  /** Whether one more is refused. */
  get isFull(): boolean {
    return this.streams.size >= this.limits.maxStreams;
  }

  get count(): number {
    return this.streams.size;
  }

  /** Serves the stream until the page goes, is dropped, or all are ended. The head of the response has been sent. */
  open({ response, lab, lastEventId }: OpenedStream): void {
    const { board, limits } = this;
    let stuckSince: number | undefined;
    const send = (text: string): void => {
      if (response.writable && !response.write(text)) stuckSince ??= performance.now();
      if (response.writableLength > limits.maxWaitingBytes) response.destroy();
    };
    const sendHappening = (happening: Happening): void =>
      send(`event: happening\nid: ${board.epoch}.${happening.id}\ndata: ${JSON.stringify(happening)}\n\n`);
    const sendDocument = (document: string): void => {
      if (!response.writableNeedDrain) send(`event: document\ndata: ${document}\n\n`);
    };
    response.on('drain', () => {
      stuckSince = undefined;
    });
    const unwatch = board.watch({ lab, onDocument: sendDocument, onHappening: sendHappening });
    const heartbeat = setInterval(() => {
      if (stuckSince !== undefined && performance.now() - stuckSince > limits.stuckMs) response.destroy();
      else if (!response.writableNeedDrain) send(': \n\n');
    }, limits.heartbeatMs);
    const end = (): void => void response.end();
    this.streams.add(end);
    response.once('close', () => {
      clearInterval(heartbeat);
      unwatch();
      this.streams.delete(end);
    });
    send(`retry: ${reconnectMs}\n\n`);
    sendDocument(JSON.stringify(board.document(lab)));
    for (const happening of board.happeningsSince(this.lastSeen(lastEventId), lab)) sendHappening(happening);
  }

  /** Ends all. */
  close(): void {
    for (const end of this.streams) end();
  }

  /** Of a board that ran before, the page has seen nothing of what this one has to tell. */
  private lastSeen(lastEventId: string | undefined): number {
    const [epoch, id] = (lastEventId ?? '').split('.');
    return epoch === this.board.epoch && /^\d{1,15}$/.test(id ?? '') ? Number(id) : 0;
  }
}
