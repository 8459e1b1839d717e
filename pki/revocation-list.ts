/**
 * Certificate revocation lists, version 2 (RFC 5280 §5). Members read them as DER: upstream up to 3.5 takes PEM too,
 * 3.6 and later DER only, and a list that cannot be parsed locks every client out (contract: api §7).
 */
import { sign, verify as verifySignature } from 'node:crypto';
import { type CertifiedKey, signer } from './authority.ts';
import { authorityKeyIdentifier, extension } from './certificate.ts';
import {
  type Asn1,
  bitString,
  children,
  content,
  contextConstructed,
  decode,
  encode,
  enumerated,
  isTime,
  isUniversal,
  oidOf,
  sequence,
  time,
  timeOf,
  unsigned,
} from './der.ts';
import { PkiError } from './errors.ts';
import { parseCertificate } from './inspect.ts';
import { type Sources, signatureAlgorithm } from './keys.ts';
import { placeInBytes } from './place.ts';

/** Reason codes (RFC 5280 §5.3.1) that a lab has a use for; `unspecified` is said by saying nothing. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const;
export type RevocationReason = keyof typeof revocationReasons;

export interface RevokedCertificate {
  /** Upper-case hexadecimal, as `CertificateFacts.serial`. */
  readonly serial: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface RevocationListRequest {
  readonly entries: readonly RevokedCertificate[];
  /** One more than that of the list before. */
  readonly number: bigint;
  /** When the next list is due, at the latest; cut to the authority's own end. */
  readonly validityMs: number;
}

/** @returns DER @throws PkiError PKI_AUTHORITY if the authority cannot sign now, PKI_INPUT for a serial that is none */
export function createRevocationList(
  authority: CertifiedKey,
  { entries, number, validityMs }: RevocationListRequest,
  sources: Sources,
): Buffer {
  const now = sources.now();
  const issuer = signer(authority, now);
  const algorithm = signatureAlgorithm(issuer.key);
  const nextUpdate = new Date(Math.min(now.getTime() + validityMs, issuer.notAfter.getTime()));
  const fields = [unsigned(1), algorithm.identifier, issuer.name, time(now), time(nextUpdate)];
  // An empty list must be left out, not be there with nothing in it (RFC 5280 §5.1.2.6).
  if (entries.length > 0) fields.push(sequence(...entries.map(entryOf)));
  const extensions = sequence(authorityKeyIdentifier(issuer.keyId), extension('2.5.29.20', unsigned(number)));
  const toBeSigned = sequence(...fields, contextConstructed(0, extensions));
  const signature = sign(algorithm.digest, encode(toBeSigned), issuer.key);
  return encode(sequence(toBeSigned, algorithm.identifier, bitString(signature)));
}

function entryOf({ serial, revokedAt, reason }: RevokedCertificate): Asn1 {
  if (!/^[0-9A-F]{1,40}$/.test(serial)) throw new PkiError('PKI_INPUT', `'${serial}' is not a serial number`);
  const fields = [unsigned(BigInt(`0x${serial}`)), time(revokedAt)];
  const code = revocationReasons[reason];
  if (code !== 0) fields.push(sequence(extension('2.5.29.21', enumerated(code))));
  return sequence(...fields);
}

export interface RevocationListFacts {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly number: bigint | undefined;
  readonly entries: readonly RevokedCertificate[];
}

/**
 * @param der as a member reads it
 * @returns what the list says; whether it is genuine is the matter of `isSignedBy`
 * @throws PkiError PKI_PEM
 */
export function parseRevocationList(der: Uint8Array): RevocationListFacts {
  try {
    return factsOf(partsOf(der).toBeSigned);
  } catch (cause) {
    throw new PkiError('PKI_PEM', `this is not a revocation list in DER form${placeInBytes(der)}`, { cause });
  }
}

/** @returns whether the authority's key has signed the list @throws PkiError PKI_PEM */
export function isSignedBy(der: Uint8Array, authority: string): boolean {
  const key = parseCertificate(authority).publicKey;
  try {
    const { toBeSigned, signature } = partsOf(der);
    return verifySignature(signatureAlgorithm(key).digest, encode(toBeSigned), key, signature);
  } catch (cause) {
    throw new PkiError('PKI_PEM', `this is not a revocation list in DER form${placeInBytes(der)}`, { cause });
  }
}

function partsOf(der: Uint8Array): { toBeSigned: Asn1; signature: Buffer } {
  const [toBeSigned, , signature] = children(decode(der));
  if (toBeSigned === undefined) throw new Error('the list itself is missing');
  return { toBeSigned, signature: content(signature).subarray(1) };
}

function factsOf(toBeSigned: Asn1): RevocationListFacts {
  const fields = children(toBeSigned);
  // Version 1 lists have no version field.
  const rest = isUniversal(fields[0], 'INTEGER') ? fields.slice(1) : fields;
  const nextUpdate = isTime(rest[3]) ? timeOf(rest[3]) : undefined;
  const list = rest[nextUpdate === undefined ? 3 : 4];
  return {
    thisUpdate: timeOf(rest[2]),
    nextUpdate,
    number: numberOf(rest.at(-1)),
    entries: isUniversal(list, 'SEQUENCE') ? children(list).map(revokedOf) : [],
  };
}

function revokedOf(entry: Asn1): RevokedCertificate {
  const [serial, revokedAt, extensions] = children(entry);
  const code = extensions === undefined ? undefined : extensionValue(extensions, '2.5.29.21');
  const value = code === undefined ? undefined : content(code)[0];
  const reason = Object.entries(revocationReasons).find(([, known]) => known === value);
  return {
    serial: content(serial)
      .toString('hex')
      .toUpperCase()
      .replace(/^(00)+(?=.)/, ''),
    revokedAt: timeOf(revokedAt),
    reason: (reason?.[0] as RevocationReason | undefined) ?? 'unspecified',
  };
}

function numberOf(field: Asn1 | undefined): bigint | undefined {
  if (field?.tagClass !== 0x80) return undefined;
  const number = extensionValue(children(field)[0] as Asn1, '2.5.29.20');
  return number === undefined ? undefined : BigInt(`0x${content(number).toString('hex')}`);
}

function extensionValue(extensions: Asn1, id: string): Asn1 | undefined {
  const found = children(extensions).find((candidate) => oidOf(children(candidate)[0]) === id);
  return found === undefined ? undefined : decode(content(children(found).at(-1)));
}
