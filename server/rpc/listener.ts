/**
 * One listening address: accepts connections, finds out which version of HTTP they speak, and hands them on. gRPC and
 * HTTP/1.1 share a port, told apart by TLS's protocol negotiation or by HTTP/2's preface (contract: api.md §4.2).
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { createServer as createHttp1Server, type Server as Http1Server, type IncomingMessage } from 'node:http';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Logger } from '../base/logger.ts';
import type { HttpHandler } from '../http/exchange.ts';
import { incomingOf } from '../http/incoming.ts';
import { serveHttp1 } from '../http/serve.ts';
import { asksForWebSocket, serveWebSocket, type WebSocketOptions } from '../http/websocket.ts';
import { underlying } from '../tls/refused-handshake.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { type Http2Options, Http2Transport } from './http2-server.ts';

/** Where to listen. */
export interface ListenAddress {
  /** The address to bind, or the path of a Unix socket when there is no port. */
  readonly host: string;
  readonly port?: number;
  readonly reusePort?: boolean;
}

export interface ListenerOptions {
  /** Undefined: plaintext. */
  readonly tls?: ServerTls | undefined;
  readonly logger: Logger;
  /** Time for the TLS handshake and the first bytes; after it a silent connection is closed. */
  readonly handshakeTimeoutMs?: number;
}

/** What to do with connections. At least one of both. */
export interface ListenerServices {
  readonly grpc?: Omit<Http2Options, 'http'>;
  readonly http?: HttpHandler;
  /** WebSockets of the JSON gateway, with `http` only; without it a request for one is answered like any other. */
  readonly webSocket?: WebSocketOptions;
}

/** HTTP/2's preface starts with these bytes, and no request of HTTP/1 does (RFC 9113 §3.4). */
const preface = Buffer.from('PRI * HTTP/2.0');
/** Connections that wait for the server to be ready. */
const maxWaiting = 1024;
const defaultHandshakeTimeoutMs = 120_000;
/** Time for the headers of one HTTP/1.1 request. */
const maxHeadersTimeoutMs = 60_000;

/** @throws Error `listen tcp 127.0.0.1:2379: bind: address already in use` */
export async function openListener(address: ListenAddress, options: ListenerOptions): Promise<Listener> {
  const listener = new Listener(options);
  await listener.listen(address);
  return listener;
}

export class Listener {
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Connections from before `serve`; undefined from then on. */
  private waiting: Duplex[] | undefined = [];
  /** Connections in the middle of their TLS handshake. */
  private readonly shakingHands = new Set<object>();
  /** Connections that have not said yet what they speak. */
  private readonly undecided = new Set<Duplex>();
  private readonly http1Connections = new Set<Duplex>();
  /** Those of them with a request that is being answered. */
  private readonly busy = new Set<Duplex>();
  private http2: Http2Transport | undefined;
  private http1: Http1Server | undefined;

  constructor(options: ListenerOptions) {
    this.options = options;
    const { tls } = options;
    if (tls === undefined) {
      this.server = createNetServer({ noDelay: true }, (socket) => this.accept(socket));
    } else {
      const timeout = options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs;
      const server = createTlsServer({ ...tls.options(), handshakeTimeout: timeout, noDelay: true });
      server.on('connection', (socket: Socket) => {
        this.shakingHands.add(socket);
        socket.once('close', () => this.shakingHands.delete(socket));
      });
      tls.guard(server, (socket) => {
        this.shakingHands.delete(underlying(socket));
        this.accept(socket);
      });
      this.server = server;
    }
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  listen({ host, port, reusePort = false }: ListenAddress): Promise<void> {
    if (port === undefined) removeStaleSocket(host);
    const target = port === undefined ? { path: host } : { host, port, reusePort };
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
      this.server.once('error', fail);
      this.server.listen({ ...target, backlog: 1024 }, () => {
        this.server.off('error', fail);
        this.server.on('error', (error) => this.options.logger.error('listener failed', { error }));
        resolve();
      });
    });
  }

  /** The port that was bound, when it was chosen by the system. */
  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Starts answering; connections that came before are answered now. */
  serve({ grpc, http, webSocket }: ListenerServices): void {
    if (grpc !== undefined) {
      // On plaintext the version of HTTP decides; over TLS the content type does (api.md §4.2).
      this.http2 = new Http2Transport({ ...grpc, http: this.options.tls === undefined ? undefined : http });
    }
    if (http !== undefined) {
      const { handshakeTimeoutMs = defaultHandshakeTimeoutMs } = this.options;
      const headersTimeout = Math.min(handshakeTimeoutMs, maxHeadersTimeoutMs);
      const limits = {
        headersTimeout,
        // A body may take as long as a watch that still gets requests.
        requestTimeout: 0,
        connectionsCheckingInterval: Math.ceil(headersTimeout / 4),
        // What is not upgraded is a request like any other.
        shouldUpgradeCallback: (request: IncomingMessage) =>
          webSocket !== undefined && asksForWebSocket(request) && webSocket.isAllowed(incomingOf(request)),
      };
      this.http1 = createHttp1Server(limits, (request, response) => {
        this.busy.add(request.socket);
        response.once('close', () => this.busy.delete(request.socket));
        serveHttp1(http, request, response).catch(() => response.destroy());
      });
      this.http1.on('upgrade', (request, socket, head) => {
        this.busy.add(socket);
        socket.once('close', () => this.busy.delete(socket));
        serveWebSocket(http, webSocket?.maxMessageBytes ?? 0, request, socket, head).catch(() => socket.destroy());
      });
      // It is handed its connections and never listens; but from this event on, Node keeps a list of them, without
      // which there is no deadline for headers.
      this.http1.emit('listening');
      this.http1.on('clientError', (_error, socket) => socket.destroy());
    }
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const socket of waiting) if (!socket.destroyed) this.accept(socket);
  }

  /**
   * Accepts no more connections, lets open calls end, and cuts what is left after the grace.
   *
   * @param graceMs how long calls may go on
   */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of [...(this.waiting ?? []), ...this.undecided]) socket.destroy();
    for (const socket of this.shakingHands) (socket as Socket).destroy();
    this.http2?.drain();
    this.cutQuietHttp1();
    // HTTP/1.1 has no word for that an answer is the last: its connection goes when it is given.
    const quiet = setInterval(() => this.cutQuietHttp1(), 50);
    const cut = setTimeout(() => this.cut(), graceMs);
    await closed;
    clearInterval(quiet);
    clearTimeout(cut);
    this.http1?.close();
  }

  private cutQuietHttp1(): void {
    for (const socket of this.http1Connections) if (!this.busy.has(socket)) socket.destroy();
  }

  private cut(): void {
    this.http2?.destroy();
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(socket: Duplex): void {
    // A connection that breaks is closed, and no more: whoever uses it listens to that.
    socket.on('error', () => {});
    if (this.waiting !== undefined) {
      if (this.waiting.length >= maxWaiting) socket.destroy();
      else this.waiting.push(socket);
      return;
    }
    const protocol = (socket as TLSSocket).alpnProtocol;
    if (protocol === 'h2' || this.http1 === undefined) this.serveHttp2(socket);
    else if (protocol === 'http/1.1' || this.http2 === undefined) this.serveHttp1(socket);
    else this.sniff(socket);
  }

  /** Waits for as many bytes as tell the versions apart, and puts them back. */
  private sniff(socket: Duplex): void {
    const timeoutMs = this.options.handshakeTimeoutMs ?? defaultHandshakeTimeoutMs;
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    this.undecided.add(socket);
    let start = Buffer.alloc(0);
    const read = (): void => {
      const more: Buffer | null = socket.read();
      if (more === null) return;
      start = Buffer.concat([start, more]);
      const seen = start.subarray(0, preface.length);
      const isHttp2 = seen.equals(preface.subarray(0, seen.length));
      if (isHttp2 && seen.length < preface.length) return;
      done(() => {
        // Only now: what is put back is readable at once, and would be read here again and again.
        socket.unshift(start);
        if (isHttp2) this.serveHttp2(socket);
        else this.serveHttp1(socket);
      });
    };
    const decided = (): void => {
      clearTimeout(timer);
      this.undecided.delete(socket);
    };
    const done = (serve: () => void): void => {
      decided();
      socket.off('readable', read);
      socket.off('close', decided);
      serve();
    };
    socket.on('close', decided);
    socket.on('readable', read);
    read();
  }

  private serveHttp1(socket: Duplex): void {
    if (this.http1 === undefined) socket.destroy();
    else {
      this.http1Connections.add(socket);
      socket.once('close', () => this.http1Connections.delete(socket));
      this.http1.emit('connection', socket);
    }
  }

  private serveHttp2(socket: Duplex): void {
    if (this.http2 === undefined) socket.destroy();
    else this.http2.serve(socket);
  }
}

/** A server that was killed leaves its socket's name behind, under which nobody can listen again. */
function removeStaleSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number | undefined): Error {
  const place = port === undefined ? `unix ${host}` : `tcp ${host.includes(':') ? `[${host}]` : host}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: 'bind: address already in use',
    EACCES: 'bind: permission denied',
    EADDRNOTAVAIL: 'bind: cannot assign requested address',
  };
  return new Error(`listen ${place}: ${reasons[error.code ?? ''] ?? error.message}`);
}
