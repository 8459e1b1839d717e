/** Requests to other members: one way to connect, with deadlines, plain or TLS. */
import type { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { explainClientCertificate, explainServerCertificate } from '../tls/explain-certificate.ts';
import type { TlsFiles } from './tls.ts';
import type { PeerTimes } from './types.ts';

export interface RequestOptions {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  /** Use a connection of its own, for streams and snapshots; others are kept for the next request. */
  ownConnection?: boolean;
  signal?: AbortSignal;
}

export interface RoundTripOptions extends RequestOptions {
  body?: Uint8Array;
  /** For the whole exchange. */
  timeoutMs: number;
  /** The largest answer that is read. */
  maxBodyBytes?: number;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** As many connections as one member keeps to another for requests; upstream's pipeline has as many. */
const connectionsPerHost = 4;
const defaultMaxBodyBytes = 1024 * 1024;

export class Dialer {
  private readonly files: TlsFiles | undefined;
  private readonly times: Pick<PeerTimes, 'dialTimeoutMs' | 'readTimeoutMs'>;
  private readonly agents: Record<'http:' | 'https:', { shared: http.Agent; own: http.Agent }>;

  constructor(files: TlsFiles | undefined, times: Pick<PeerTimes, 'dialTimeoutMs' | 'readTimeoutMs'>) {
    this.files = files;
    this.times = times;
    const shared = { keepAlive: true, maxSockets: connectionsPerHost, maxFreeSockets: connectionsPerHost };
    // No TLS session is ever resumed: each connection shows and verifies the certificates of now.
    const fresh = { maxCachedSessions: 0 };
    const connect = (options: object) => this.connectTls(options as tls.ConnectionOptions);
    this.agents = {
      'http:': { shared: new http.Agent(shared), own: new http.Agent({ keepAlive: false }) },
      'https:': {
        shared: new TlsAgent(connect, { ...shared, ...fresh }),
        own: new TlsAgent(connect, { keepAlive: false, ...fresh }),
      },
    };
  }

  /**
   * Starts a request; the caller writes its body, ends it and reads the answer. It fails (`error`) when connecting
   * takes longer than the dial timeout, or nothing moves for longer than the read timeout.
   *
   * @param base scheme://host:port
   */
  open(base: string, options: RequestOptions): http.ClientRequest {
    const url = new URL(options.path, base);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new Error(`cannot dial ${base}: members are reached by http or https only`);
    }
    const agents = this.agents[url.protocol];
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: options.method,
      agent: options.ownConnection === true ? agents.own : agents.shared,
      headers: options.headers ?? {},
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    this.guard(request);
    return request;
  }

  /** One small request and its answer. @throws Error when there is none within the deadline */
  async roundTrip(base: string, options: RoundTripOptions): Promise<Answer> {
    const deadline = AbortSignal.timeout(options.timeoutMs);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    for (let attempt = 0; ; attempt++) {
      const request = this.open(base, { ...options, signal });
      try {
        return await exchange(request, options);
      } catch (error) {
        if (deadline.aborted) {
          throw new Error(`no answer from ${base} within ${options.timeoutMs} ms`, { cause: error });
        }
        // The other side may close a kept connection just as it is used again; that says nothing about the member.
        if (!request.reusedSocket || attempt >= connectionsPerHost || signal.aborted) throw error;
      }
    }
  }

  /** Closes all connections; requests under way fail. */
  close(): void {
    for (const { shared, own } of Object.values(this.agents)) {
      shared.destroy();
      own.destroy();
    }
  }

  private guard(request: http.ClientRequest): void {
    const { dialTimeoutMs, readTimeoutMs } = this.times;
    let response: http.IncomingMessage | undefined;
    request.once('response', (answer) => {
      response = answer;
    });
    request.once('socket', (socket) => {
      socket.setNoDelay(true);
      socket.setTimeout(readTimeoutMs);
      const stall = () => {
        const error = new Error(`nothing received or sent for ${readTimeoutMs} ms`);
        // Once there is an answer, only its own error tells the reader why it ended.
        if (response === undefined) request.destroy(error);
        else response.destroy(error);
      };
      socket.on('timeout', stall);
      request.once('close', () => socket.off('timeout', stall));
      if (!socket.connecting) return;
      const late = () => request.destroy(new Error(`not connected within ${dialTimeoutMs} ms`));
      const timer = setTimeout(late, dialTimeoutMs);
      const done = () => clearTimeout(timer);
      socket.once(socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect', done);
      request.once('close', done);
    });
  }

  private connectTls(options: tls.ConnectionOptions): tls.TLSSocket {
    const { files } = this;
    if (files === undefined) throw new Error('cannot dial an https URL: no peer certificate is configured');
    const host = options.host ?? '';
    const socket = tls.connect({
      ...options,
      // Without a name of its own, an address must not be sent as a server name (RFC 6066 §3).
      servername: net.isIP(host) === 0 ? host : '',
      secureContext: files.clientContext(),
      rejectUnauthorized: files.config.insecureSkipVerify !== true,
    });
    explainFailure(socket, host, files);
    return socket;
  }
}

/** Puts into the error of a handshake which certificate was refused, by whom and for what. */
function explainFailure(socket: tls.TLSSocket, host: string, files: TlsFiles): void {
  let shown: X509Certificate | undefined;
  // Before Node judges the certificate: it closes the socket, which then has none any more.
  socket.prependOnceListener('secure', () => {
    shown = socket.getPeerX509Certificate();
  });
  socket.prependOnceListener('error', (error: NodeJS.ErrnoException) => {
    try {
      const reason = failureReason(error, socket, shown, host, files);
      if (reason !== undefined) error.message = `${reason} (${error.message})`;
    } catch {
      // Words are not worth a member: the error stays what it is, and takes its way.
    }
  });
}

function failureReason(
  { code = '' }: NodeJS.ErrnoException,
  socket: tls.TLSSocket,
  shown: X509Certificate | undefined,
  host: string,
  files: TlsFiles,
): string | undefined {
  const now = new Date();
  const isVerdict = socket.authorizationError !== null && socket.authorizationError !== undefined;
  if (shown !== undefined && isVerdict) {
    const verdict = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? undefined : code;
    return explainServerCertificate(shown, host, verdict, files.ca, now);
  }
  if (!code.includes('_ALERT_')) return undefined;
  const own = explainClientCertificate(files.clientCertificate(), now);
  return `the peer refused this member's certificate${own === undefined ? '; its log says why' : `: ${own}`}`;
}

/** Connects with the certificate that lies on disk at that moment. */
class TlsAgent extends https.Agent {
  private readonly connect: (options: object) => tls.TLSSocket;

  constructor(connect: (options: object) => tls.TLSSocket, options: https.AgentOptions) {
    super(options);
    this.connect = connect;
  }

  override createConnection(
    options: object,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | undefined {
    try {
      return this.connect(options);
    } catch (error) {
      // Not thrown: for a request that has waited for its turn, there is nobody on the stack to catch it.
      callback?.(error as Error, undefined as never);
      return undefined;
    }
  }
}

function exchange(request: http.ClientRequest, options: RoundTripOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      readBody(response, options.maxBodyBytes ?? defaultMaxBodyBytes)
        .then((body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        .catch(reject);
    });
    if (options.body === undefined) request.end();
    else {
      // Also for GET: /members/hashkv takes its question in the body.
      request.setHeader('Content-Length', options.body.length);
      request.end(options.body);
    }
  });
}

/** Reads a request's or an answer's body. @throws Error when it is longer than `maxBytes` or breaks off */
export async function readBody(source: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maxBytes) throw new BodyTooLargeError(`body is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}
