/** Keys and the signature algorithms that go with them. node-forge knows no ECDSA, so all of it is node:crypto. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { type Asn1, children, content, decode, nullValue, oid, sequence } from './der.ts';
import { PkiError } from './errors.ts';
import { placeInPem } from './place.ts';

/** Of members' and clients' keys. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384';
/** An authority may also be RSA, for an organisation whose policy asks for it. */
export type AuthorityAlgorithm = KeyAlgorithm | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** What certificates need from the world. Tests bring their own. */
export interface Sources {
  readonly now: () => Date;
  /** For serial numbers. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly generateKey: (algorithm: AuthorityAlgorithm) => KeyObject;
}

const curves: Readonly<Record<KeyAlgorithm, string>> = { 'ecdsa-p256': 'prime256v1', 'ecdsa-p384': 'secp384r1' };

/** @returns a new private key */
export function generateKey(algorithm: AuthorityAlgorithm): KeyObject {
  if (algorithm === 'ecdsa-p256' || algorithm === 'ecdsa-p384') {
    return generateKeyPairSync('ec', { namedCurve: curves[algorithm] }).privateKey;
  }
  return generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice('rsa-'.length)) }).privateKey;
}

/** The clock, the random generator and the key generator of this process. */
export const systemSources: Sources = { now: () => new Date(), randomBytes, generateKey };

export interface SignatureAlgorithm {
  readonly digest: 'sha256' | 'sha384';
  /** AlgorithmIdentifier. ECDSA has no parameters field at all (RFC 5758 §3.2), RSA an explicit NULL (RFC 4055 §5). */
  readonly identifier: Asn1;
}

/** @returns how that key signs certificates @throws PkiError PKI_INPUT for a kind of key that is not used here */
export function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  switch (describeKey(key)) {
    case 'ecdsa-p256':
      return { digest: 'sha256', identifier: sequence(oid('1.2.840.10045.4.3.2')) };
    case 'ecdsa-p384':
      return { digest: 'sha384', identifier: sequence(oid('1.2.840.10045.4.3.3')) };
    default:
      return { digest: 'sha256', identifier: sequence(oid('1.2.840.113549.1.1.11'), nullValue()) };
  }
}

/** @returns `ecdsa-p256`, `ecdsa-p384` or `rsa-BITS` @throws PkiError PKI_INPUT for any other key */
export function describeKey(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') {
    if (namedCurve === 'prime256v1') return 'ecdsa-p256';
    if (namedCurve === 'secp384r1') return 'ecdsa-p384';
  }
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== undefined) {
    if (modulusLength < 2048) throw new PkiError('PKI_INPUT', `an RSA key of ${modulusLength} bits is too short`);
    return `rsa-${modulusLength}`;
  }
  throw new PkiError('PKI_INPUT', `keys of type ${key.asymmetricKeyType} ${namedCurve ?? ''} are not supported`, {
    advice: 'use ECDSA P-256 or P-384; an authority may also be RSA of 2048 bits and more',
  });
}

/** @returns SubjectPublicKeyInfo, DER */
export function publicKeyInfo(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

/**
 * @param spki SubjectPublicKeyInfo, DER
 * @returns SHA-1 over the content of subjectPublicKey, for EC the raw point (RFC 5280 §4.2.1.2, method 1)
 */
export function keyIdentifier(spki: Uint8Array): Buffer {
  const [, subjectPublicKey] = children(decode(spki));
  // The first octet of a BIT STRING counts the unused bits and is not part of the key.
  return createHash('sha1').update(content(subjectPublicKey).subarray(1)).digest();
}

/** @returns PKCS #8, the one form that Go, OpenSSL and Node.js read for every algorithm */
export function keyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** @returns whether the PEM is a private key that needs a passphrase */
export function isEncryptedKey(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED$/m.test(pem);
}

/**
 * @param passphrase of an encrypted key; ignored for another
 * @throws PkiError PKI_PEM if it is no key, PKI_PASSPHRASE if it is encrypted and the passphrase is missing or wrong
 */
export function keyFromPem(pem: string, passphrase?: string): KeyObject {
  const encrypted = isEncryptedKey(pem);
  if (encrypted && passphrase === undefined) {
    throw new PkiError('PKI_PASSPHRASE', 'the private key is encrypted, and no passphrase was given');
  }
  try {
    return createPrivateKey(encrypted ? { key: pem, passphrase: passphrase as string } : pem);
  } catch (cause) {
    if (encrypted) {
      const advice = 'check the passphrase; a file that holds it may end with one line feed, and with nothing else';
      throw new PkiError('PKI_PASSPHRASE', 'the passphrase does not open the private key', { cause, advice });
    }
    throw new PkiError('PKI_PEM', `this is not a private key in PEM form${placeInPem(pem)}`, { cause });
  }
}
