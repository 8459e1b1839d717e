/** Says whether a certificate would be accepted, and if not, why: the reason that a TLS alert keeps to itself. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type CertificateFacts, inspect, parseCertificate } from './inspect.ts';
import { keyFromPem } from './keys.ts';
import { ipOctets } from './names.ts';
import { parseRevocationList } from './revocation-list.ts';

/**
 * - `unknown-authority`: signed by none of the trusted authorities.
 * - `authority-expired`: the authority itself is not valid at that time.
 * - `not-an-authority`: a trusted certificate that may not sign others.
 * - `not-yet-valid`, `expired`: the certificate's own dates.
 * - `wrong-usage`: its extended key usages do not cover the purpose.
 * - `wrong-host`: the name or address that was dialled is not among its alternative names.
 * - `revoked`: it is on a revocation list of its authority.
 * - `wrong-key`: the private key belongs to another certificate.
 */
export type ProblemCode =
  | 'unknown-authority'
  | 'authority-expired'
  | 'not-an-authority'
  | 'not-yet-valid'
  | 'expired'
  | 'wrong-usage'
  | 'wrong-host'
  | 'revoked'
  | 'wrong-key';

export interface Problem {
  readonly code: ProblemCode;
  /** For people, with the values that were compared. */
  readonly reason: string;
}

export interface VerifyOptions {
  /** PEM or DER. */
  readonly certificate: string | Uint8Array;
  /** PEM; each text may hold several certificates. */
  readonly authorities: readonly string[];
  readonly at: Date;
  /** `both`: a member's certificate, which is shown as a server and as a client. */
  readonly purpose?: 'serverAuth' | 'clientAuth' | 'both';
  /** The DNS name or IP address that a client dials. */
  readonly host?: string;
  /** DER. As etcd does, only the serial number is looked for: serials of 126 random bits are never the same by chance. */
  readonly revocationLists?: readonly Uint8Array[];
  /** PEM; checked to belong to the certificate. */
  readonly key?: string;
}

/** @returns everything that is wrong, the most telling first; none if it would be accepted @throws PkiError PKI_PEM */
export function verify(options: VerifyOptions): Problem[] {
  const x509 = parseCertificate(options.certificate);
  const facts = inspect(x509);
  const problems = [
    ...chainProblems(x509, facts, options),
    ...dateProblems(facts, options.at),
    ...usageProblems(facts, options.purpose),
  ];
  if (options.host !== undefined && !coversHost(x509, facts, options.host)) {
    problems.push({ code: 'wrong-host', reason: `dialled ${options.host}, but it is valid for ${namesOf(facts)}` });
  }
  problems.push(...revocationProblems(facts, options.revocationLists ?? []));
  if (options.key !== undefined && !x509.checkPrivateKey(keyFromPem(options.key))) {
    problems.push({ code: 'wrong-key', reason: 'the private key belongs to another certificate' });
  }
  return problems;
}

/** @param pem any number of certificates, with or without text between them */
export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function chainProblems(x509: X509Certificate, facts: CertificateFacts, options: VerifyOptions): Problem[] {
  const trusted = options.authorities.flatMap(splitPem).map(parseCertificate);
  // Two authorities may have the same name and different keys, as during a rotation: the signature decides.
  const issuer = trusted.find((candidate) => hasSigned(candidate, x509));
  if (issuer === undefined) {
    const known = trusted.map((candidate) => describeAuthority(inspect(candidate))).join('; ') || 'none';
    const id = facts.authorityKeyId === undefined ? '' : ` (key ${facts.authorityKeyId.slice(0, 8)})`;
    return [{ code: 'unknown-authority', reason: `signed by ${facts.issuer}${id}, but trusted: ${known}` }];
  }
  const authority = inspect(issuer);
  // `checkIssued` has already looked at the issuer's key usage.
  if (!authority.isAuthority) {
    return [{ code: 'not-an-authority', reason: `${authority.subject} may not sign certificates` }];
  }
  const at = options.at;
  if (at < authority.notBefore || at > authority.notAfter) {
    const from = authority.notBefore.toISOString();
    const to = authority.notAfter.toISOString();
    return [{ code: 'authority-expired', reason: `${authority.subject} is valid from ${from} to ${to} only` }];
  }
  return [];
}

/** @returns whether its key has signed the certificate; a key that OpenSSL cannot even read has signed nothing */
function hasSigned(authority: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  } catch {
    return false;
  }
}

function describeAuthority(facts: CertificateFacts): string {
  return `${facts.subject} (key ${facts.subjectKeyId?.slice(0, 8) ?? 'unknown'})`;
}

function dateProblems({ notBefore, notAfter }: CertificateFacts, at: Date): Problem[] {
  const clock = `the clock says ${at.toISOString()}`;
  if (at < notBefore) return [{ code: 'not-yet-valid', reason: `valid from ${notBefore.toISOString()}, ${clock}` }];
  if (at > notAfter) return [{ code: 'expired', reason: `expired at ${notAfter.toISOString()}, ${clock}` }];
  return [];
}

function usageProblems({ extendedKeyUsage }: CertificateFacts, purpose: VerifyOptions['purpose']): Problem[] {
  if (purpose === undefined || extendedKeyUsage.length === 0) return [];
  const wanted = purpose === 'both' ? ['serverAuth', 'clientAuth'] : [purpose];
  const missing = wanted.filter((usage) => !extendedKeyUsage.includes(usage));
  if (missing.length === 0) return [];
  return [
    { code: 'wrong-usage', reason: `${missing.join(' and ')} needed, but it is for ${extendedKeyUsage.join(', ')}` },
  ];
}

function revocationProblems({ serial }: CertificateFacts, lists: readonly Uint8Array[]): Problem[] {
  const entries = lists.flatMap((list) => parseRevocationList(list).entries);
  const entry = entries.find((candidate) => normalizeSerial(candidate.serial) === normalizeSerial(serial));
  if (entry === undefined) return [];
  return [{ code: 'revoked', reason: `revoked at ${entry.revokedAt.toISOString()} (${entry.reason})` }];
}

/** Node.js and ASN.1 differ in leading zeros. */
function normalizeSerial(serial: string): string {
  return serial.replace(/^0+(?=.)/, '');
}

function coversHost(x509: X509Certificate, facts: CertificateFacts, host: string): boolean {
  if (isIP(host)) return facts.ipAddresses.some((address) => ipOctets(address).equals(ipOctets(host)));
  return x509.checkHost(host, { subject: 'never' }) !== undefined;
}

function namesOf({ dnsNames, ipAddresses }: CertificateFacts): string {
  return [...dnsNames, ...ipAddresses].join(', ') || 'no name at all';
}
