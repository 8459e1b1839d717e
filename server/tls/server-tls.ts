/** TLS of a listener: which certificate it shows and which clients it lets in (contract: api.md §7). */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Server, TLSSocket, TlsOptions } from 'node:tls';
import type { Logger } from '../base/logger.ts';
import { normalizeSerial } from './crl.ts';
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
  private applied: unknown;

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
    this.applied = this.watched.material();
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

  /** Gives the server what the files hold now. Call it for each connection, before its handshake. */
  refresh(server: Server): void {
    const material = this.watched.material();
    if (material === this.applied) return;
    server.setSecureContext({ ...this.watched.options(), honorCipherOrder: true } as TlsOptions);
    this.applied = material;
  }

  /**
   * Looks at a client after its handshake, and destroys the connection of one that may not come in.
   *
   * @returns whether it may
   */
  admit(socket: TLSSocket): boolean {
    if (!this.demandsCertificate) return true;
    const problem = this.objection(socket);
    if (problem === undefined) return true;
    this.logger.warn('rejected connection', {
      'remote-addr': `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`,
      error: problem,
    });
    socket.destroy();
    return false;
  }

  private objection(socket: TLSSocket): string | undefined {
    const chain = presentedChain(socket);
    const leaf = chain[0];
    if (leaf === undefined || chain.length > maxChainLength) return 'client certificate authentication failed';
    const { revoked } = this.watched.material();
    const bad = chain.find(({ serialNumber }) => revoked.has(normalizeSerial(serialNumber)));
    if (bad !== undefined) return `certificate serial ${bad.serialNumber} is revoked`;
    const { allowedCns, allowedHostnames } = this.config;
    if (allowedCns.length > 0 && !allowedCns.includes(commonName(leaf) ?? '')) {
      return 'client certificate authentication failed';
    }
    if (allowedHostnames.length > 0 && !allowedHostnames.some((name) => validFor(leaf, name))) {
      return 'client certificate authentication failed';
    }
    return undefined;
  }
}

/** The client's certificate and those above it, leaf first. */
function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length <= maxChainLength) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === undefined || next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}

/** The subject's CN, which is also the user name of a client without a token. */
export function commonName(certificate: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1];
}

function validFor(certificate: X509Certificate, name: string): boolean {
  const match = isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name);
  return match !== undefined;
}
