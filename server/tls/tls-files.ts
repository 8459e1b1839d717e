/** Certificates, keys and CAs from files, checked before anything relies on them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { revokedSerials } from './crl.ts';

/** Paths; empty or left out when there is none. */
export interface TlsFiles {
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly trustedCaFile?: string;
  readonly crlFile?: string;
}

/** What the files hold. */
export interface TlsMaterial {
  /** PEM, as in the file: the leaf and what stands behind it. */
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly leaf: X509Certificate | undefined;
  /** PEM of each trusted CA; undefined trusts the system's. */
  readonly ca: string[] | undefined;
  /** Serials of revoked certificates, as `X509Certificate.serialNumber` gives them. */
  readonly revoked: ReadonlySet<string>;
  /** What deserves a warning but does not keep a server from starting: an expired certificate, say. */
  readonly warnings: readonly string[];
}

/** A file that cannot be used; the message says which one, why, and what to do. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
  readonly file: string;

  constructor(file: string, problem: string) {
    super(problem);
    this.file = file;
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads and checks the files of one side of TLS.
 *
 * @param now for warnings about validity
 * @throws TlsFileError for a file that is missing, unreadable, not PEM, or a key of another certificate
 */
export function loadTlsContext(files: TlsFiles, now: Date): TlsMaterial {
  const { certFile = '', keyFile = '', trustedCaFile = '', crlFile = '' } = files;
  if ((certFile === '') !== (keyFile === '')) {
    throw new TlsFileError(
      certFile || keyFile,
      `KeyFile and CertFile must both be present[key: ${keyFile}, cert: ${certFile}]`,
    );
  }
  const warnings: string[] = [];
  const pair = certFile === '' ? undefined : loadPair(certFile, keyFile, now, warnings);
  return {
    cert: pair?.cert,
    key: pair?.key,
    leaf: pair?.leaf,
    ca: trustedCaFile === '' ? undefined : loadCas(trustedCaFile, now, warnings),
    revoked: crlFile === '' ? new Set() : loadCrl(crlFile),
    warnings,
  };
}

function loadPair(certFile: string, keyFile: string, now: Date, warnings: string[]) {
  const cert = readTlsFile(certFile);
  const key = readTlsFile(keyFile);
  const [leaf] = parseCertificates(certFile, cert);
  if (leaf === undefined) {
    throw new TlsFileError(certFile, `${certFile}: no certificate in it; expected PEM with BEGIN CERTIFICATE`);
  }
  if (!leaf.checkPrivateKey(parseKey(keyFile, key))) {
    throw new TlsFileError(
      keyFile,
      `tls: private key does not match public key: ${keyFile} is not the key of ${certFile}; issue or copy both together`,
    );
  }
  warnAboutValidity(certFile, leaf, now, warnings);
  return { cert, key, leaf };
}

function loadCas(file: string, now: Date, warnings: string[]): string[] {
  const certificates = parseCertificates(file, readTlsFile(file));
  if (certificates.length === 0) {
    throw new TlsFileError(file, `${file}: no CA certificate in it; expected PEM with BEGIN CERTIFICATE`);
  }
  for (const certificate of certificates) warnAboutValidity(file, certificate, now, warnings);
  return certificates.map((certificate) => certificate.toString());
}

function loadCrl(file: string): Set<string> {
  const bytes = readTlsFile(file);
  try {
    return revokedSerials(bytes);
  } catch (error) {
    throw new TlsFileError(file, `${file}: ${(error as Error).message}`);
  }
}

function readTlsFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'no such file or directory',
      EACCES: 'permission denied; the server’s user must be able to read it',
      EISDIR: 'is a directory',
    };
    throw new TlsFileError(file, `open ${file}: ${reasons[code ?? ''] ?? message}`);
  }
}

function parseCertificates(file: string, pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').match(pemCertificate) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new TlsFileError(file, `${file}: a certificate in it cannot be read: ${(error as Error).message}`);
  }
}

function parseKey(file: string, pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new TlsFileError(file, `${file}: the private key is encrypted; etcd reads unencrypted keys only`);
  }
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new TlsFileError(file, `${file}: no private key in PEM in it: ${(error as Error).message}`);
  }
}

function warnAboutValidity(file: string, certificate: X509Certificate, now: Date, warnings: string[]): void {
  const subject = certificate.subject.replaceAll('\n', ', ');
  if (certificate.validToDate < now) {
    warnings.push(`${file}: "${subject}" expired at ${certificate.validToDate.toISOString()}; renew it`);
  } else if (certificate.validFromDate > now) {
    const from = certificate.validFromDate.toISOString();
    warnings.push(`${file}: "${subject}" is not valid before ${from}; check this machine’s clock`);
  }
}

/** A fingerprint of the files' state on disk, which changes whenever one is replaced or written to. Never throws. */
export function filesStamp(files: TlsFiles): string {
  return [files.certFile, files.keyFile, files.trustedCaFile, files.crlFile]
    .map((file) => (file === undefined || file === '' ? '' : fileStamp(file)))
    .join(' ');
}

/** The same of one file: of one that cannot be looked at, the reason, such as `ENOENT`. */
export function fileStamp(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true });
    return `${ino}/${size}/${mtimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
