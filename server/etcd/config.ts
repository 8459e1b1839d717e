/** What a member is started with: the flags, read, checked for themselves and given the types the server works with. */
import { isIP } from 'node:net';
import type { LogRecord } from '../base/logger.ts';
import { flagTable } from './flag-table.ts';
import type { FlagValues } from './flags.ts';
import { type LogConfig, logConfig } from './log-config.ts';
import { type EtcdUrl, joinUrls, parseUrls } from './urls.ts';

/** Files and rules of one TLS side, clients' or peers'. Paths are empty when not given. */
export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** For dialing; `certFile` and `keyFile` when empty. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  readonly trustedCaFile: string;
  readonly crlFile: string;
  readonly clientCertAuth: boolean;
  readonly autoTls: boolean;
  readonly allowedCns: readonly string[];
  readonly allowedHostnames: readonly string[];
  /** Peers only: accept a client certificate whose SANs do not fit the remote address. */
  readonly skipClientSanVerification: boolean;
  /** Go names; empty for the defaults. */
  readonly cipherSuites: readonly string[];
  readonly minVersion: string;
  /** Empty for the highest there is. */
  readonly maxVersion: string;
}

export interface EtcdConfig {
  readonly name: string;
  readonly dataDir: string;
  /** Empty: inside the data directory. */
  readonly walDir: string;
  readonly snapshotCount: number;
  readonly snapshotCatchUpEntries: number;
  readonly maxSnapshotFiles: number;
  readonly maxWalFiles: number;
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly initialElectionTickAdvance: boolean;
  readonly preVote: boolean;
  readonly strictReconfigCheck: boolean;

  readonly listenPeerUrls: readonly EtcdUrl[];
  readonly listenClientUrls: readonly EtcdUrl[];
  readonly listenClientHttpUrls: readonly EtcdUrl[];
  readonly listenMetricsUrls: readonly EtcdUrl[];
  readonly advertisePeerUrls: readonly EtcdUrl[];
  readonly advertiseClientUrls: readonly EtcdUrl[];
  readonly socketReusePort: boolean;

  /** As given, or made from name and advertised URLs: `n1=http://a:2380,n2=...`. */
  readonly initialCluster: string;
  readonly initialClusterState: 'new' | 'existing';
  readonly initialClusterToken: string;
  readonly forceNewCluster: boolean;

  /** 0: the default of 2 GiB; negative: no limit. */
  readonly quotaBackendBytes: number;
  readonly backendBatchIntervalMs: number;
  readonly backendBatchLimit: number;
  readonly unsafeNoFsync: boolean;
  readonly bootstrapDefragThresholdMegabytes: number;
  readonly initialCorruptCheck: boolean;
  /** 0: never. */
  readonly corruptCheckTimeMs: number;
  /** 0: never. */
  readonly compactHashCheckTimeMs: number;

  readonly maxTxnOps: number;
  readonly leaseCheckpoint: boolean;
  readonly leaseCheckpointPersist: boolean;
  readonly maxRequestBytes: number;
  readonly maxConcurrentStreams: number;
  readonly keepalive: { readonly minTimeMs: number; readonly intervalMs: number; readonly timeoutMs: number };
  readonly enableGrpcGateway: boolean;
  readonly raftReadTimeoutMs: number;
  readonly raftWriteTimeoutMs: number;

  readonly autoCompactionMode: 'periodic' | 'revision';
  /** As given: `checkStartup` has found it readable. */
  readonly autoCompactionRetention: string;
  readonly compactionBatchLimit: number;
  readonly compactionSleepIntervalMs: number;
  readonly watchProgressNotifyIntervalMs: number;
  readonly downgradeCheckTimeMs: number;
  readonly warningApplyDurationMs: number;

  readonly clientTls: TlsConfig;
  readonly peerTls: TlsConfig;
  readonly selfSignedCertValidityYears: number;
  readonly cors: readonly string[];
  readonly hostWhitelist: readonly string[];

  readonly authToken: string;
  readonly bcryptCost: number;
  readonly authTokenTtlSeconds: number;

  readonly metrics: 'basic' | 'extensive';
  readonly log: LogConfig;
}

/** What of the machine the defaults depend on. */
export interface HostFacts {
  /** An address under which others reach this machine; undefined when there is none. */
  readonly mainAddress?: string;
}

/**
 * Turns the flags' values into the configuration and fills in what follows from other values.
 *
 * @param source `flags` when listening URLs without advertised ones are a mistake; in a file they are not
 * @param log takes warnings about flags without effect here
 * @throws Error with upstream's text
 */
export function configFromValues(
  values: FlagValues,
  source: 'flags' | 'file',
  host: HostFacts,
  log: LogRecord[],
): EtcdConfig {
  warnWithoutEffect(values, log);
  const name = values.string('name');
  const urls = resolveUrls(values, source, host);
  return {
    ...urls,
    name,
    ...memberSettings(values),
    ...apiSettings(values),
    dataDir: values.string('data-dir') || `${name}.etcd`,
    initialCluster: initialClusterOf(values, urls.advertisePeerUrls),
    clientTls: tlsConfig(values, 'client'),
    peerTls: tlsConfig(values, 'peer'),
    log: logConfig(values),
  };
}

function memberSettings(values: FlagValues) {
  return {
    walDir: values.string('wal-dir'),
    snapshotCount: values.number('snapshot-count'),
    snapshotCatchUpEntries: values.number('experimental-snapshot-catchup-entries'),
    maxSnapshotFiles: values.number('max-snapshots'),
    maxWalFiles: values.number('max-wals'),
    heartbeatIntervalMs: values.number('heartbeat-interval'),
    electionTimeoutMs: values.number('election-timeout'),
    initialElectionTickAdvance: values.boolean('initial-election-tick-advance'),
    preVote: values.boolean('pre-vote'),
    strictReconfigCheck: values.boolean('strict-reconfig-check'),
    initialClusterState: values.string('initial-cluster-state') as 'new' | 'existing',
    initialClusterToken: values.string('initial-cluster-token'),
    forceNewCluster: values.boolean('force-new-cluster'),
    quotaBackendBytes: values.number('quota-backend-bytes'),
    backendBatchIntervalMs: values.number('backend-batch-interval') || 100,
    backendBatchLimit: values.number('backend-batch-limit') || 10_000,
    unsafeNoFsync: values.boolean('unsafe-no-fsync'),
    bootstrapDefragThresholdMegabytes: values.number('experimental-bootstrap-defrag-threshold-megabytes'),
    initialCorruptCheck: values.boolean('experimental-initial-corrupt-check'),
    corruptCheckTimeMs: values.number('experimental-corrupt-check-time'),
    compactHashCheckTimeMs: values.boolean('experimental-compact-hash-check-enabled')
      ? values.number('experimental-compact-hash-check-time')
      : 0,
    // Upstream lifts shorter ones to the minimum, because streams send a heartbeat that often.
    raftReadTimeoutMs: Math.max(5_000, values.number('raft-read-timeout')),
    raftWriteTimeoutMs: Math.max(5_000, values.number('raft-write-timeout')),
    autoCompactionMode: values.string('auto-compaction-mode') as 'periodic' | 'revision',
    autoCompactionRetention: values.string('auto-compaction-retention'),
    compactionBatchLimit: values.number('experimental-compaction-batch-limit'),
    compactionSleepIntervalMs: values.number('experimental-compaction-sleep-interval'),
    watchProgressNotifyIntervalMs: values.number('experimental-watch-progress-notify-interval'),
    downgradeCheckTimeMs: values.number('experimental-downgrade-check-time'),
    warningApplyDurationMs: values.number('experimental-warning-apply-duration'),
  };
}

function apiSettings(values: FlagValues) {
  return {
    socketReusePort: values.boolean('socket-reuse-port'),
    maxTxnOps: values.number('max-txn-ops'),
    leaseCheckpoint: values.boolean('experimental-enable-lease-checkpoint'),
    leaseCheckpointPersist: values.boolean('experimental-enable-lease-checkpoint-persist'),
    maxRequestBytes: values.number('max-request-bytes'),
    // 0 is no limit to upstream's library.
    maxConcurrentStreams: values.number('max-concurrent-streams') || 0xffffffff,
    keepalive: {
      minTimeMs: values.number('grpc-keepalive-min-time'),
      intervalMs: values.number('grpc-keepalive-interval'),
      timeoutMs: values.number('grpc-keepalive-timeout'),
    },
    enableGrpcGateway: values.boolean('enable-grpc-gateway'),
    selfSignedCertValidityYears: values.number('self-signed-cert-validity'),
    cors: values.list('cors'),
    hostWhitelist: values.list('host-whitelist'),
    authToken: values.string('auth-token'),
    bcryptCost: values.number('bcrypt-cost'),
    authTokenTtlSeconds: values.number('auth-token-ttl'),
    metrics: values.string('metrics') === 'extensive' ? ('extensive' as const) : ('basic' as const),
  };
}

function warnWithoutEffect(values: FlagValues, log: LogRecord[]): void {
  for (const flag of flagTable) {
    if (!values.isSet(flag.name) || values.value(flag.name) === flag.default) continue;
    if (flag.type === 'ignored') {
      log.push(warning('flag is no longer supported; ignored', { flag: `--${flag.name}` }));
    } else if (flag.effect === 'inert') {
      log.push(warning('flag has no effect in this server', { flag: `--${flag.name}`, reason: flag.reason }));
    } else if (flag.effect === 'refused') {
      throw new Error(`--${flag.name} is not supported by this server: ${flag.reason}`);
    }
  }
}

function warning(msg: string, fields: Record<string, unknown>): LogRecord {
  return { level: 'warn', caller: 'etcd/config', msg, fields };
}

function resolveUrls(values: FlagValues, source: 'flags' | 'file', host: HostFacts) {
  const urls = (flag: string): EtcdUrl[] => parseListOrDefault(values, flag);
  const listenPeerUrls = urls('listen-peer-urls');
  const listenClientUrls = urls('listen-client-urls');
  const unsetAdvertise =
    source === 'flags' && values.isSet('listen-client-urls') && !values.isSet('advertise-client-urls');
  return {
    listenPeerUrls,
    listenClientUrls,
    listenClientHttpUrls: urls('listen-client-http-urls'),
    listenMetricsUrls: urls('listen-metrics-urls'),
    advertisePeerUrls: reachable(urls('initial-advertise-peer-urls'), 'http://localhost:2380', listenPeerUrls, host),
    advertiseClientUrls: unsetAdvertise
      ? []
      : reachable(urls('advertise-client-urls'), 'http://localhost:2379', listenClientUrls, host),
  };
}

/** An empty value is as good as none. */
function parseListOrDefault(values: FlagValues, flag: string): EtcdUrl[] {
  const given = values.list(flag);
  const texts = given.length > 0 ? given : (flagTable.find(({ name }) => name === flag)?.default as string[]);
  return texts.length === 0 ? [] : parseUrls(texts.join(','));
}

/** The advertised default, localhost, is no use when all addresses are listened on: then the machine's own is taken. */
function reachable(
  advertised: readonly EtcdUrl[],
  byDefault: string,
  listened: readonly EtcdUrl[],
  { mainAddress }: HostFacts,
): readonly EtcdUrl[] {
  const first = listened[0];
  if (mainAddress === undefined || joinUrls(advertised) !== byDefault || first?.hostname !== '0.0.0.0') {
    return advertised;
  }
  const address = isIP(mainAddress) === 6 ? `[${mainAddress}]` : mainAddress;
  return parseUrls(`http://${address}:${first.port}`);
}

/** Follows the member's name when that is not the default; otherwise it is what the flag says. */
function initialClusterOf(values: FlagValues, advertisePeerUrls: readonly EtcdUrl[]): string {
  const given = values.string('initial-cluster');
  const name = values.string('name');
  if (values.isSet('initial-cluster') || name === 'default') return given;
  return advertisePeerUrls.map((url) => `${name}=${url.href}`).join(',');
}

function tlsConfig(values: FlagValues, side: 'client' | 'peer'): TlsConfig {
  const prefix = side === 'peer' ? 'peer-' : '';
  return {
    certFile: values.string(`${prefix}cert-file`),
    keyFile: values.string(`${prefix}key-file`),
    clientCertFile: values.string(`${prefix}client-cert-file`),
    clientKeyFile: values.string(`${prefix}client-key-file`),
    trustedCaFile: values.string(`${prefix}trusted-ca-file`),
    crlFile: values.string(`${side}-crl-file`),
    clientCertAuth: values.boolean(`${prefix}client-cert-auth`),
    autoTls: values.boolean(`${prefix}auto-tls`),
    allowedCns: side === 'peer' ? values.list('peer-cert-allowed-cn') : [],
    allowedHostnames: values.list(`${side}-cert-allowed-hostname`),
    skipClientSanVerification: side === 'client' || values.boolean('experimental-peer-skip-client-san-verification'),
    cipherSuites: values.list('cipher-suites'),
    minVersion: values.string('tls-min-version') || 'TLS1.2',
    maxVersion: values.string('tls-max-version'),
  };
}
