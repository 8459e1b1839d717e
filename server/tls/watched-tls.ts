/**
 * TLS files that may be replaced while the server runs: every handshake, in and out, uses what is there now
 * (contract: api.md §7).
 */
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { Logger } from '../base/logger.ts';
import { openSslCiphers } from './cipher-suites.ts';
import { filesStamp, loadTlsContext, type TlsFiles, type TlsMaterial } from './tls-files.ts';

export interface TlsVersions {
  /** `TLS1.2` or `TLS1.3`; `maxVersion` may be empty for the highest. */
  readonly minVersion: string;
  readonly maxVersion: string;
  /** Go names; empty for the defaults. */
  readonly cipherSuites: readonly string[];
}

const secureVersions: Record<string, SecureVersion> = { 'TLS1.2': 'TLSv1.2', 'TLS1.3': 'TLSv1.3' };

/**
 * Files that cannot be read, or do not fit each other, leave what was read before in force: a certificate and its key
 * are not replaced in one step, and a handshake between the two would fail. Upstream lets it fail.
 */
export class WatchedTls {
  private readonly files: TlsFiles;
  private readonly versions: TlsVersions;
  private readonly logger: Logger;
  private readonly now: () => Date;
  private stamp: string;
  private loaded: TlsMaterial;
  private context: SecureContext | undefined;

  /**
   * @param now the clock for warnings about expired certificates
   * @throws TlsFileError when the files cannot be used
   */
  constructor(files: TlsFiles, versions: TlsVersions, logger: Logger, now: () => Date = () => new Date()) {
    this.files = files;
    this.versions = versions;
    this.logger = logger;
    this.now = now;
    this.stamp = filesStamp(files);
    this.loaded = loadTlsContext(files, now());
    this.warn();
  }

  /** What the files hold now, or held when they could last be used. */
  material(): TlsMaterial {
    const stamp = filesStamp(this.files);
    if (stamp === this.stamp) return this.loaded;
    this.stamp = stamp;
    try {
      const latest = loadTlsContext(this.files, this.now());
      // Now, because OpenSSL refuses more than cannot be read, such as short keys: in a listener's event it would throw.
      this.context = createSecureContext(this.optionsOf(latest));
      this.loaded = latest;
      this.logger.info('reloaded TLS files', { 'cert-file': this.files.certFile, 'ca-file': this.files.trustedCaFile });
      this.warn();
    } catch (error) {
      this.logger.error('cannot use the replaced TLS files; keeping the ones read before', { error });
    }
    return this.loaded;
  }

  /** The options of a context made of what the files hold now. */
  options(): SecureContextOptions {
    return this.optionsOf(this.material());
  }

  /** A context for dialing, made anew only when the files have changed. */
  secureContext(): SecureContext {
    this.material();
    this.context ??= createSecureContext(this.options());
    return this.context;
  }

  private optionsOf({ cert, key, ca }: TlsMaterial): SecureContextOptions {
    const { minVersion, maxVersion, cipherSuites } = this.versions;
    const ciphers = openSslCiphers(cipherSuites);
    return {
      minVersion: secureVersions[minVersion] ?? 'TLSv1.2',
      ...(maxVersion === '' ? {} : { maxVersion: secureVersions[maxVersion] as SecureVersion }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(ca === undefined ? {} : { ca }),
      ...(ciphers === undefined ? {} : { ciphers }),
    };
  }

  private warn(): void {
    for (const warning of this.loaded.warnings) this.logger.warn('TLS certificate is not valid', { error: warning });
  }
}
