/**
 * The board over HTTP. It only answers: nothing that is sent to it changes anything.
 *
 *     GET /              the page; without any data
 *     GET /state?lab=    one lab as JSON, and how far all are
 *     GET /events?lab=   the same as it changes, and what happens (Server-Sent Events)
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { LabError } from '../../toolkit/errors.ts';
import { AccessToken, isForeignSite, isLoopback, isOwnHost } from './access.ts';
import { type BoardSource, type EventStreamLimits, EventStreams } from './event-streams.ts';
import type { Page } from './page.ts';

/** Pages and whoever knocks. */
const maxConnections = 256;
/** In milliseconds: how long a request may take to arrive, and how often that is looked at. */
const limits = { headersTimeout: 5000, requestTimeout: 5000, connectionsCheckingInterval: 1000 };
/** The name of a lab is one of a host. */
const labName = /^[a-z0-9-]{1,63}$/;

export interface BoardServerOptions {
  readonly board: BoardSource;
  readonly page: Page;
  /** An address of this machine, or `localhost`. Beyond this machine, a token is asked for. */
  readonly listen: string;
  /** Ask for a token on this machine as well. */
  readonly askForToken?: boolean;
  /** 0: any that is free. */
  readonly port: number;
  readonly limits?: Partial<EventStreamLimits>;
}

export class BoardServer {
  private readonly server: Server;
  private readonly streams: EventStreams;
  private readonly options: BoardServerOptions;
  private token: AccessToken | undefined;

  private constructor(options: BoardServerOptions) {
    this.options = options;
    this.streams = new EventStreams(options.board, options.limits);
    this.server = createServer(limits, (request, response) => this.answer(request, response));
    this.server.maxConnections = maxConnections;
  }

  /** @throws LabError LAB_LISTEN if the address cannot be listened on */
  static async start(options: BoardServerOptions): Promise<BoardServer> {
    const started = new BoardServer(options);
    await started.listen();
    return started;
  }

  /** Where the page is; with the token, if one is asked for. */
  get url(): string {
    const { address, family, port } = this.server.address() as AddressInfo;
    const fragment = this.token === undefined ? '' : `#token=${this.token.value}`;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/${fragment}`;
  }

  /** How many pages are open. */
  get readers(): number {
    return this.streams.count;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.streams.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async listen(): Promise<void> {
    const { listen: host, port, askForToken = false } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(host, port, cause)));
      this.server.listen({ host, port }, resolve);
    });
    const { address, port: bound } = this.server.address() as AddressInfo;
    if (askForToken || !isLoopback(address)) this.token = new AccessToken(bound);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => undefined); // The page has gone.
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    const refusal = this.refusalOf(request);
    if (refusal !== undefined) {
      refuse(response, refusal);
      return;
    }
    const { pathname, lab } = readPath(request);
    if (pathname === '/') this.sendPage(response);
    else {
      if (this.token !== undefined) response.setHeader('set-cookie', this.token.setCookie);
      if (pathname === '/state') this.sendState(response, lab);
      else this.sendEvents(request, response, lab);
    }
  }

  private refusalOf(request: IncomingMessage): Refusal | undefined {
    const { headers, method = '' } = request;
    const names = [this.options.listen.toLowerCase(), hostname().toLowerCase()];
    if (!isOwnHost(headers.host, names)) return { status: 421, why: 'not served under that name: use the address' };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, why: 'this can only be read' };
    const { pathname, lab } = readPath(request);
    if (pathname === '/') return undefined;
    if (pathname !== '/state' && pathname !== '/events') return { status: 404, why: 'there is nothing here' };
    if (isForeignSite(headers)) return { status: 403, why: 'not for pages of other sites' };
    if (this.token?.admits(headers) === false) {
      return { status: 401, why: 'open the address that etcdlab workshop serve has printed, with its token' };
    }
    if (lab !== undefined && !labName.test(lab)) return { status: 400, why: 'that is no name of a lab' };
    if (pathname === '/events' && this.streams.isFull) return { status: 503, why: 'too many pages are open' };
    return undefined;
  }

  private sendPage(response: ServerResponse): void {
    const { html, contentSecurityPolicy } = this.options.page;
    response.setHeader('content-security-policy', contentSecurityPolicy);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(html);
  }

  private sendState(response: ServerResponse, lab: string | undefined): void {
    const { board } = this.options;
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify({ ...board.document(lab), happenings: board.happeningsSince(0, lab) })}\n`);
  }

  private sendEvents({ method, headers }: IncomingMessage, response: ServerResponse, lab: string | undefined): void {
    response.setHeader('content-type', 'text/event-stream');
    if (method === 'HEAD') {
      response.end();
      return;
    }
    response.flushHeaders();
    const last = headers['last-event-id'];
    this.streams.open({ response, lab, lastEventId: typeof last === 'string' ? last : undefined });
  }
}

interface Refusal {
  readonly status: number;
  readonly why: string;
}

function readPath({ url = '' }: IncomingMessage): { readonly pathname: string; readonly lab: string | undefined } {
  const [pathname = '', query = ''] = url.split('?', 2);
  return { pathname, lab: new URLSearchParams(query).get('lab') ?? undefined };
}

const commonHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

function refuse(response: ServerResponse, { status, why }: Refusal): void {
  response.statusCode = status;
  if (status === 405) response.setHeader('allow', 'GET, HEAD');
  if (status === 503) response.setHeader('retry-after', '10');
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  // Whatever else the request brings is not read.
  response.setHeader('connection', 'close');
  response.end(`${why}\n`);
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): LabError {
  const reasons: Record<string, [string, string]> = {
    EADDRINUSE: ['is taken by another program', 'name another with --port, or let one be chosen with --port 0'],
    EADDRNOTAVAIL: ['is no address of this machine', 'name one of `ip address` with --listen'],
    ENOTFOUND: ['is no address of this machine', 'name one of `ip address` with --listen'],
    EACCES: ['is reserved', 'name a port above 1023 with --port'],
  };
  const [reason, advice] = reasons[cause.code ?? ''] ?? [
    `cannot be listened on (${cause.code})`,
    'see --listen, --port',
  ];
  return new LabError('LAB_LISTEN', `${host} port ${port} ${reason}`, { advice, cause });
}
