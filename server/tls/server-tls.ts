/** TLS of a listener: which certificate it shows and which clients it lets in (contract: api.md §7). */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import type { Logger } from '../base/logger.ts';
import { normalizeSerial } from './crl.ts';
import { describeCertificate } from './explain-certificate.ts';
import { type HandshakeSide, HandshakeWatch, namesOf } from './refused-handshake.ts';
import type { TlsFiles } from './tls-files.ts';
import { type TlsVersions, WatchedTls } from './watched-tls.ts';

export interface ServerTlsConfig extends TlsFiles, TlsVersions {
  /** Demand a certificate of clients. One is demanded with `trustedCaFile`, too. */
  readonly clientCertAuth: boolean;
  /** Common names, of which a client's certificate must have one; empty lets all in. */
  readonly allowedCns: readonly string[];
  /** Host names or addresses, for one of which a client's certificate must be valid; empty lets all in. */
  readonly allowedHostnames: readonly string[];
}

/** More certificates than this in a client's chain are not looked at but refused. */
const maxChainLength = 10;

export class ServerTls {
  /** The protocols offered, best first. */
  private readonly alpnProtocols: string[];
  private readonly config: ServerTlsConfig;
  private readonly watched: WatchedTls;
  private readonly logger: Logger;

  /**
   * @param alpnProtocols such as `['h2', 'http/1.1']`
   * @throws TlsFileError when a file cannot be used; Error when both CNs and host names are restricted
   */
  constructor(config: ServerTlsConfig, alpnProtocols: string[], logger: Logger) {
    if (config.allowedCns.length > 0 && config.allowedHostnames.length > 0) {
      throw new Error('AllowedCN and AllowedHostname are mutually exclusive: give one of them');
    }
    this.config = config;
    this.alpnProtocols = alpnProtocols;
    this.logger = logger;
    this.watched = new WatchedTls(config, config, logger);
  }

  /** Whether clients must show a certificate. */
  get demandsCertificate(): boolean {
    return this.config.clientCertAuth || (this.config.trustedCaFile ?? '') !== '';
  }

  /** The options of a new TLS server. */
  options(): TlsOptions {
    const demanded = this.demandsCertificate;
    return {
      ...this.watched.options(),
      ALPNProtocols: this.alpnProtocols,
      requestCert: demanded,
      rejectUnauthorized: demanded,
      honorCipherOrder: true,
    };
  }

  /**
   * Keeps a server's certificate up to date for each connection, and lets in only clients that may come in. Those that
   * may not are logged and cut.
   *
   * @param accept called with each connection that has passed
   */
  guard(server: Server, accept: (socket: TLSSocket) => void): void {
    const watch = new HandshakeWatch(server, () => this.side());
    // Before node:tls sees the connection: it must find the certificate of now.
    let applied = this.watched.material();
    server.prependListener('connection', () => {
      const material = this.watched.material();
      if (material === applied) return;
      server.setSecureContext({ ...this.watched.options(), honorCipherOrder: true } as TlsOptions);
      applied = material;
    });
    server.on('secureConnection', (socket) => {
      if (this.admit(socket, watch)) accept(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      const { wasProbe, fields } = watch.refused(error, socket, new Date());
      if (wasProbe) this.logger.debug('connection closed before its handshake', fields);
      else this.logger.warn('rejected connection on client endpoint', fields);
      socket.destroy();
    });
  }

  private side(): HandshakeSide {
    const { leaf, ca } = this.watched.material();
    return { leaf, ca: ca?.join('\n'), minVersion: this.config.minVersion };
  }

  private admit(socket: TLSSocket, watch: HandshakeWatch): boolean {
    if (!this.demandsCertificate) return true;
    const objection = this.objection(socket);
    if (objection === undefined) return true;
    const certificate = socket.getPeerX509Certificate();
    this.logger.warn('rejected connection on client endpoint', {
      'remote-addr': watch.addressOf(socket),
      'server-name': socket.servername || '',
      ...(certificate && namesOf(certificate)),
      ...objection,
    });
    socket.destroy();
    return false;
  }

  private objection(socket: TLSSocket): { error: string; reason: string } | undefined {
    const failed = 'client certificate authentication failed';
    const chain = presentedChain(socket);
    const leaf = chain[0];
    if (leaf === undefined || chain.length > maxChainLength) {
      return {
        error: failed,
        reason: `the client shows ${chain.length === 0 ? 'no' : 'too long a chain of'} certificates`,
      };
    }
    const what = `the client's ${describeCertificate(leaf)}`;
    const { revoked } = this.watched.material();
    const bad = chain.find(({ serialNumber }) => revoked.has(normalizeSerial(serialNumber)));
    if (bad !== undefined) {
      const reason = `${what} is in ${this.config.crlFile}, or was issued by one that is`;
      return { error: `certificate serial ${bad.serialNumber} is revoked`, reason };
    }
    const { allowedCns, allowedHostnames } = this.config;
    if (allowedCns.length > 0 && !allowedCns.includes(commonName(leaf) ?? '')) {
      return { error: failed, reason: `${what} has none of the allowed common names: ${allowedCns.join(', ')}` };
    }
    if (allowedHostnames.length > 0 && !allowedHostnames.some((name) => validFor(leaf, name))) {
      return {
        error: failed,
        reason: `${what} is valid for none of the allowed names: ${allowedHostnames.join(', ')}`,
      };
    }
    return undefined;
  }
}

/** The client's certificate and those above it, leaf first, at most one more than is looked at. */
export function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length <= maxChainLength) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === undefined || next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}

/** The subject's CN, which is also the user name of a client without a token. The last one counts, as in Go. */
export function commonName(certificate: X509Certificate): string | undefined {
  // Not from `subject`: in that text the names stand escaped, and those of one RDN in one line.
  const { CN } = certificate.toLegacyObject().subject;
  return Array.isArray(CN) ? CN.at(-1) : CN;
}

function validFor(certificate: X509Certificate, name: string): boolean {
  const match = isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name);
  return match !== undefined;
}
