/**
 * Says why an endpoint cannot be used. gRPC keeps its reasons to itself and reports a passed deadline, so this looks
 * for itself, step by step: name, address, TLS both ways, HTTP/2.
 */
import { X509Certificate } from 'node:crypto';
import dns from 'node:dns/promises';
import net from 'node:net';
import tls from 'node:tls';
import { explainClientCertificate, explainServerCertificate } from '../tls/explain-certificate.ts';
import type { ClientTls } from './client-options.ts';
import { type EndpointAddress, parseEndpoint } from './endpoint-address.ts';
import { tlsConnectionOptions } from './tls-connection.ts';

/** The client's HTTP/2 greeting with an empty SETTINGS frame (RFC 9113 §3.4); a server answers with its own. */
const http2Greeting = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
const settingsFrame = 0x04;
const tlsAlert = 0x15;

/**
 * @param timeoutMs longest time for each of the steps (name, connection, handshake, first answer)
 * @returns one sentence with the reason; when all is well from here, it says that. Never rejects.
 */
export async function explainConnectFailure(
  endpoint: string,
  clientTls?: ClientTls | undefined,
  timeoutMs = 2_000,
): Promise<string> {
  try {
    const address = parseEndpoint(endpoint);
    const secure = address.tls === 'yes' || (address.tls === 'if-configured' && clientTls !== undefined);
    const unresolved = await explainName(address);
    if (unresolved !== undefined) return `${endpoint}: ${unresolved}`;
    const socket = await connect(address, timeoutMs);
    try {
      const reason = secure
        ? await explainTls(socket, clientTls ?? {}, address.host ?? 'localhost', timeoutMs)
        : await explainPlain(socket, timeoutMs);
      return `${endpoint}: ${reason}`;
    } finally {
      socket.destroy();
    }
  } catch (error) {
    return `${endpoint}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function explainName({ host }: EndpointAddress): Promise<string | undefined> {
  if (host === undefined || net.isIP(host) !== 0) return undefined;
  try {
    await dns.lookup(host);
    return undefined;
  } catch (error) {
    return `the name "${host}" does not resolve (${codeOf(error)}); check its spelling, /etc/hosts and DNS`;
  }
}

function connect(address: EndpointAddress, timeoutMs: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, socketPath } = address;
    const socket =
      socketPath === undefined ? net.connect({ host: host as string, port: port as number }) : net.connect(socketPath);
    const where = socketPath ?? `${host}:${port}`;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer from ${where} within ${timeoutMs} ms; a firewall, a cut network or a wrong address`));
    }, timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(new Error(explainSocketError(codeOf(error), where), { cause: error }));
    });
  });
}

function explainSocketError(code: string, where: string): string {
  if (code === 'ECONNREFUSED') return `nothing listens on ${where} (connection refused); is the member running?`;
  if (code === 'ENOENT') return `there is no socket ${where}; is the member running?`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return `there is no route to ${where} (${code})`;
  return `cannot connect to ${where} (${code})`;
}

/** Shakes hands without verification, then verifies what came, so that a refusal can be explained. */
async function explainTls(socket: net.Socket, clientTls: ClientTls, host: string, timeoutMs: number): Promise<string> {
  const options = tlsConnectionOptions(clientTls, host);
  const secured = tls.connect({ ...options, socket, rejectUnauthorized: false, checkServerIdentity: () => undefined });
  const now = new Date();
  try {
    await firstEvent(secured, 'secureConnect', timeoutMs);
    const certificate = secured.getPeerX509Certificate();
    if (certificate !== undefined && clientTls.insecureSkipVerify !== true) {
      const verdict = secured.authorizationError as unknown as { code?: string } | string | null | undefined;
      const verifyError = typeof verdict === 'string' ? verdict : verdict?.code;
      const leaf = new X509Certificate(certificate.raw);
      const reason = explainServerCertificate(leaf, host, verifyError, clientTls.ca, now);
      if (reason !== undefined) return reason;
    }
    // With TLS 1.3 a server judges the client's certificate after the client thinks that the handshake is over.
    secured.write(http2Greeting);
    return explainAnswer((await firstEvent(secured, 'data', timeoutMs)) as Buffer, 'TLS');
  } catch (error) {
    return explainTlsError(error, clientTls, now);
  } finally {
    secured.destroy();
  }
}

function explainTlsError(error: unknown, clientTls: ClientTls, now: Date): string {
  const code = codeOf(error);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'the server does not speak TLS on this port; use http:// or drop the certificates';
  }
  // Node.js servers hang up where others send an alert.
  const refused = /ALERT_/.test(code) || ['closed', 'ECONNRESET', 'EPIPE'].includes(code);
  if (refused && clientTls.cert !== undefined) {
    const reason = explainClientCertificate(clientTls.cert, now);
    return reason === undefined
      ? `the server refused the client's certificate (${code}); it may be of a CA that the server does not trust, or revoked`
      : `the server refused the client's certificate (${code}): ${reason}`;
  }
  if (refused && !/HANDSHAKE_FAILURE/.test(code)) {
    return `the server refused the connection after the handshake (${code}): it demands a client certificate`;
  }
  if (code === 'timeout') return (error as Error).message;
  return `TLS failed: ${error instanceof Error ? error.message : String(error)} (${code})`;
}

async function explainPlain(socket: net.Socket, timeoutMs: number): Promise<string> {
  try {
    socket.write(http2Greeting);
    return explainAnswer((await firstEvent(socket, 'data', timeoutMs)) as Buffer, 'plaintext');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ECONNRESET' || code === 'closed') {
      return 'the server hangs up on plaintext; it may expect TLS: use https:// and name its CA';
    }
    return error instanceof Error ? error.message : String(error);
  }
}

function explainAnswer(answer: Buffer, transport: string): string {
  if (answer[0] === tlsAlert) return 'the server expects TLS; use https:// and name its CA';
  if (answer.toString('latin1', 0, 5) === 'HTTP/')
    return 'the server speaks HTTP/1.1 only; is this an etcd client port?';
  if (answer[3] !== settingsFrame) return 'the server does not speak HTTP/2; is this an etcd client port?';
  return `${transport} and HTTP/2 work from here; the member answers but could not serve the request in time`;
}

/** The argument of the socket's first `event`. Rejects with its error, on its end and when the time is up. */
function firstEvent(socket: net.Socket, event: 'data' | 'secureConnect', timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (code: string, text: string): void => reject(Object.assign(new Error(text), { code }));
    const timer = setTimeout(
      () => fail('timeout', `connected, but no answer within ${timeoutMs} ms; the member may be frozen or overloaded`),
      timeoutMs,
    );
    socket.once(event, (argument: unknown) => {
      clearTimeout(timer);
      resolve(argument);
    });
    // Stays attached: a socket may fail again while it is torn down.
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      fail('closed', 'the server closed the connection');
    });
  });
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? 'unknown error';
}
