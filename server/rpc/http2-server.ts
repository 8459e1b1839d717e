/** gRPC over node:http2: sessions, and what each of their streams is. */
import type { X509Certificate } from 'node:crypto';
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { HttpHandler } from '../http/exchange.ts';
import { serveHttp2 } from '../http/serve.ts';
import { type Connection, Http2Call, headersOnly } from './http2-call.ts';
import { type KeepaliveRule, keepAlive, type PingPolicy } from './keepalive.ts';
import { encodeStatusMessage } from './messages.ts';
import type { GrpcHandler } from './transport.ts';

export interface Http2Options {
  readonly handler: GrpcHandler;
  /** Answers requests that are not gRPC; without it they get status 415. */
  readonly http?: HttpHandler | undefined;
  readonly maxReceiveBytes: number;
  readonly maxConcurrentStreams: number;
  readonly keepalive: KeepaliveRule;
}

/** Bytes a client may send ahead on one stream, and on all of a connection: a whole request, and several of them. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 8 * 1024 * 1024;

class Http2Connection implements Connection {
  readonly remoteAddress: string;
  readonly secure: boolean;
  openStreams = 0;
  private readonly session: ServerHttp2Session;
  private readonly pings: PingPolicy;
  private cachedCertificate: X509Certificate | undefined | null = null;

  constructor(session: ServerHttp2Session, keepalive: KeepaliveRule) {
    const { socket } = session;
    this.session = session;
    this.remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    this.secure = session.encrypted === true;
    this.pings = keepAlive(session, keepalive, () => this.openStreams);
  }

  get certificate(): X509Certificate | undefined {
    if (this.cachedCertificate === null) {
      const { socket } = this.session;
      // The session hands out a proxy of its socket; only verified certificates count.
      const verified = this.secure && (socket as TLSSocket).authorized;
      this.cachedCertificate = verified ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
    }
    return this.cachedCertificate;
  }

  answered(): void {
    this.pings.answered();
  }
}

/** Serves gRPC, and HTTP beside it, on sockets that it is handed. */
export class Http2Transport {
  private readonly options: Http2Options;
  private readonly server: Http2Server;
  private readonly connections = new Map<ServerHttp2Session, Http2Connection>();

  constructor(options: Http2Options) {
    this.options = options;
    this.server = createServer({
      settings: {
        maxConcurrentStreams: options.maxConcurrentStreams,
        initialWindowSize: streamWindowBytes,
        enablePush: false,
      },
      // Counted in MB: requests of one client that are under way. The default of 10 is less than eight large ones.
      maxSessionMemory: 256,
      // A client that cancels many calls is a client; the default allows 33 a second.
      streamResetBurst: 10_000,
      streamResetRate: 10_000,
    });
    this.server.on('session', (session) => this.open(session));
    this.server.on('stream', (stream, headers) => this.accept(stream as ServerHttp2Stream, headers));
    // A broken connection is the client's affair; its streams are told by `aborted`.
    this.server.on('sessionError', () => {});
  }

  /** Takes over a socket on which the client speaks HTTP/2. What was read of it must have been put back. */
  serve(socket: Duplex): void {
    this.server.emit('connection', socket);
  }

  /** Lets open calls end and takes no new ones. */
  drain(): void {
    for (const session of this.connections.keys()) session.close();
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const session of this.connections.keys()) session.destroy();
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  private open(session: ServerHttp2Session): void {
    session.setLocalWindowSize(connectionWindowBytes);
    this.connections.set(session, new Http2Connection(session, this.options.keepalive));
    session.once('close', () => this.connections.delete(session));
  }

  private accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // Whatever goes wrong on a stream also closes it, which is what calls look at.
    stream.on('error', () => {});
    const connection = this.connections.get(stream.session as ServerHttp2Session);
    if (connection === undefined) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    connection.openStreams++;
    stream.on('close', () => connection.openStreams--);
    const contentType = headers['content-type'] ?? '';
    if (isGrpc(contentType)) this.startCall(stream, headers, connection);
    else if (this.options.http !== undefined) this.startExchange(this.options.http, stream, headers, connection);
    else refuse(stream, 415, Code.InvalidArgument, `invalid gRPC request content-type "${contentType}"`);
  }

  private startExchange(
    http: HttpHandler,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { secure, remoteAddress }: Http2Connection,
  ): void {
    serveHttp2(http, stream, headers, secure, remoteAddress).catch(() =>
      stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    );
  }

  private startCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: Http2Connection): void {
    const method = headers[':method'];
    if (method !== 'POST') {
      const text = `Received a HEADERS frame with :method "${method}" which should be POST`;
      refuse(stream, 405, Code.Internal, text);
      return;
    }
    const encoding = headers['grpc-encoding'] ?? 'identity';
    if (encoding !== 'identity' && encoding !== 'gzip') {
      const text = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
      refuse(stream, 200, Code.Unimplemented, text, { 'grpc-accept-encoding': 'identity,gzip' });
      return;
    }
    let call: Http2Call;
    try {
      call = new Http2Call(stream, headers, connection, this.options.maxReceiveBytes);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      refuse(stream, 400, error.code, error.message);
      return;
    }
    this.options.handler(call);
  }
}

/** `application/grpc`, alone or with a suffix or parameter. */
function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith('application/grpc')) return false;
  const next = contentType.charAt('application/grpc'.length);
  return next === '' || next === '+' || next === ';';
}

function refuse(
  stream: ServerHttp2Stream,
  httpStatus: number,
  code: Code,
  message: string,
  headers: Record<string, string> = {},
): void {
  stream.resume();
  const status = { 'grpc-status': String(code), 'grpc-message': encodeStatusMessage(message) };
  stream.respond({ ':status': httpStatus, 'content-type': 'application/grpc', ...status, ...headers }, headersOnly);
}
