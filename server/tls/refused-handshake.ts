/**
 * Why a handshake with a client failed, in Go's words, which tools look for, and in plain ones, which say what to do.
 * Upstream has only the first (contract: api.md §7).
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { describeCertificate, explainRefusedClient } from './explain-certificate.ts';

/** What the listener works with at the moment of the handshake. */
export interface HandshakeSide {
  /** The certificate that it shows. */
  readonly leaf: X509Certificate | undefined;
  /** PEM of the authorities that it trusts; undefined for the system's. */
  readonly ca: string | undefined;
  /** For messages: `TLS1.2`. */
  readonly minVersion: string;
}

export interface RefusedHandshake {
  /** Whether the connection was closed before a byte of it came, as by a probe of the port: nobody was refused. */
  readonly wasProbe: boolean;
  /** For the log. */
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Reason {
  readonly error: string;
  readonly reason: string;
}

/** Looks over a TLS server's shoulder, because a socket whose handshake has failed knows nothing any more. */
export class HandshakeWatch {
  private readonly side: () => HandshakeSide;
  private readonly addresses = new WeakMap<object, string>();
  private readonly certificates = new WeakMap<TLSSocket, X509Certificate | undefined>();

  constructor(server: Server, side: () => HandshakeSide) {
    this.side = side;
    server.prependListener('connection', (socket: Socket) => {
      this.addresses.set(socket, addressOf(socket));
    });
    // The only event that hands over the socket while its handshake is still under way. What it carries is not looked
    // at: the certificate has to be noted before Node cuts the connection for it.
    server.on('keylog', (_line, socket) => {
      if (this.certificates.has(socket)) return;
      this.certificates.set(socket, undefined);
      socket.prependListener('secure', () => this.certificates.set(socket, socket.getPeerX509Certificate()));
    });
  }

  /** The `address:port` that a connection came from, also when it is closed. */
  addressOf(socket: Socket): string {
    return this.addresses.get(underlying(socket)) ?? addressOf(socket);
  }

  /**
   * Says what to log for the server's event `tlsClientError`. Never throws: what it explains comes from strangers, and
   * the files of this side may be unreadable just then; neither may end the server.
   */
  refused(error: Error, socket: TLSSocket, now: Date): RefusedHandshake {
    const wasProbe = codeOf(error) === 'ECONNRESET' && (underlying(socket) as Socket).bytesRead === 0;
    const known = { 'remote-addr': this.addressOf(socket), 'server-name': socket.servername || '' };
    try {
      const certificate = this.certificates.get(socket) ?? socket.getPeerX509Certificate?.();
      const reason = explain(error, socket, certificate, this.side(), now);
      return { wasProbe, fields: { ...known, ...(certificate && namesOf(certificate)), ...reason } };
    } catch (failure) {
      const reason = `the handshake failed, and the reason cannot be told: ${(failure as Error).message}`;
      return { wasProbe, fields: { ...known, error: error.message, reason } };
    }
  }
}

function explain(
  error: Error,
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  side: HandshakeSide,
  now: Date,
): Reason {
  const objection = verdictOf(socket);
  if (objection !== undefined && certificate !== undefined) {
    return { error: goError(objection), reason: explainRefusedClient(certificate, objection, side.ca, now) };
  }
  const code = codeOf(error);
  const known = reasons(side)[code.replace(/^ERR_(SSL_|TLS_)?/, '')];
  if (known !== undefined) return known;
  const alert = /_ALERT_(.+)$/.exec(code)?.[1];
  if (alert !== undefined) return explainAlert(alert, side);
  return { error: error.message, reason: `the handshake failed: ${error.message}` };
}

function reasons({ minVersion, leaf }: HandshakeSide): Partial<Record<string, Reason>> {
  const notTls = 'tls: first record does not look like a TLS handshake';
  const plain = 'the client does not speak TLS: it must use https://';
  return {
    HTTP_REQUEST: { error: notTls, reason: plain },
    WRONG_VERSION_NUMBER: { error: notTls, reason: plain },
    HTTPS_PROXY_REQUEST: { error: notTls, reason: 'the client takes this port for a proxy' },
    PEER_DID_NOT_RETURN_A_CERTIFICATE: {
      error: "tls: client didn't provide a certificate",
      reason: 'the client shows no certificate, and this port demands one: give it --cert and --key',
    },
    UNSUPPORTED_PROTOCOL: {
      error: 'tls: client offered only unsupported versions',
      reason: `the client offers no version of TLS from ${minVersion} up`,
    },
    NO_SHARED_CIPHER: {
      error: 'tls: no cipher suite supported by both client and server',
      reason: 'client and server have no cipher suite in common: see --cipher-suites',
    },
    HANDSHAKE_TIMEOUT: { error: 'i/o timeout', reason: 'the client did not finish the handshake in time' },
    ECONNRESET: {
      error: 'EOF',
      reason: `the client hung up during the handshake: it was ended, gave up, or may not accept ${shown(leaf)}`,
    },
  };
}

/** What the client says with its alert (RFC 8446 §6.2); Go's clients say `bad certificate` whatever they object to. */
function explainAlert(alert: string, { leaf }: HandshakeSide): Reason {
  const error = `remote error: tls: ${alert.toLowerCase().replaceAll('_', ' ')}`;
  const what = shown(leaf);
  const objections: Record<string, string> = {
    UNKNOWN_CA: `the client does not trust the issuer of ${what}: give it the CA with --cacert`,
    CERTIFICATE_EXPIRED: `the client says that ${what} has expired: renew it, or set the client’s clock`,
    BAD_CERTIFICATE: `the client does not accept ${what}: it may not trust the issuer, or dial a name that is not among these`,
    CERTIFICATE_UNKNOWN: `the client does not accept ${what}`,
    CERTIFICATE_REVOKED: `the client says that ${what} is revoked`,
    UNSUPPORTED_CERTIFICATE: `the client cannot use ${what}`,
  };
  return { error, reason: objections[alert] ?? `the client ended the handshake: ${error}` };
}

/** The words of Go's crypto/x509 for a verdict of OpenSSL. */
function goError(verdict: string): string {
  const words: Record<string, string> = {
    CERT_HAS_EXPIRED: 'certificate has expired or is not yet valid',
    CERT_NOT_YET_VALID: 'certificate has expired or is not yet valid',
    INVALID_PURPOSE: 'certificate specifies an incompatible key usage',
  };
  return `tls: failed to verify certificate: x509: ${words[verdict] ?? 'certificate signed by unknown authority'}`;
}

function shown(leaf: X509Certificate | undefined): string {
  return leaf === undefined ? 'this server’s certificate' : `this server’s ${describeCertificate(leaf)}`;
}

/** The verdict on the client's certificate, when it was a bad one. */
function verdictOf(socket: TLSSocket): string | undefined {
  const verdict = socket.authorizationError as Error | string | null | undefined;
  if (verdict === null || verdict === undefined) return undefined;
  return typeof verdict === 'string' ? verdict : codeOf(verdict);
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** The SANs of a certificate, as fields of a log line. */
export function namesOf(certificate: X509Certificate): { 'ip-addresses': string[]; 'dns-names': string[] } {
  const names = (certificate.subjectAltName ?? '').split(', ');
  const of = (prefix: string): string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return { 'ip-addresses': of('IP Address:'), 'dns-names': of('DNS:') };
}

function addressOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  // IPv4 that came over an IPv6 socket is shown as what it is.
  const address = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(remoteAddress)?.[1] ?? remoteAddress;
  return `${address.includes(':') ? `[${address}]` : address}:${remotePort}`;
}

/** The TCP socket under a TLS socket; Node offers no public way to it. */
export function underlying(socket: Socket): object {
  return (Reflect.get(socket, '_parent') as Socket | null | undefined) ?? socket;
}
