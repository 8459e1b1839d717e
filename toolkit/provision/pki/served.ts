/** Asks a live socket which certificate it serves, and whether it takes a client with that certificate. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { CertifiedKey } from '../../../pki/mod.ts';
import { messageOf } from '../../errors.ts';

/** What a handshake has shown. */
export interface Served {
  /** The leaf, DER; undefined if there was no handshake at all. */
  readonly certificate: Uint8Array | undefined;
  /** Whether a request got an answer: a server says no to a client only after the client thinks that all is well. */
  readonly answered: boolean;
  /**
   * Whether the server was there and turned the client away: it sent an alert about the certificate, or hung up after
   * the handshake. Silence, and a connection that fails before, say nothing about the certificate.
   */
  readonly refused: boolean;
  /** Why there was no answer. */
  readonly problem: string | undefined;
}

export interface ProbeOptions {
  readonly address: string;
  readonly port: number;
  /** What the client shows; none by default. */
  readonly client?: CertifiedKey | undefined;
  /** For the whole probe. Default 3,000. */
  readonly timeoutMs?: number;
}

/** Both ports of a member answer this, over HTTP/1.1 and in either engine. */
const request = 'GET /version HTTP/1.1\r\nHost: etcdlab\r\nConnection: close\r\n\r\n';

/**
 * Never rejects. The server's certificate is not judged here, so that one can be shown that nobody would accept.
 */
export function probe({ address, port, client, timeoutMs = 3000 }: ProbeOptions): Promise<Served> {
  const { promise, resolve } = Promise.withResolvers<Served>();
  let leaf: X509Certificate | undefined;
  let secured = false;
  const where = `${address}:${port}`;
  const socket = open(address, port, client);
  if (typeof socket === 'string') {
    return Promise.resolve({ certificate: undefined, answered: false, refused: false, problem: socket });
  }
  const finish = (outcome: Pick<Served, 'answered' | 'refused' | 'problem'>) => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ certificate: leaf?.raw, ...outcome });
  };
  const fail = (problem: string, refused = false) => finish({ answered: false, refused, problem });
  const timer = setTimeout(() => fail(`no answer from ${where} within ${timeoutMs} ms`), timeoutMs);
  socket.once('secureConnect', () => {
    secured = true;
    leaf = socket.getPeerX509Certificate();
    socket.write(request);
  });
  socket.once('data', () => finish({ answered: true, refused: false, problem: undefined }));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const hungUp = secured && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
    fail(explain(error, where), hungUp || isCertificateAlert(error));
  });
  socket.once('close', () => {
    if (secured) fail(`${where} closed the connection: it refuses the certificate`, true);
    else fail(`${where} closed the connection before the handshake was over`);
  });
  return promise;
}

/**
 * From `bad_certificate` to `access_denied`, and `certificate_required` (RFC 8446 §6.2). Others, such as one about the
 * version of TLS or an error within the server, are no verdict on a certificate.
 */
function isCertificateAlert({ message }: Error): boolean {
  const alert = Number(/SSL alert number (\d+)/.exec(message)?.[1]);
  return (alert >= 42 && alert <= 49 && alert !== 47) || alert === 116;
}

/** @returns a socket on its way, or why the client's own certificate cannot be used */
function open(address: string, port: number, client: CertifiedKey | undefined): TLSSocket | string {
  try {
    return connect({
      host: address,
      port,
      rejectUnauthorized: false,
      ...(isIP(address) === 0 && { servername: address }),
      ...(client && { cert: client.certificate, key: client.key }),
    });
  } catch (error) {
    return `the client's own certificate cannot be used: ${messageOf(error)}`;
  }
}

function explain(error: NodeJS.ErrnoException, where: string): string {
  const alert = /alert ([a-z ]+)/i.exec(error.message)?.[1];
  if (error.code === 'ECONNREFUSED') return `nothing listens on ${where}`;
  if (isCertificateAlert(error)) return `${where} refused the certificate: ${alert}`;
  if (alert !== undefined) return `${where} ended the handshake: ${alert}`;
  return `${where}: ${error.message}`;
}
