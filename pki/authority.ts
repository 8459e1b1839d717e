/** Certificate authorities, and what they issue. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  alternativeNames,
  authorityConstraints,
  authorityKeyIdentifier,
  authorityKeyUsage,
  endEntityConstraints,
  endEntityKeyUsage,
  extendedKeyUsage,
  serialNumber,
  signCertificate,
  subjectKeyIdentifier,
} from './certificate.ts';
import { type Asn1, children, decode } from './der.ts';
import { PkiError } from './errors.ts';
import { inspect, parseCertificate } from './inspect.ts';
import {
  type AuthorityAlgorithm,
  describeKey,
  type KeyAlgorithm,
  keyFromPem,
  keyIdentifier,
  keyToPem,
  publicKeyInfo,
  type Sources,
} from './keys.ts';
import { distinguishedName, type Subject, subjectAlternativeNames } from './names.ts';
import { type Profile, usagesOf } from './profiles.ts';

/** A certificate and its private key, PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** Certificates are valid from a little before now: clocks of virtual machines run behind. */
const defaultBackdateMs = 5 * 60_000;
/** A machine whose clock is further off than a day has a clock to be mended. */
const maxBackdateMs = 86_400_000;
/** 100 years: more is a slip of the pen. */
const maxValidityMs = 36_525 * 86_400_000;

export interface AuthorityRequest extends Subject {
  /** Default `ecdsa-p256`. */
  readonly algorithm?: AuthorityAlgorithm;
  /** From now on, in milliseconds; whole seconds count. */
  readonly validityMs: number;
  /** How long before now it becomes valid, for clocks that run behind. Default 5 minutes, at most a day. */
  readonly backdateMs?: number;
  /** Certify this key (PEM) instead of a new one. */
  readonly key?: string;
}

/**
 * Makes a self-signed authority. It may sign certificates of members and clients, but no further authorities.
 * @throws PkiError PKI_INPUT for a name, key or validity that cannot be
 */
export function createAuthority(request: AuthorityRequest, sources: Sources): CertifiedKey {
  const { notBefore, notAfter } = validity(request, sources.now());
  const name = distinguishedName(request);
  const key =
    request.key === undefined ? sources.generateKey(request.algorithm ?? 'ecdsa-p256') : keyFromPem(request.key);
  const publicKey = publicKeyInfo(key);
  const certificate = signCertificate(
    {
      serial: serialNumber(sources.randomBytes(16)),
      issuer: name,
      subject: name,
      notBefore,
      notAfter,
      publicKey,
      extensions: [authorityConstraints(), authorityKeyUsage(), subjectKeyIdentifier(keyIdentifier(publicKey))],
    },
    key,
  );
  return { certificate, key: keyToPem(key) };
}

export interface CertificateRequest extends Subject {
  readonly profile: Profile;
  /** Every name and address that clients dial, and for a peer every one that it dials from. None for a client. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** From now on, in milliseconds; cut to the authority's own end. */
  readonly validityMs: number;
  /** How long before now it becomes valid, but not before its authority. Default 5 minutes, at most a day. */
  readonly backdateMs?: number;
  /** Default `ecdsa-p256`. */
  readonly algorithm?: KeyAlgorithm;
}

/**
 * Issues a certificate with a new key.
 * @throws PkiError PKI_INPUT for a bad name, address or validity; PKI_AUTHORITY if the authority cannot sign now
 */
export function issue(authority: CertifiedKey, request: CertificateRequest, sources: Sources): CertifiedKey {
  const now = sources.now();
  const issuer = signer(authority, now);
  const { notBefore, notAfter } = validity(request, now);
  const subject = distinguishedName(request);
  const names = serverNames(request);
  const key = sources.generateKey(request.algorithm ?? 'ecdsa-p256');
  const publicKey = publicKeyInfo(key);
  const extensions = [
    endEntityConstraints(),
    endEntityKeyUsage(),
    extendedKeyUsage(usagesOf[request.profile]),
    subjectKeyIdentifier(keyIdentifier(publicKey)),
    authorityKeyIdentifier(issuer.keyId),
  ];
  if (names !== undefined) extensions.push(alternativeNames(names));
  const certificate = signCertificate(
    {
      serial: serialNumber(sources.randomBytes(16)),
      issuer: issuer.name,
      subject,
      notBefore: later(notBefore, issuer.notBefore),
      notAfter: earlier(notAfter, issuer.notAfter),
      publicKey,
      extensions,
    },
    issuer.key,
  );
  return { certificate, key: keyToPem(key) };
}

/** An authority that was looked at, and may sign now. */
export interface Signer {
  readonly key: KeyObject;
  readonly name: Asn1;
  /** What `authorityKeyIdentifier` of its certificates must be: its own subject key identifier, however that was made. */
  readonly keyId: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * @param authority of several certificates in the PEM, the first is the one whose key it is
 * @throws PkiError PKI_PEM, PKI_PASSPHRASE; PKI_AUTHORITY if it is none, has another key, or is not valid now
 */
export function signer({ certificate, key }: CertifiedKey, now: Date): Signer {
  const x509 = parseCertificate(certificate);
  const privateKey = keyFromPem(key);
  const subject = x509.subject.replaceAll('\n', ', ');
  if (!x509.ca) throw new PkiError('PKI_AUTHORITY', `${subject} is not a certificate authority`);
  if (!x509.checkPrivateKey(privateKey)) {
    throw new PkiError('PKI_AUTHORITY', `the key does not belong to the authority ${subject}`);
  }
  if (x509.validToDate <= now || x509.validFromDate > now) {
    throw new PkiError(
      'PKI_AUTHORITY',
      `the authority ${subject} is valid from ${x509.validFromDate.toISOString()} to ${x509.validToDate.toISOString()}, not now`,
      { advice: 'check the clock; if it is right, a new authority is needed' },
    );
  }
  // The issuer name must be the authority's subject octet by octet, whatever string types it was written with.
  const [toBeSigned] = children(decode(x509.raw));
  const name = children(toBeSigned)[5] as Asn1;
  const { subjectKeyId } = inspect(x509);
  const keyId =
    subjectKeyId === undefined ? keyIdentifier(publicKeyInfo(privateKey)) : Buffer.from(subjectKeyId, 'hex');
  return { key: privateKey, name, keyId, notBefore: x509.validFromDate, notAfter: x509.validToDate };
}

function serverNames({ profile, dnsNames = [], ipAddresses = [] }: CertificateRequest): Asn1 | undefined {
  if (dnsNames.length + ipAddresses.length > 0) return subjectAlternativeNames(dnsNames, ipAddresses);
  if (profile === 'client') return undefined;
  throw new PkiError('PKI_INPUT', `a ${profile} certificate needs at least one DNS name or IP address`, {
    advice: 'verifiers look at the alternative names only, not at the common name',
  });
}

interface Lifetime {
  readonly validityMs: number;
  readonly backdateMs?: number;
}

function validity(lifetime: Lifetime, now: Date): { notBefore: Date; notAfter: Date } {
  const { validityMs, backdateMs = defaultBackdateMs } = lifetime;
  if (!(validityMs >= 1000 && validityMs <= maxValidityMs)) {
    throw new PkiError('PKI_INPUT', `a validity of ${validityMs} ms is not between a second and 100 years`);
  }
  if (!(backdateMs >= 0 && backdateMs <= maxBackdateMs)) {
    throw new PkiError('PKI_INPUT', `a start ${backdateMs} ms before now is not between now and a day ago`);
  }
  const whole = (ms: number) => new Date(Math.floor(ms / 1000) * 1000);
  return { notBefore: whole(now.getTime() - backdateMs), notAfter: whole(now.getTime() + validityMs) };
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

/** @returns the algorithm of a certificate's key, such as `ecdsa-p256` @throws PkiError PKI_INPUT for another kind */
export function certificateAlgorithm(certificate: string): string {
  return describeKey(createPublicKey(certificate));
}
