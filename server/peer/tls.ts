/**
 * TLS between members. Key and certificate are looked at before every handshake and read again when they have changed,
 * so that a renewal needs no restart; the CA bundle is read once (contract: api.md §7).
 */
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import tls from 'node:tls';
import type { HandshakeSide } from '../tls/refused-handshake.ts';

/** Files, all PEM, and what else decides who may talk to whom. */
export interface PeerTls {
  certFile: string;
  keyFile: string;
  /** Who signs the peers' certificates. Without it, the system's roots. */
  trustedCaFile?: string;
  /** Certificate to show when dialing; `certFile` unless given (`--peer-client-cert-file`). */
  clientCertFile?: string;
  clientKeyFile?: string;
  /** Demand a certificate from whoever connects. A `trustedCaFile` alone demands it as well. */
  clientCertAuth?: boolean;
  /** If not empty, the dialer's certificate must have one of these common names. */
  allowedCommonNames?: readonly string[];
  /** If not empty, the dialer's certificate must be valid for one of these host names. */
  allowedHostnames?: readonly string[];
  /** Do not compare the dialer's address with its certificate's SANs. */
  skipClientSanVerification?: boolean;
  /** Do not verify the certificates of the peers that are dialed (`--peer-auto-tls`). */
  insecureSkipVerify?: boolean;
  /** `TLSv1.2` unless given. */
  minVersion?: tls.SecureVersion;
  maxVersion?: tls.SecureVersion;
  /** OpenSSL names, colon separated; for TLS 1.2 and below. */
  ciphers?: string;
  /** Whether a certificate with this serial number (hexadecimal, as Node prints it) is revoked. Asked per connection. */
  isRevoked?(serialNumber: string): boolean;
}

/** Thrown when a certificate, key or CA cannot be used. */
export class PeerTlsError extends Error {
  override readonly name = 'PeerTlsError';
}

interface LoadedPair {
  readonly options: tls.SecureContextOptions;
  readonly context: tls.SecureContext;
}

/** A certificate and its key, as they lie in two files. */
class KeyPair {
  private readonly certFile: string;
  private readonly keyFile: string;
  private readonly options: tls.SecureContextOptions;
  private stamp: string;
  private current: LoadedPair;

  /** @throws PeerTlsError when the files cannot be used */
  constructor(certFile: string, keyFile: string, options: tls.SecureContextOptions) {
    this.certFile = certFile;
    this.keyFile = keyFile;
    this.options = options;
    this.stamp = this.stampNow();
    this.current = this.read();
  }

  /** The pair that was usable last, whatever the files hold now: what messages name. Does not throw. */
  get last(): LoadedPair {
    return this.current;
  }

  /** @throws PeerTlsError when the files cannot be used as they are now */
  load(): LoadedPair {
    const stamp = this.stampNow();
    if (stamp === this.stamp) return this.current;
    this.current = this.read();
    this.stamp = stamp;
    return this.current;
  }

  private stampNow(): string {
    return `${fileStamp(this.certFile)} ${fileStamp(this.keyFile)}`;
  }

  private read(): LoadedPair {
    const options = { ...this.options, cert: readFile(this.certFile), key: readFile(this.keyFile) };
    try {
      return { options, context: tls.createSecureContext(options) };
    } catch (error) {
      throw new PeerTlsError(
        `certificate ${this.certFile} and key ${this.keyFile} cannot be used together: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
}

/** A member's TLS configuration with what its files hold now. */
export class TlsFiles {
  readonly config: PeerTls;
  /** PEM, as it was at the start. */
  readonly ca: Buffer | undefined;
  private readonly serving: KeyPair;
  private readonly dialing: KeyPair;

  /** @throws PeerTlsError when a file cannot be used; no member starts with one that is damaged */
  constructor(config: PeerTls) {
    this.config = config;
    this.ca = config.trustedCaFile === undefined ? undefined : readFile(config.trustedCaFile);
    const shared: tls.SecureContextOptions = {
      minVersion: config.minVersion ?? 'TLSv1.2',
      ...(config.maxVersion === undefined ? {} : { maxVersion: config.maxVersion }),
      ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
      ...(this.ca === undefined ? {} : { ca: this.ca }),
    };
    this.serving = new KeyPair(config.certFile, config.keyFile, shared);
    const { clientCertFile = config.certFile, clientKeyFile = config.keyFile } = config;
    this.dialing = new KeyPair(clientCertFile, clientKeyFile, shared);
  }

  /** What `setSecureContext` of a server takes. @returns the same object as long as the files do not change */
  serverOptions(): tls.SecureContextOptions {
    return this.serving.load().options;
  }

  /** What messages about refused handshakes name: they must not fail because the files cannot be used any more. */
  side(): HandshakeSide {
    const { minVersion = 'TLSv1.2' } = this.config;
    return {
      leaf: new X509Certificate(this.serving.last.options.cert as Buffer),
      ca: this.ca?.toString('latin1'),
      minVersion: minVersion.replace('TLSv', 'TLS'),
    };
  }

  clientContext(): tls.SecureContext {
    return this.dialing.load().context;
  }

  /** The certificate that was shown when dialing last, PEM. Does not throw, as `side`. */
  clientCertificate(): Buffer {
    return this.dialing.last.options.cert as Buffer;
  }

  /** Whether whoever connects has to show a certificate. */
  get demandsCertificate(): boolean {
    return this.config.clientCertAuth === true || this.config.trustedCaFile !== undefined;
  }
}

/** Changes whenever the file does: a rename puts another inode there, a rewrite another time or size. */
function fileStamp(path: string): string {
  try {
    const { mtimeNs, size, ino } = fs.statSync(path, { bigint: true });
    return `${mtimeNs}:${size}:${ino}`;
  } catch (error) {
    throw new PeerTlsError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function readFile(path: string): Buffer {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    throw new PeerTlsError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
