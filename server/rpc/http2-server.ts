/** gRPC over HTTP/2: connections, and what each of their streams is. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { type HeaderField, ServerSession, type ServerStream, type StreamHandler } from '../h2/mod.ts';
import type { HttpHandler } from '../http/exchange.ts';
import { serveHttp2 } from '../http/http2-exchange.ts';
import { type Connection, Http2Call } from './http2-call.ts';
import { ConnectionPings, type KeepaliveRule } from './keepalive.ts';
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
/** The fields of one request, tokens and all. */
const maxHeaderListBytes = 64 * 1024;
/** Messages of one connection that are not complete or not read. */
const maxHeldBytes = 256 * 1024 * 1024;
const setupTimeoutMs = 10_000;

class Http2Connection implements Connection {
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly session: ServerSession;
  private readonly socket: Socket;
  private readonly pings: ConnectionPings;
  private heldBytes = 0;
  private cachedCertificate: X509Certificate | undefined | null = null;

  constructor(socket: Socket, options: Http2Options, onClose: () => void) {
    this.socket = socket;
    this.remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    this.secure = socket instanceof TLSSocket;
    this.session = new ServerSession(socket, {
      accept: (stream) => accept(stream, this, options),
      onPing: () => this.pings.received(),
      onClose,
      maxConcurrentStreams: options.maxConcurrentStreams,
      ...{ streamWindowBytes, connectionWindowBytes, maxHeaderListBytes, setupTimeoutMs },
    });
    this.pings = new ConnectionPings(this.session, options.keepalive);
  }

  /** Only a verified one counts. */
  get certificate(): X509Certificate | undefined {
    if (this.cachedCertificate === null) {
      const { socket } = this;
      const isVerified = socket instanceof TLSSocket && socket.authorized;
      this.cachedCertificate = isVerified ? socket.getPeerX509Certificate() : undefined;
    }
    return this.cachedCertificate;
  }

  answered(): void {
    this.pings.answered();
  }

  hold(bytes: number): boolean {
    this.heldBytes += bytes;
    return this.heldBytes <= maxHeldBytes;
  }
}

/** Serves gRPC, and HTTP beside it, on sockets that it is handed. */
export class Http2Transport {
  private readonly options: Http2Options;
  private readonly connections = new Set<Http2Connection>();

  constructor(options: Http2Options) {
    this.options = options;
  }

  /** Takes over a socket on which the client speaks HTTP/2. What was read of it must have been put back. */
  serve(socket: Duplex): void {
    const connection = new Http2Connection(socket as Socket, this.options, () => this.connections.delete(connection));
    this.connections.add(connection);
  }

  /** Lets open calls end and takes no new ones. */
  drain(): void {
    for (const { session } of this.connections) session.drain();
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const { session } of this.connections) session.destroy();
  }

  get connectionCount(): number {
    return this.connections.size;
  }
}

function accept(stream: ServerStream, connection: Http2Connection, options: Http2Options): StreamHandler {
  const contentType = stream.head.get('content-type') ?? '';
  if (isGrpc(contentType)) return startCall(stream, connection, options);
  const { http } = options;
  if (http !== undefined) {
    const { secure, remoteAddress } = connection;
    return serveHttp2(http, stream, { secure, remoteAddress, peerCertificate: () => connection.certificate });
  }
  return refuse(stream, 415, Code.InvalidArgument, `invalid gRPC request content-type "${contentType}"`);
}

function startCall(stream: ServerStream, connection: Http2Connection, options: Http2Options): StreamHandler {
  const { method } = stream.head;
  if (method !== 'POST') {
    const text = `Received a HEADERS frame with :method "${method}" which should be POST`;
    return refuse(stream, 405, Code.Internal, text);
  }
  const encoding = stream.head.get('grpc-encoding') ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    const text = `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
    const accepted = { name: 'grpc-accept-encoding', value: 'identity,gzip' };
    return refuse(stream, 200, Code.Unimplemented, text, [accepted]);
  }
  let call: Http2Call;
  try {
    call = new Http2Call(stream, connection, options.maxReceiveBytes);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return refuse(stream, 400, error.code, error.message);
  }
  options.handler(call);
  return call;
}

/** `application/grpc`, alone or with a suffix or parameter. */
function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith('application/grpc')) return false;
  const next = contentType.charAt('application/grpc'.length);
  return next === '' || next === '+' || next === ';';
}

function refuse(
  stream: ServerStream,
  httpStatus: number,
  code: Code,
  message: string,
  more: readonly HeaderField[] = [],
): StreamHandler {
  const fields = [
    { name: ':status', value: String(httpStatus) },
    { name: 'content-type', value: 'application/grpc' },
    { name: 'grpc-status', value: String(code) },
    { name: 'grpc-message', value: encodeStatusMessage(message) },
  ];
  stream.respond([...fields, ...more], true);
  return { data: () => {}, end: () => {}, reset: () => {}, drain: () => {} };
}
