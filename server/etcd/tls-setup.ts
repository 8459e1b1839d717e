/** From the TLS flags to what listeners and dialers of clients and peers use. */
import path from 'node:path';
import type { SecureVersion } from 'node:tls';
import type { Logger } from '../base/logger.ts';
import { TlsFiles } from '../peer/mod.ts';
import { openSslCiphers } from '../tls/cipher-suites.ts';
import { revocationCheck } from '../tls/revocation-check.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { ServerTls } from '../tls/server-tls.ts';
import type { EtcdConfig, TlsConfig } from './config.ts';
import type { EtcdUrl } from './urls.ts';

export interface TlsSetup {
  /** Undefined without certificates. */
  readonly client: ServerTls | undefined;
  readonly peer: TlsFiles | undefined;
}

/**
 * Reads all certificates; makes those of `--auto-tls` and `--peer-auto-tls` first, in the data directory.
 *
 * @throws Error when a file cannot be used, naming it
 */
export function setUpTls(config: EtcdConfig, logger: Logger): TlsSetup {
  const { listenClientUrls, listenClientHttpUrls, listenMetricsUrls, advertiseClientUrls } = config;
  const clientUrls = [...listenClientUrls, ...listenClientHttpUrls, ...listenMetricsUrls, ...advertiseClientUrls];
  const peerUrls = [...config.listenPeerUrls, ...config.advertisePeerUrls];
  const client = withOwnCertificate('client', config, config.clientTls, clientUrls, logger);
  const peer = withOwnCertificate('peer', config, config.peerTls, peerUrls, logger);
  return {
    client: client.certFile === '' ? undefined : new ServerTls(client, ['h2', 'http/1.1'], logger.at('tls')),
    peer: peer.certFile === '' ? undefined : peerFiles(peer, peer !== config.peerTls, logger),
  };
}

/** @returns the configuration itself, unless a certificate had to be made */
function withOwnCertificate(
  side: 'client' | 'peer',
  config: EtcdConfig,
  tls: TlsConfig,
  urls: readonly EtcdUrl[],
  logger: Logger,
): TlsConfig {
  if (!tls.autoTls) return tls;
  if (tls.certFile !== '' || tls.keyFile !== '') {
    logger.warn(`ignoring ${side} auto TLS since certs given`);
    return tls;
  }
  const files = selfSigned({
    directory: path.join(config.dataDir, 'fixtures', side),
    hosts: [...new Set(urls.map(({ hostname }) => hostname))],
    validityYears: config.selfSignedCertValidityYears,
    now: new Date(),
  });
  return { ...tls, ...files };
}

const versions: Record<string, SecureVersion> = { 'TLS1.2': 'TLSv1.2', 'TLS1.3': 'TLSv1.3' };

/** @param isSelfSigned whether the peers' certificates are, too, so that there is nothing to verify them by */
function peerFiles(config: TlsConfig, isSelfSigned: boolean, logger: Logger): TlsFiles {
  const ciphers = openSslCiphers(config.cipherSuites);
  const maxVersion = versions[config.maxVersion];
  return new TlsFiles({
    certFile: config.certFile,
    keyFile: config.keyFile,
    clientCertAuth: config.clientCertAuth,
    allowedCommonNames: config.allowedCns,
    allowedHostnames: config.allowedHostnames,
    skipClientSanVerification: config.skipClientSanVerification,
    insecureSkipVerify: isSelfSigned,
    minVersion: versions[config.minVersion] ?? 'TLSv1.2',
    ...(maxVersion !== undefined && { maxVersion }),
    ...(config.trustedCaFile !== '' && { trustedCaFile: config.trustedCaFile }),
    ...(config.clientCertFile !== '' && { clientCertFile: config.clientCertFile }),
    ...(config.clientKeyFile !== '' && { clientKeyFile: config.clientKeyFile }),
    ...(ciphers !== undefined && { ciphers }),
    ...(config.crlFile !== '' && { isRevoked: revocationCheck(config.crlFile, logger.at('tls')) }),
  });
}
