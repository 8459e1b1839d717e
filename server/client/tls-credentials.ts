/** TLS for gRPC channels, in place of the library's own. */
import net from 'node:net';
import tls from 'node:tls';
import { type CallCredentials, ChannelCredentials, credentials } from '@grpc/grpc-js';
import type { ClientTls } from './client-options.ts';

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/**
 * The library names the host as TLS server name, which Node.js refuses for an IP address (RFC 6066 §3 allows names
 * only), and members of a lab are dialled by address. This one sends a name only where there is one, and checks the
 * certificate against the address otherwise.
 */
export class TlsCredentials extends ChannelCredentials {
  private readonly options: tls.ConnectionOptions;

  /**
   * @param host name or address that the certificate must be for
   * @throws Error when the PEM cannot be read or key and certificate do not belong together
   */
  constructor(clientTls: ClientTls, host: string) {
    super();
    this.options = tlsConnectionOptions(clientTls, host);
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(_target: unknown, _options: unknown, callCredentials?: CallCredentials) {
    return {
      connect: (socket) => this.handshake(socket),
      waitForReady: () => Promise.resolve(),
      // Where there are none the library wants empty ones: it composes them with those of the call.
      getCallCredentials: () => callCredentials ?? credentials.createEmpty(),
      destroy: () => {},
    } satisfies SecureConnector;
  }

  private handshake(socket: net.Socket): Promise<{ socket: net.Socket; secure: boolean }> {
    return new Promise((resolve, reject) => {
      const secured = tls.connect({ ...this.options, socket });
      secured.once('error', reject);
      secured.once('close', () => reject(new Error('connection closed during the TLS handshake')));
      secured.once('secureConnect', () => {
        secured.off('error', reject);
        resolve({ socket: secured, secure: true });
      });
    });
  }
}

/** The same options for gRPC and for the probe that explains why gRPC could not connect. */
export function tlsConnectionOptions(clientTls: ClientTls, host: string): tls.ConnectionOptions {
  if ((clientTls.cert === undefined) !== (clientTls.key === undefined)) {
    throw new Error('a client certificate and its key must be given together');
  }
  const secureContext = tls.createSecureContext({
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
