/** Builds and signs X.509 v3 certificates (RFC 5280 §4). */
import { type KeyObject, sign } from 'node:crypto';
import {
  type Asn1,
  bitString,
  booleanTrue,
  contextConstructed,
  contextPrimitive,
  decode,
  encode,
  integer,
  octetString,
  oid,
  pem,
  sequence,
  time,
} from './der.ts';
import { signatureAlgorithm } from './keys.ts';

export interface CertificateFields {
  readonly serial: Uint8Array;
  readonly issuer: Asn1;
  readonly subject: Asn1;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Asn1[];
}

/** @returns PEM */
export function signCertificate(fields: CertificateFields, issuerKey: KeyObject): string {
  const algorithm = signatureAlgorithm(issuerKey);
  const toBeSigned = sequence(
    contextConstructed(0, integer(Buffer.of(2))), // version 3
    integer(fields.serial),
    algorithm.identifier,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    decode(fields.publicKey),
    contextConstructed(3, sequence(...fields.extensions)),
  );
  const signature = sign(algorithm.digest, encode(toBeSigned), issuerKey);
  return pem('CERTIFICATE', encode(sequence(toBeSigned, algorithm.identifier, bitString(signature))));
}

/**
 * @param random 16 bytes
 * @returns a serial number of 16 octets: positive, without leading zeros, 126 random bits (RFC 5280 §4.1.2.2)
 */
export function serialNumber(random: Uint8Array): Buffer {
  const serial = Buffer.from(random);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}

/** @param id dotted object identifier @param value what the octets of the extension encode */
export function extension(id: string, value: Asn1, critical = false): Asn1 {
  const octets = octetString(encode(value));
  return critical ? sequence(oid(id), booleanTrue(), octets) : sequence(oid(id), octets);
}

/** An authority that signs end certificates only: pathlen 0. */
export function authorityConstraints(): Asn1 {
  return extension('2.5.29.19', sequence(booleanTrue(), integer(Buffer.of(0))), true);
}

export function endEntityConstraints(): Asn1 {
  return extension('2.5.29.19', sequence(), true);
}

/** keyCertSign and cRLSign. */
export function authorityKeyUsage(): Asn1 {
  return extension('2.5.29.15', bitString(Buffer.of(0b0000_0110), 1), true);
}

/** digitalSignature alone: an EC key encrypts no keys. */
export function endEntityKeyUsage(): Asn1 {
  return extension('2.5.29.15', bitString(Buffer.of(0b1000_0000), 7), true);
}

export function extendedKeyUsage(usages: readonly string[]): Asn1 {
  return extension('2.5.29.37', sequence(...usages.map(oid)));
}

export function subjectKeyIdentifier(id: Uint8Array): Asn1 {
  return extension('2.5.29.14', octetString(id));
}

/** Strict verifiers (openssl -x509_strict, Python 3.13) refuse a certificate without it. */
export function authorityKeyIdentifier(id: Uint8Array): Asn1 {
  return extension('2.5.29.35', sequence(contextPrimitive(0, id)));
}

export function alternativeNames(names: Asn1): Asn1 {
  return extension('2.5.29.17', names);
}
