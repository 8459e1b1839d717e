/**
 * Every flag of etcd 3.5 (contract: api.md §5.2): what it is called, of what type it is, what it is without being
 * given, where it stands in the configuration file and whether this server acts on it. The help text, the parser, the
 * environment and the configuration file all read this table.
 */
import type { FlagType, FlagValue } from './flag-types.ts';

/**
 * `used`: the server acts on it. `inert`: nothing here for it to act on; giving another value than the default is
 * answered with a warning that says why. `refused`: leaving it out would endanger data or security, so giving it stops
 * the start.
 */
export type FlagEffect = 'used' | 'inert' | 'refused';

export interface FlagSpec {
  readonly name: string;
  readonly type: FlagType;
  readonly default: FlagValue;
  readonly group: string;
  readonly help: string;
  readonly effect: FlagEffect;
  /** Path in the configuration file, dots between levels; empty when it has none there. */
  readonly yaml: string;
  readonly choices?: readonly string[];
  /** Why an inert or refused flag does nothing here. */
  readonly reason?: string;
}

type Row = Partial<Pick<FlagSpec, 'effect' | 'yaml' | 'choices' | 'reason'>>;

function group(name: string, rows: [string, FlagType, FlagValue, string, Row?][]): FlagSpec[] {
  return rows.map(([flag, type, value, help, row = {}]) => ({
    ...{ name: flag, type, default: value, group: name, help, effect: 'used', yaml: flag },
    ...row,
  }));
}

function inert(reason: string, row: Row = {}): Row {
  return { ...row, effect: 'inert', reason };
}

const freelist = 'free pages are always tracked in memory and written in the one format of the file';
const noSockets = 'Node sets SO_REUSEADDR itself';
const noTracing = 'there is no tracing exporter';
const noV2 = 'the v2 API was removed upstream after 3.5 and is not served here';
const noProxy = 'the v2 proxy is not part of this server';
const noDiscovery = 'discovery services are not asked; give --initial-cluster';

const tls = (key: string): Row => ({ yaml: `client-transport-security.${key}` });
const peerTls = (key: string): Row => ({ yaml: `peer-transport-security.${key}` });
/** Upstream's configuration files have no key for these; its decoder finds them under the names of its own structures. */
const crl = (side: 'Client' | 'Peer'): Row => ({ yaml: `${side}TLSInfo.CRLFile` });
const noYaml: Row = { yaml: '' };

const member = group('Member', [
  ['name', 'string', 'default', 'Human-readable name for this member.'],
  ['data-dir', 'string', '', 'Path to the data directory; NAME.etcd when empty.'],
  ['wal-dir', 'string', '', 'Path to the dedicated wal directory.'],
  ['snapshot-count', 'uint64', 100000, 'Number of committed transactions to trigger a snapshot to disk.'],
  ['heartbeat-interval', 'uint', 100, 'Time (in milliseconds) of a heartbeat interval.'],
  ['election-timeout', 'uint', 1000, 'Time (in milliseconds) for an election to timeout.'],
  ['initial-election-tick-advance', 'bool', true, 'Whether to fast-forward initial election ticks on boot.'],
  ['listen-peer-urls', 'urls', ['http://localhost:2380'], 'List of URLs to listen on for peer traffic.'],
  [
    'listen-client-urls',
    'urls',
    ['http://localhost:2379'],
    'List of URLs to listen on for client traffic: gRPC, and HTTP unless --listen-client-http-urls is given.',
  ],
  ['listen-client-http-urls', 'urls', [], 'List of URLs for HTTP-only client traffic; takes HTTP off the client URLs.'],
  ['max-snapshots', 'uint', 5, 'Maximum number of snapshot files to retain (0 is unlimited).'],
  ['max-wals', 'uint', 5, 'Maximum number of wal files to retain (0 is unlimited).'],
  ['quota-backend-bytes', 'int64', 0, 'Size of the database (bytes) that raises the space alarm (0 is 2GiB, <0 off).'],
  ['backend-bbolt-freelist-type', 'string', 'map', 'Type of freelist of the backend (array or map).', inert(freelist)],
  ['backend-batch-interval', 'duration', 0, 'Maximum time before the backend transaction is committed (0 is 100ms).'],
  ['backend-batch-limit', 'int', 0, 'Maximum operations before the backend transaction is committed (0 is 10000).'],
  ['max-txn-ops', 'uint', 128, 'Maximum number of operations permitted in a transaction.'],
  ['max-request-bytes', 'uint', 1572864, 'Maximum client request size in bytes the server will accept.'],
  ['max-concurrent-streams', 'uint32', 4294967295, 'Maximum concurrent streams that each client can open at a time.'],
  ['enable-grpc-gateway', 'bool', true, 'Enable the JSON gateway.'],
  ['grpc-keepalive-min-time', 'duration', 5000, 'Minimum interval that a client should wait before pinging.', noYaml],
  ['grpc-keepalive-interval', 'duration', 7200000, 'Interval of server-to-client pings (0 to disable).', noYaml],
  ['grpc-keepalive-timeout', 'duration', 20000, 'Wait before closing a non-responsive connection.', noYaml],
  ['socket-reuse-port', 'bool', false, 'Set SO_REUSEPORT on listeners.', { yaml: 'socket-options.reuse-port' }],
  [
    'socket-reuse-address',
    'bool',
    false,
    'Set SO_REUSEADDR on listeners.',
    inert(noSockets, { yaml: 'socket-options.reuse-address' }),
  ],
  ['raft-read-timeout', 'duration', 5000, 'Read timeout of each peer connection.', noYaml],
  ['raft-write-timeout', 'duration', 5000, 'Write timeout of each peer connection.', noYaml],
]);

const clustering = group('Clustering', [
  ['initial-advertise-peer-urls', 'urls', ['http://localhost:2380'], "This member's peer URLs, for the cluster."],
  ['initial-cluster', 'string', 'default=http://localhost:2380', 'Initial cluster configuration for bootstrapping.'],
  [
    'initial-cluster-state',
    'string',
    'new',
    "'new' when bootstrapping a cluster, 'existing' when joining one.",
    { choices: ['new', 'existing'] },
  ],
  ['initial-cluster-token', 'string', 'etcd-cluster', 'Token that keeps clusters of the same addresses apart.'],
  ['advertise-client-urls', 'urls', ['http://localhost:2379'], "This member's client URLs, for the public."],
  [
    'discovery',
    'string',
    '',
    'Discovery URL used to bootstrap the cluster.',
    { effect: 'refused', reason: noDiscovery },
  ],
  [
    'discovery-fallback',
    'string',
    'proxy',
    "Expected behavior ('exit' or 'proxy') when discovery fails.",
    inert(noDiscovery, { choices: ['exit', 'proxy'] }),
  ],
  ['discovery-proxy', 'string', '', 'HTTP proxy for the discovery service.', inert(noDiscovery)],
  [
    'discovery-srv',
    'string',
    '',
    'DNS srv domain used to bootstrap the cluster.',
    { effect: 'refused', reason: noDiscovery },
  ],
  ['discovery-srv-name', 'string', '', 'Suffix to the dns srv name queried when bootstrapping.', inert(noDiscovery)],
  ['strict-reconfig-check', 'bool', true, 'Reject reconfiguration requests that would cause quorum loss.'],
  ['pre-vote', 'bool', true, 'Run an additional Raft election phase.'],
  ['auto-compaction-retention', 'string', '0', 'Auto compaction retention length. 0 means disabled.'],
  [
    'auto-compaction-mode',
    'string',
    'periodic',
    "Read the retention as 'periodic' (hours or a duration) or 'revision'.",
  ],
  ['enable-v2', 'bool', false, 'Accept etcd V2 client requests.', inert(noV2)],
  [
    'v2-deprecation',
    'string',
    'not-yet',
    'Phase of v2store deprecation.',
    inert(noV2, { choices: ['not-yet', 'write-only', 'write-only-drop-data', 'gone'] }),
  ],
]);

const security = group('Security', [
  ['cert-file', 'string', '', 'Path to the client server TLS cert file.', tls('cert-file')],
  ['key-file', 'string', '', 'Path to the client server TLS key file.', tls('key-file')],
  ['client-cert-auth', 'bool', false, 'Demand client certificates.', tls('client-cert-auth')],
  ['client-cert-file', 'string', '', 'Cert file for calls to itself.', tls('client-cert-file')],
  ['client-key-file', 'string', '', 'Key file for calls to itself.', tls('client-key-file')],
  ['client-crl-file', 'string', '', 'Path to the client certificate revocation list file.', crl('Client')],
  ['client-cert-allowed-hostname', 'strings', [], 'SAN hostnames allowed for clients.', tls('allowed-hostname')],
  ['trusted-ca-file', 'string', '', 'Path to the client server TLS trusted CA cert file.', tls('trusted-ca-file')],
  ['auto-tls', 'bool', false, 'Client TLS using generated certificates.', tls('auto-tls')],
  ['peer-cert-file', 'string', '', 'Path to the peer server TLS cert file.', peerTls('cert-file')],
  ['peer-key-file', 'string', '', 'Path to the peer server TLS key file.', peerTls('key-file')],
  ['peer-client-cert-auth', 'bool', false, 'Demand certificates of peers.', peerTls('client-cert-auth')],
  ['peer-trusted-ca-file', 'string', '', 'Path to the peer server TLS trusted CA file.', peerTls('trusted-ca-file')],
  ['peer-cert-allowed-cn', 'strings', [], 'CNs allowed for peers.', peerTls('allowed-cn')],
  ['peer-cert-allowed-hostname', 'strings', [], 'SAN hostnames allowed for peers.', peerTls('allowed-hostname')],
  ['peer-auto-tls', 'bool', false, 'Peer TLS using generated certificates.', peerTls('auto-tls')],
  ['peer-client-cert-file', 'string', '', 'Cert file for calls to peers.', peerTls('client-cert-file')],
  ['peer-client-key-file', 'string', '', 'Key file for calls to peers.', peerTls('client-key-file')],
  ['self-signed-cert-validity', 'uint', 1, 'Validity of generated certificates, in years.'],
  ['peer-crl-file', 'string', '', 'Path to the peer certificate revocation list file.', crl('Peer')],
  ['cipher-suites', 'strings', [], 'Supported TLS cipher suites, by their Go names.'],
  ['cors', 'origins', ['*'], 'Origins for CORS (empty or * means all).'],
  ['host-whitelist', 'strings', ['*'], 'Hostnames accepted from HTTP clients, if the server is not secure.'],
  ['tls-min-version', 'string', 'TLS1.2', 'Minimum TLS version: TLS1.2 or TLS1.3.'],
  ['tls-max-version', 'string', '', 'Maximum TLS version: TLS1.2 or TLS1.3 (empty is the highest).'],
]);

const auth = group('Auth', [
  ['auth-token', 'string', 'simple', "Token type and its options ('simple' or 'jwt,...')."],
  ['bcrypt-cost', 'uint', 10, 'Cost of the bcrypt algorithm for passwords, 4 to 31.'],
  ['auth-token-ttl', 'uint', 300, 'Life of a simple token, in seconds.'],
]);

const profiling = group('Profiling and Monitoring', [
  ['enable-pprof', 'bool', false, 'Runtime profiling over HTTP.', inert('profiling is done with node --cpu-prof')],
  ['metrics', 'string', 'basic', "'extensive' adds histograms of the gRPC methods."],
  ['listen-metrics-urls', 'urls', [], 'List of URLs for the /metrics and /health endpoints.'],
]);

const logging = group('Logging', [
  ['logger', 'string', 'zap', "Only 'zap', structured logging."],
  ['log-outputs', 'strings', ['default'], 'Output targets: stdout, stderr, or file paths.'],
  ['log-level', 'string', 'info', 'debug, info, warn, error, panic, or fatal.'],
  ['enable-log-rotation', 'bool', false, 'Rotate the one log file.'],
  [
    'log-rotation-config-json',
    'string',
    '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    'When and how to rotate: maxsize (MB), maxage (days), maxbackups.',
  ],
]);

const tracing = group('Experimental distributed tracing', [
  ['experimental-enable-distributed-tracing', 'bool', false, 'Trace requests.', inert(noTracing)],
  ['experimental-distributed-tracing-address', 'string', 'localhost:4317', 'Collector address.', inert(noTracing)],
  ['experimental-distributed-tracing-service-name', 'string', 'etcd', 'Service name.', inert(noTracing)],
  ['experimental-distributed-tracing-instance-id', 'string', '', 'Instance ID.', inert(noTracing)],
  ['experimental-distributed-tracing-sampling-rate', 'int', 0, 'Samples per million spans.', inert(noTracing)],
]);

const proxy = group('v2 Proxy', [
  [
    'proxy',
    'string',
    'off',
    "Proxy mode ('off', 'readonly' or 'on').",
    { choices: ['off', 'readonly', 'on'], effect: 'refused', reason: noProxy },
  ],
  ['proxy-failure-wait', 'uint', 5000, 'Milliseconds an endpoint stays failed.', inert(noProxy)],
  ['proxy-refresh-interval', 'uint', 30000, 'Milliseconds between refreshes.', inert(noProxy)],
  ['proxy-dial-timeout', 'uint', 1000, 'Milliseconds for a dial.', inert(noProxy)],
  ['proxy-write-timeout', 'uint', 5000, 'Milliseconds for a write.', inert(noProxy)],
  ['proxy-read-timeout', 'uint', 0, 'Milliseconds for a read.', inert(noProxy)],
]);

const experimental = group('Experimental feature', [
  ['experimental-initial-corrupt-check', 'bool', false, 'Check data before serving any traffic.'],
  ['experimental-corrupt-check-time', 'duration', 0, 'Time between corruption checks.'],
  ['experimental-compact-hash-check-enabled', 'bool', false, 'Compare compaction hashes.'],
  ['experimental-compact-hash-check-time', 'duration', 60000, 'Time between comparisons.'],
  ['experimental-enable-v2v3', 'string', '', 'Serve v2 requests through v3.', inert(noV2)],
  ['experimental-enable-lease-checkpoint', 'bool', false, 'Log the remaining TTLs of leases, for a new leader.'],
  ['experimental-enable-lease-checkpoint-persist', 'bool', false, 'Also store the remaining TTLs of leases.'],
  ['experimental-compaction-batch-limit', 'int', 1000, 'Revisions deleted in each compaction batch.'],
  ['experimental-compaction-sleep-interval', 'duration', 10, 'Pause between compaction batches.'],
  [
    'experimental-peer-skip-client-san-verification',
    'bool',
    false,
    'Do not check SANs of peers.',
    peerTls('skip-client-san-verification'),
  ],
  ['experimental-watch-progress-notify-interval', 'duration', 600000, 'Interval of watch progress notifications.'],
  ['experimental-downgrade-check-time', 'duration', 5000, 'Time between two downgrade status checks.'],
  ['experimental-memory-mlock', 'bool', false, 'Keep pages in RAM.', inert('Node cannot lock memory')],
  ['experimental-warning-apply-duration', 'duration', 100, 'Warn about applies that take longer.'],
  [
    'experimental-txn-mode-write-with-shared-buffer',
    'bool',
    true,
    'Let write transactions share a buffer for their checks.',
    inert('reads always see the writes before them'),
  ],
  ['experimental-bootstrap-defrag-threshold-megabytes', 'uint', 0, 'Defragment at start if it frees this much.'],
  [
    'experimental-stop-grpc-service-on-defrag',
    'bool',
    false,
    'Answer not serving while defragmenting.',
    inert('requests are answered while the database is defragmented'),
  ],
  ['experimental-snapshot-catchup-entries', 'uint64', 5000, 'Entries kept for slow followers after a snapshot.'],
]);

const unsafe = group('Unsafe feature', [
  ['force-new-cluster', 'bool', false, 'Force to create a new one-member cluster.'],
  ['unsafe-no-fsync', 'bool', false, 'Disables fsync, unsafe, will cause data loss.'],
]);

const process = group('', [
  ['version', 'bool', false, 'Print the version and exit.', noYaml],
  ['config-file', 'string', '', 'Path to the server configuration file.', noYaml],
]);

/** Names that etcd dropped long ago and still accepts. */
const ignoredNames = [
  ...['cluster-active-size', 'cluster-remove-delay', 'cluster-sync-interval', 'config', 'force', 'max-result-buffer'],
  ...[
    'max-retry-attempts',
    'peer-heartbeat-interval',
    'peer-election-timeout',
    'retry-interval',
    'snapshot',
    'v',
    'vv',
  ],
];

/** All flags, in the order of the help text. */
export const flagTable: readonly FlagSpec[] = [
  ...[member, clustering, security, auth, profiling, logging, tracing, proxy, experimental, unsafe, process].flat(),
  ...group(
    '',
    ignoredNames.map((name) => [name, 'ignored', '', '', noYaml]),
  ),
];

export const flagsByName: ReadonlyMap<string, FlagSpec> = new Map(flagTable.map((flag) => [flag.name, flag]));
