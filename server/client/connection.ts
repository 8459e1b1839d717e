/** One endpoint and the connection to it. */
import net from 'node:net';
import { Code } from '../errors/etcd-error.ts';
import { ClientSession, type HeaderField } from '../h2/mod.ts';
import type { EtcdClientOptions } from './client-options.ts';
import { type EndpointAddress, parseEndpoint } from './endpoint-address.ts';
import { GrpcCall } from './grpc-call.ts';
import { RpcError } from './rpc-error.ts';
import { secure, type TlsConnectionOptions, tlsConnectionOptions } from './tls-connection.ts';

/** A member that restarts is back within a second or two. */
const firstPauseMs = 100;
const longestPauseMs = 2_000;
const pauseGrowth = 1.6;
/** How long one attempt to connect may take, to the server's first frame. */
const attemptTimeoutMs = 20_000;
/** A server closes a connection that is pinged more often than every 5 s. */
const shortestKeepaliveMs = 10_000;
const windows = { streamWindowBytes: 1024 * 1024, connectionWindowBytes: 64 * 1024 * 1024 };
const maxHeaderListBytes = 64 * 1024;

/** What goes with a call, by its lower-case name. */
export type Metadata = Readonly<Record<string, string>>;

export class Connection {
  readonly endpoint: string;
  private readonly address: EndpointAddress;
  private readonly tls: TlsConnectionOptions | undefined;
  private readonly keepaliveTimeMs: number;
  private readonly keepaliveTimeoutMs: number;
  private readonly closing = new AbortController();
  private session: ClientSession | undefined;
  private socket: net.Socket | undefined;
  private connecting: Promise<void> | undefined;

  /** @throws Error when the endpoint or the certificates cannot be read */
  constructor(endpoint: string, options: EtcdClientOptions) {
    this.endpoint = endpoint;
    this.address = parseEndpoint(endpoint);
    const { tls, host } = this.address;
    const isSecure = tls === 'yes' || (tls === 'if-configured' && options.tls !== undefined);
    // A unix socket has no name of its own; Go checks the certificate against `localhost` then.
    this.tls = isSecure ? tlsConnectionOptions(options.tls ?? {}, host ?? 'localhost') : undefined;
    this.keepaliveTimeMs = Math.max(options.keepaliveTimeMs ?? shortestKeepaliveMs, shortestKeepaliveMs);
    this.keepaliveTimeoutMs = options.keepaliveTimeoutMs ?? 6_000;
  }

  get isReady(): boolean {
    return this.session?.isOpen === true;
  }

  /** Connects, again and again with a growing pause, until it works or the connection is closed. Never rejects. */
  whenReady(): Promise<void> {
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  /**
   * Begins a call.
   *
   * @param timeoutMs until its status must be there; Infinity for no limit
   * @throws RpcError Unavailable when the connection has ended meanwhile
   */
  call(path: string, metadata: Metadata, timeoutMs: number, signal: AbortSignal | undefined): GrpcCall {
    const { session, endpoint } = this;
    if (session?.isOpen !== true) {
      throw new RpcError(Code.Unavailable, 'the connection is draining', { endpoint, neverSent: true });
    }
    this.socket?.ref();
    return new GrpcCall(session, this.head(path, metadata, timeoutMs), { endpoint, timeoutMs, signal });
  }

  /** Takes no more calls. The connection ends when those under way have ended. */
  close(): void {
    this.closing.abort();
    this.session?.close();
    if (this.session === undefined) this.socket?.destroy();
  }

  private async connect(): Promise<void> {
    // One that takes no more requests may still have some under way.
    this.session?.close();
    this.session = undefined;
    const { signal } = this.closing;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * pauseGrowth, longestPauseMs)) {
      if (await this.attempt()) return;
      await pause(pauseMs * (0.8 + 0.4 * Math.random()), signal);
    }
  }

  /** @returns whether there is a server at the other end that speaks HTTP/2; why not, `explainConnectFailure` tells */
  private attempt(): Promise<boolean> {
    const { host, port, socketPath } = this.address;
    const plain =
      socketPath === undefined ? net.connect({ host: host as string, port: port as number }) : net.connect(socketPath);
    return new Promise((resolve) => {
      const timer = setTimeout(() => plain.destroy(), attemptTimeoutMs).unref();
      const settle = (isReady: boolean): void => {
        clearTimeout(timer);
        resolve(isReady);
      };
      plain.on('error', () => {}).once('close', () => settle(false));
      this.socket = plain.setNoDelay(true).unref();
      const begin = (socket: net.Socket): void => {
        const session = new ClientSession(socket, {
          ...{ ...windows, maxHeaderListBytes },
          onSettled: () => {
            if (this.session === session) return;
            this.session = session;
            if (this.closing.signal.aborted) session.close();
            this.keepAlive(session, socket);
            settle(true);
          },
          // An idle connection does not keep a program from ending.
          onIdle: () => plain.unref(),
        });
      };
      if (this.tls === undefined) plain.once('connect', () => begin(plain));
      else secure(plain, this.tls, begin);
    });
  }

  /** While there are calls, asks whether the server is still there. */
  private keepAlive(session: ClientSession, socket: net.Socket): void {
    const timer = setInterval(() => {
      if (session.openStreams === 0) return;
      const limit = setTimeout(
        () => session.destroy('keepalive ping failed to receive ACK within timeout'),
        this.keepaliveTimeoutMs,
      ).unref();
      session.ping(() => clearTimeout(limit));
    }, this.keepaliveTimeMs).unref();
    socket.once('close', () => clearInterval(timer));
  }

  private head(path: string, metadata: Metadata, timeoutMs: number): HeaderField[] {
    const { host, port } = this.address;
    const authority = host === undefined ? 'localhost' : `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const fields: HeaderField[] = [
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: this.tls === undefined ? 'http' : 'https' },
      { name: ':path', value: path },
      { name: ':authority', value: authority },
      { name: 'content-type', value: 'application/grpc' },
      { name: 'te', value: 'trailers' },
      { name: 'user-agent', value: 'etcdlab' },
    ];
    if (timeoutMs !== Number.POSITIVE_INFINITY) fields.push({ name: 'grpc-timeout', value: timeoutText(timeoutMs) });
    for (const [name, value] of Object.entries(metadata)) fields.push({ name, value });
    return fields;
  }
}

/** At most eight digits and a unit. */
function timeoutText(timeoutMs: number): string {
  const wholeMs = Math.max(Math.ceil(timeoutMs), 1);
  return wholeMs < 1e8 ? `${wholeMs}m` : `${Math.min(Math.ceil(wholeMs / 1000), 99_999_999)}S`;
}

/** Ends early when `signal` fires. Does not keep a program from ending. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
