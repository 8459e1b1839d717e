/**
 * Private keys under a passphrase: PKCS #8 EncryptedPrivateKeyInfo with PBES2 (RFC 8018 §6.2), scrypt (RFC 7914 §7) and
 * AES-256-CBC. OpenSSL and Node.js open it. node:crypto itself would write PBKDF2 with 2,048 rounds, which a
 * graphics card tries a million times a second.
 */
import { createCipheriv, type KeyObject, scryptSync } from 'node:crypto';
import { encode, octetString, oid, pem, sequence, unsigned } from './der.ts';
import { PkiError } from './errors.ts';
import type { Sources } from './keys.ts';

/** 16 MiB and some 50 ms a try; OpenSSL refuses more than 32 MiB. */
const scrypt = { cost: 16_384, blockSize: 8, parallelization: 1 };
const saltSizeBytes = 16;
const ivSizeBytes = 16;
const keySizeBytes = 32;

/** Shorter ones fall to a dictionary, whatever the key derivation. */
export const minPassphraseLength = 8;
/** OpenSSL reads no more. */
const maxPassphraseLength = 1023;

/**
 * @param key private
 * @returns PEM, `ENCRYPTED PRIVATE KEY`
 * @throws PkiError PKI_PASSPHRASE if it has fewer than 8 or more than 1,023 characters, or a line feed
 */
export function encryptKey(key: KeyObject, passphrase: string, sources: Pick<Sources, 'randomBytes'>): string {
  if (passphrase.length < minPassphraseLength || Buffer.byteLength(passphrase) > maxPassphraseLength) {
    throw new PkiError('PKI_PASSPHRASE', `a passphrase must have ${minPassphraseLength} to 1,023 characters`);
  }
  if (/[\r\n\0]/.test(passphrase)) throw new PkiError('PKI_PASSPHRASE', 'a passphrase must be one line');
  const salt = sources.randomBytes(saltSizeBytes);
  const iv = sources.randomBytes(ivSizeBytes);
  const secret = scryptSync(passphrase, salt, keySizeBytes, scrypt);
  const cipher = createCipheriv('aes-256-cbc', secret, iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const { cost, blockSize, parallelization } = scrypt;
  const derivation = sequence(
    oid('1.3.6.1.4.1.11591.4.11'),
    sequence(octetString(salt), unsigned(cost), unsigned(blockSize), unsigned(parallelization)),
  );
  const encryption = sequence(oid('2.16.840.1.101.3.4.1.42'), octetString(iv));
  const algorithm = sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, encryption));
  return pem('ENCRYPTED PRIVATE KEY', encode(sequence(algorithm, octetString(encrypted))));
}
