/** The checks before a member starts, in upstream's order and words (contract: api.md §5.3). */
import { formatGoDuration, parseGoDuration } from '../base/go-duration.ts';
import { type InitialCluster, parseInitialCluster } from '../membership/mod.ts';
import { unknownCipherSuite } from '../tls/cipher-suites.ts';
import type { EtcdConfig, TlsConfig } from './config.ts';
import type { FlagValues } from './flags.ts';
import { checkBindUrls, checkHostUrls } from './urls.ts';

const maxElectionMs = 50_000;

/**
 * What upstream checks before it sets up anything; it logs such an error as `failed to verify flags`.
 *
 * @throws Error with upstream's text
 */
export function verifyConfig(config: EtcdConfig, values: FlagValues): void {
  verifyLogging(values);
  for (const urls of [
    config.listenPeerUrls,
    config.listenClientUrls,
    config.listenClientHttpUrls,
    config.listenMetricsUrls,
  ]) {
    checkBindUrls(urls);
  }
  checkHostUrls('initial-advertise-peer-urls', config.advertisePeerUrls);
  checkHostUrls('advertise-client-urls', config.advertiseClientUrls);
  verifyTiming(config);
  if (config.advertiseClientUrls.length === 0) {
    throw new Error('--advertise-client-urls is required when --listen-client-urls is set explicitly');
  }
  if (!['periodic', 'revision'].includes(config.autoCompactionMode)) {
    throw new Error(`unknown auto-compaction-mode "${config.autoCompactionMode}"`);
  }
  verifyExperimental(values);
  verifyTlsVersions(config);
}

function verifyLogging(values: FlagValues): void {
  const logger = values.string('logger');
  if (logger !== 'zap') {
    throw new Error(
      logger === 'capnslog' ? '--logger=capnslog is removed in v3.5' : `unknown logger option "${logger}"`,
    );
  }
  const outputs = values.list('log-outputs');
  if (outputs.length === 0) throw new Error('no log output is given with --log-outputs');
  if (outputs.length > 1) {
    for (const output of ['default', 'systemd/journal']) {
      if (outputs.includes(output)) throw new Error(`multi logoutput for "${output}" is not supported yet`);
    }
  }
  const files = outputs.filter((output) => !['default', 'stderr', 'stdout', 'systemd/journal'].includes(output));
  if (values.boolean('enable-log-rotation') && (outputs.length !== 1 || files.length !== 1)) {
    throw new Error('--log-outputs requires a single file path when --log-rotate-config-json is defined');
  }
}

function verifyTiming({ heartbeatIntervalMs, electionTimeoutMs }: EtcdConfig): void {
  if (heartbeatIntervalMs === 0) throw new Error('--heartbeat-interval must be >0 (set to 0ms)');
  if (electionTimeoutMs === 0) throw new Error('--election-timeout must be >0 (set to 0ms)');
  if (5 * heartbeatIntervalMs > electionTimeoutMs) {
    throw new Error(
      `--election-timeout[${electionTimeoutMs}ms] should be at least as 5 times as --heartbeat-interval[${heartbeatIntervalMs}ms]`,
    );
  }
  if (electionTimeoutMs > maxElectionMs) {
    throw new Error(
      `--election-timeout[${electionTimeoutMs}ms] is too long, and should be set less than ${maxElectionMs}ms`,
    );
  }
}

function verifyExperimental(values: FlagValues): void {
  const checkpoint = 'experimental-enable-lease-checkpoint';
  if (values.boolean(`${checkpoint}-persist`) && !values.boolean(checkpoint)) {
    throw new Error(`setting ${checkpoint}-persist requires ${checkpoint}`);
  }
  const checkTime = 'experimental-compact-hash-check-time';
  if (values.number(checkTime) <= 0) {
    throw new Error(`--${checkTime} must be >0 (set to ${formatGoDuration(values.number(checkTime))})`);
  }
}

function verifyTlsVersions({ clientTls: { minVersion, maxVersion, cipherSuites } }: EtcdConfig): void {
  for (const version of [minVersion, maxVersion]) {
    if (!['', 'TLS1.2', 'TLS1.3'].includes(version)) {
      throw new Error(`unexpected TLS version "${version}" (must be one of: TLS1.2, TLS1.3)`);
    }
  }
  if (minVersion === 'TLS1.3' && maxVersion === 'TLS1.2') {
    throw new Error(`min version (${minVersion}) is greater than max version (${maxVersion})`);
  }
  if (minVersion === 'TLS1.3' && cipherSuites.length > 0) {
    throw new Error('cipher suites cannot be configured when only TLS1.3 is enabled');
  }
}

/**
 * What upstream finds while starting, with or without a data directory; it ends with the fatal line
 * `discovery failed` (contract: api.md §8, trap 31).
 *
 * @throws Error with upstream's text
 */
export function checkStartup(config: EtcdConfig): void {
  const unknown = unknownCipherSuite(config.clientTls.cipherSuites);
  if (unknown !== undefined) throw new Error(`unexpected TLS cipher suite "${unknown}"`);
  for (const url of config.listenPeerUrls) {
    if (!url.secure || hasCertificate(config.peerTls)) continue;
    throw new Error(`cannot listen on TLS for ${url.host}: KeyFile and CertFile are not presented`);
  }
  for (const url of [...config.listenClientUrls, ...config.listenClientHttpUrls, ...config.listenMetricsUrls]) {
    if (!url.secure || hasCertificate(config.clientTls)) continue;
    throw new Error(
      `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url.href} with HTTPS scheme`,
    );
  }
  for (const { href } of config.listenClientHttpUrls) {
    if (config.listenClientUrls.some((url) => url.href === href)) {
      throw new Error(`cannot bind both --client-listen-urls and --client-listen-http-urls on the same url ${href}`);
    }
  }
  autoCompactionRetention(config);
}

/** Given, or about to be made. */
function hasCertificate({ certFile, keyFile, autoTls }: TlsConfig): boolean {
  return certFile !== '' || keyFile !== '' || autoTls;
}

/**
 * How much history automatic compaction keeps.
 *
 * @returns milliseconds in mode `periodic`, revisions in mode `revision`; 0 when it is off
 * @throws Error when the text is neither a number nor, in mode `periodic`, a duration
 */
export function autoCompactionRetention(config: EtcdConfig): number {
  const text = config.autoCompactionRetention || '0';
  if (/^[-+]?\d+$/.test(text)) {
    return Math.max(0, Number(text)) * (config.autoCompactionMode === 'periodic' ? 3_600_000 : 1);
  }
  try {
    const milliseconds = parseGoDuration(text);
    // Upstream takes a duration in mode `revision` for a number of nanoseconds.
    return config.autoCompactionMode === 'periodic' ? milliseconds : milliseconds * 1e6;
  } catch (error) {
    throw new Error(`error parsing CompactionRetention: ${(error as Error).message}`);
  }
}

/**
 * The initial cluster as names and peer URLs, for a member that has no data yet.
 *
 * @throws Error `error setting up initial cluster: ...`
 */
export function initialClusterOf(config: EtcdConfig): InitialCluster {
  try {
    return parseInitialCluster(config.initialCluster);
  } catch (error) {
    throw new Error(`error setting up initial cluster: ${(error as Error).message}`);
  }
}
