/** TLS on connections to members. */
import net from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ClientTls } from './client-options.ts';

export type TlsConnectionOptions = ConnectionOptions;

/** Who connects without TLS does not wait for it to load, half as long as Node.js takes to start. */
const loadTls = () => process.getBuiltinModule('node:tls');

/**
 * Shakes hands on a socket that connects. A refusal closes it.
 *
 * @param begin is called with the secured socket
 */
export function secure(plain: net.Socket, options: TlsConnectionOptions, begin: (secured: net.Socket) => void): void {
  plain.once('connect', () => {
    const secured = loadTls().connect({ ...options, socket: plain });
    secured.on('error', () => plain.destroy());
    secured.once('secureConnect', () => begin(secured));
    secured.once('close', () => plain.destroy());
  });
}

/**
 * The same for calls and for the probe that explains why there was no connection. Node.js refuses an address as TLS
 * server name (RFC 6066 §3 allows names only), and members of a lab are dialled by address: a name is sent only where
 * there is one, and the certificate checked against the address otherwise.
 *
 * @param host name or address that the certificate must be for
 * @throws Error when the PEM cannot be read or key and certificate do not belong together
 */
export function tlsConnectionOptions(clientTls: ClientTls, host: string): TlsConnectionOptions {
  if ((clientTls.cert === undefined) !== (clientTls.key === undefined)) {
    throw new Error('a client certificate and its key must be given together');
  }
  const secureContext = loadTls().createSecureContext({
    minVersion: 'TLSv1.2',
    ...(clientTls.ca === undefined ? {} : { ca: Buffer.from(clientTls.ca) }),
    ...(clientTls.cert === undefined ? {} : { cert: Buffer.from(clientTls.cert) }),
    ...(clientTls.key === undefined ? {} : { key: Buffer.from(clientTls.key) }),
  });
  const name = clientTls.serverName ?? host;
  return {
    secureContext,
    host: name,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: clientTls.insecureSkipVerify !== true,
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
  };
}
