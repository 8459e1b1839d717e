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
  /** Why not. */
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
  const socket = open(address, port, client);
  if (typeof socket === 'string') return Promise.resolve({ certificate: undefined, answered: false, problem: socket });
  const finish = (answered: boolean, problem?: string) => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ certificate: leaf?.raw, answered, problem });
  };
  const timer = setTimeout(() => finish(false, `no answer from ${address}:${port} within ${timeoutMs} ms`), timeoutMs);
  socket.once('secureConnect', () => {
    leaf = socket.getPeerX509Certificate();
    socket.write(request);
  });
  socket.once('data', () => finish(true));
  socket.on('error', (error: NodeJS.ErrnoException) => finish(false, explain(error, address, port)));
  socket.once('close', () => finish(false, `${address}:${port} closed the connection: it refuses the certificate`));
  return promise;
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

function explain(error: NodeJS.ErrnoException, address: string, port: number): string {
  const alert = /alert ([a-z ]+)/i.exec(error.message)?.[1];
  if (error.code === 'ECONNREFUSED') return `nothing listens on ${address}:${port}`;
  if (alert !== undefined) return `${address}:${port} refused the certificate: ${alert}`;
  return `${address}:${port}: ${error.message}`;
}
