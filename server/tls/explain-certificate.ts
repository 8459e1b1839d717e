/** Why a certificate is not accepted, in words that name the certificate. Pure. */
import { X509Certificate } from 'node:crypto';
import net from 'node:net';

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';

/** `certificate "m1" (serial 0A, for IP:127.0.0.1, valid … to …, issued by "lab CA")` */
export function describeCertificate(certificate: X509Certificate): string {
  const names = certificate.subjectAltName?.replaceAll('IP Address:', 'IP:') ?? 'no SAN';
  const validity = `valid ${isoDate(certificate.validFrom)} to ${isoDate(certificate.validTo)}`;
  const issuer = `issued by "${commonName(certificate.issuer)}"`;
  return `certificate "${commonName(certificate.subject)}" (serial ${certificate.serialNumber}, ${names}, ${validity}, ${issuer})`;
}

/**
 * The first reason why a server's certificate does not hold for `host`, or undefined when this check finds none.
 *
 * @param verifyError the verdict of the TLS library on the chain, such as `CERT_HAS_EXPIRED`
 */
export function explainServerCertificate(
  certificate: X509Certificate,
  host: string,
  verifyError: string | undefined,
  ca: string | Uint8Array | undefined,
  now: Date,
): string | undefined {
  const what = `the server's ${describeCertificate(certificate)}`;
  const dates = explainDates(certificate, now);
  if (dates !== undefined) return `${what} ${dates}`;
  if (verifyError === 'INVALID_PURPOSE' || lacksUse(certificate, serverAuth)) {
    return `${what} is not for servers: its extended key usage lacks serverAuth`;
  }
  if (verifyError !== undefined) return explainChain(what, certificate, verifyError, ca, now);
  const matches = net.isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (matches === undefined) {
    return `${what} is not for "${host}": dial one of its names, or issue one that has ${sanOf(host)} among its SANs`;
  }
  return undefined;
}

/** The first reason why a server may refuse the client's own certificate, or undefined. */
export function explainClientCertificate(pem: string | Uint8Array, now: Date): string | undefined {
  const certificate = new X509Certificate(Buffer.from(pem));
  return explainForClients(`the client's ${describeCertificate(certificate)}`, certificate, undefined, now);
}

/**
 * Why a client's certificate was refused.
 *
 * @param verifyError the verdict of the TLS library on the chain, such as `CERT_HAS_EXPIRED`
 * @param ca PEM of the authorities that are trusted; undefined for the system's
 */
export function explainRefusedClient(
  certificate: X509Certificate,
  verifyError: string,
  ca: string | Uint8Array | undefined,
  now: Date,
): string {
  const what = `the client's ${describeCertificate(certificate)}`;
  return (
    explainForClients(what, certificate, verifyError, now) ?? explainChain(what, certificate, verifyError, ca, now)
  );
}

function explainForClients(
  what: string,
  certificate: X509Certificate,
  verifyError: string | undefined,
  now: Date,
): string | undefined {
  const dates = explainDates(certificate, now);
  if (dates !== undefined) return `${what} ${dates}`;
  if (verifyError === 'INVALID_PURPOSE' || lacksUse(certificate, clientAuth)) {
    return `${what} is not for clients: its extended key usage lacks clientAuth`;
  }
  return undefined;
}

function explainChain(
  what: string,
  certificate: X509Certificate,
  verifyError: string,
  ca: string | Uint8Array | undefined,
  now: Date,
): string {
  const trusted = ca === undefined ? undefined : parseBundle(ca);
  if (trusted === undefined) return `${what} is not issued by a CA of this system (${verifyError}); name its CA`;
  for (const authority of trusted) {
    const dates = explainDates(authority, now);
    if (dates !== undefined && certificate.checkIssued(authority)) {
      return `${what} is issued by a CA whose ${describeCertificate(authority)} ${dates}`;
    }
  }
  const sameName = trusted.some((authority) => authority.subject === certificate.issuer);
  const names = trusted.map((authority) => `"${commonName(authority.subject)}"`).join(', ');
  return sameName
    ? `${what} is issued by another CA of the same name as the trusted one: the CA was made anew (${verifyError})`
    : `${what} is not issued by a trusted CA; trusted: ${names || 'none'} (${verifyError})`;
}

function explainDates(certificate: X509Certificate, now: Date): string | undefined {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) return 'is damaged: its validity is not a date';
  if (now < from) return `is not valid yet: this machine's clock says ${now.toISOString()}`;
  if (now > to) return `has expired: this machine's clock says ${now.toISOString()}`;
  return undefined;
}

/** A certificate without extended key usage may be used for anything (RFC 5280 §4.2.1.12). */
function lacksUse(certificate: X509Certificate, use: string): boolean {
  const uses = certificate.keyUsage as string[] | undefined;
  return uses !== undefined && uses.length > 0 && !uses.includes(use);
}

function parseBundle(pem: string | Uint8Array): X509Certificate[] {
  const blocks = Buffer.from(pem)
    .toString('latin1')
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  return (blocks ?? []).map((block) => new X509Certificate(block));
}

function commonName(distinguishedName: string): string {
  return /(?:^|\n)CN=(.*)/.exec(distinguishedName)?.[1] ?? distinguishedName.replaceAll('\n', ', ');
}

function sanOf(host: string): string {
  return net.isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`;
}

/** As the certificate has it, if that is no date: what a client shows may hold anything (OpenSSL: `Bad time value`). */
function isoDate(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
