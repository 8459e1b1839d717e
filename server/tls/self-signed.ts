/** Certificates that a server makes for itself, `--auto-tls` and `--peer-auto-tls` (contract: api.md §7). */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import {
  alternativeNames,
  endEntityConstraints,
  endEntityKeyUsage,
  extendedKeyUsage,
  serialNumber,
  signCertificate,
} from '../../pki/certificate.ts';
import { oid, sequence, set, utf8String } from '../../pki/der.ts';
import { subjectAlternativeNames } from '../../pki/names.ts';
import { clientAuth, serverAuth } from '../../pki/profiles.ts';

export interface SelfSignedOptions {
  /** Where `cert.pem` and `key.pem` are kept; made when it is not there. */
  readonly directory: string;
  /** Host names and addresses that the certificate is for. */
  readonly hosts: readonly string[];
  readonly validityYears: number;
  readonly now: Date;
}

const yearMs = 365 * 24 * 3_600_000;

/**
 * Makes a certificate with a key of its own, unless both are there from an earlier start. Nobody can verify it, so it
 * keeps listeners out of the line and nothing more.
 *
 * @returns the two files
 * @throws Error when the directory cannot be written to
 */
export function selfSigned(options: SelfSignedOptions): { certFile: string; keyFile: string } {
  const { directory, hosts, validityYears, now } = options;
  const certFile = path.join(directory, 'cert.pem');
  const keyFile = path.join(directory, 'key.pem');
  if (existsSync(certFile) && existsSync(keyFile)) return { certFile, keyFile };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = sequence(set(sequence(oid('2.5.4.10'), utf8String('etcd'))));
  const certificate = signCertificate(
    {
      serial: serialNumber(randomBytes(16)),
      issuer: name,
      subject: name,
      notBefore: now,
      notAfter: new Date(now.getTime() + validityYears * yearMs),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      extensions: [
        endEntityConstraints(),
        endEntityKeyUsage(),
        extendedKeyUsage([serverAuth, clientAuth]),
        alternativeNames(
          subjectAlternativeNames(
            hosts.filter((host) => isIP(host) === 0),
            hosts.filter((host) => isIP(host) !== 0),
          ),
        ),
      ],
    },
    privateKey,
  );
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // The certificate last: both are there only when both are whole.
  writeWhole(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, 0o600);
  writeWhole(certFile, certificate, 0o644);
  return { certFile, keyFile };
}

function writeWhole(file: string, text: string, mode: number): void {
  const temporary = `${file}.tmp`;
  writeFileSync(temporary, text, { mode, flush: true });
  chmodSync(temporary, mode);
  renameSync(temporary, file);
}
