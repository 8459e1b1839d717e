import { describe, expect, test } from 'vitest';
import { type CommandLine, type CommandLineSystem, readCommandLine } from './command-line.ts';
import type { EtcdConfig } from './config.ts';
import { autoCompactionRetention, checkStartup, initialClusterOf } from './validate.ts';

const noFile = (): string => {
  throw Object.assign(new Error('not there'), { code: 'ENOENT' });
};
const system: CommandLineSystem = {
  ...{ environment: {}, readFile: noFile, host: {}, runtime: 'node v26', platform: 'linux/x64' },
};

function read(args: string[], overrides: Partial<CommandLineSystem> = {}): CommandLine {
  return readCommandLine(args, { ...system, ...overrides });
}

function config(args: string[], overrides: Partial<CommandLineSystem> = {}): EtcdConfig {
  const result = read(args, overrides);
  if (result.kind !== 'start') throw new Error(`refused: ${result.stderr} ${errorOf(result)}`);
  return result.config;
}

function errorOf(result: CommandLine): unknown {
  const error = result.log.at(-1)?.fields?.error;
  return error instanceof Error ? error.message : error;
}

describe('without arguments', () => {
  test('the configuration is upstream’s default', () => {
    expect(config([])).toMatchObject({
      name: 'default',
      dataDir: 'default.etcd',
      initialCluster: 'default=http://localhost:2380',
      snapshotCount: 100_000,
      maxRequestBytes: 1_572_864,
      backendBatchIntervalMs: 100,
      backendBatchLimit: 10_000,
      keepalive: { minTimeMs: 5_000, intervalMs: 7_200_000, timeoutMs: 20_000 },
      log: { level: 'info', outputs: ['stderr'] },
    });
  });
});

describe('what follows from other values', () => {
  test('data directory and initial cluster take the member’s name', () => {
    const { dataDir, initialCluster } = config([
      ...['--name=m1', '--initial-advertise-peer-urls=http://10.0.0.1:2380,http://10.0.0.2:2380'],
    ]);
    expect([dataDir, initialCluster]).toEqual(['m1.etcd', 'm1=http://10.0.0.1:2380,m1=http://10.0.0.2:2380']);
  });

  test('the initial cluster of a member without a name stays what it is', () => {
    expect(config(['--initial-advertise-peer-urls=http://10.0.0.1:1']).initialCluster).toBe(
      'default=http://localhost:2380',
    );
  });

  test('listening on 0.0.0.0 advertises the machine’s address', () => {
    const { advertisePeerUrls, initialCluster } = config(['--name=m1', '--listen-peer-urls=http://0.0.0.0:2390'], {
      host: { mainAddress: '192.0.2.7' },
    });
    expect(advertisePeerUrls.map((url) => url.href)).toEqual(['http://192.0.2.7:2390']);
    expect(initialCluster).toBe('m1=http://192.0.2.7:2390');
  });
});

describe('ends at once', () => {
  test('--version prints four lines and exits 0', () => {
    const result = read(['--version']);
    expect(result).toMatchObject({ kind: 'exit', exitCode: 0, stderr: '' });
    expect((result as { stdout: string }).stdout.split('\n')).toEqual([
      'etcd Version: 3.5.30',
      'Git SHA: etcdlab',
      'Go Version: node v26',
      'Go OS/Arch: linux/x64',
      '',
    ]);
  });

  test('-h prints the usage on stderr, the flags on stdout, and exits 0', () => {
    const result = read(['-h']) as { exitCode: number; stdout: string; stderr: string };
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/^Usage:\n\n {2}etcd \[flags\]/);
    expect(result.stdout).toContain("--listen-client-urls 'http://localhost:2379'");
  });

  test('an unknown flag exits 2 with usage', () => {
    const result = read(['--foo']) as { exitCode: number; stderr: string };
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/^flag provided but not defined: -foo\nUsage:\n/);
  });

  test.each(['gateway', 'grpc-proxy'])('upstream’s command %s is refused with a way out', (word) => {
    const result = read([word, 'start']);
    expect(result).toMatchObject({ kind: 'exit', exitCode: 1 });
    expect(errorOf(result)).toMatch(/is not a valid flag; 'etcd .*' is not part of this server/);
  });

  test('a stray argument exits 1, also beside --version', () => {
    for (const args of [['stray'], ['--version=true', 'stray']]) {
      const result = read(args);
      expect(result).toMatchObject({ kind: 'exit', exitCode: 1 });
      expect(result.log.at(-1)?.msg).toBe('failed to verify flags');
      expect(errorOf(result)).toBe("'stray' is not a valid flag");
    }
  });

  test('an unknown log level exits 2', () => {
    expect(read(['--log-level=foo'])).toMatchObject({ exitCode: 2, stderr: 'panic: unrecognized level: "foo"\n' });
  });

  test('a variable that a flag shadows exits 1 with a fatal line', () => {
    const result = read(['--name=a'], { environment: { ETCD_NAME: 'a' } });
    expect(result).toMatchObject({ exitCode: 1 });
    expect(result.log.at(-1)).toMatchObject({ level: 'fatal', fields: { 'environment-variable': 'ETCD_NAME' } });
  });
});

describe('with a configuration file', () => {
  const file = (text: string) => ({ readFile: () => text });

  test('flags and environment do not count', () => {
    const environment = { ETCD_NAME: 'from-environment', ETCD_MAX_TXN_OPS: '7' };
    const { name, maxTxnOps } = config(['--config-file=c.yml', '--name=from-flag'], {
      ...file('name: from-file'),
      environment,
    });
    expect([name, maxTxnOps]).toEqual(['from-file', 128]);
  });

  test('the environment may name it', () => {
    expect(config([], { ...file('name: a'), environment: { ETCD_CONFIG_FILE: 'c.yml' } }).name).toBe('a');
  });

  test('TLS stands in maps', () => {
    const { clientTls, peerTls } = config(['--config-file=c.yml'], {
      ...file(
        'client-transport-security: {cert-file: c, client-cert-auth: true}\npeer-transport-security: {key-file: k}',
      ),
    });
    expect([clientTls.certFile, clientTls.clientCertAuth, peerTls.keyFile]).toEqual(['c', true, 'k']);
  });

  test('revocation lists stand where upstream finds them, under the names of its structures', () => {
    const { clientTls, peerTls } = config(
      ['--config-file=c.yml'],
      file('ClientTLSInfo: {CRLFile: c.crl}\nPeerTLSInfo: {CRLFile: p.crl}'),
    );
    expect([clientTls.crlFile, peerTls.crlFile]).toEqual(['c.crl', 'p.crl']);
  });

  test('listening without advertising is no mistake there', () => {
    const { advertiseClientUrls } = config(['--config-file=c.yml'], file('listen-client-urls: http://127.0.0.1:1'));
    expect(advertiseClientUrls.map((url) => url.href)).toEqual(['http://localhost:2379']);
  });

  test('that is not there is refused by name', () => {
    const result = read(['--config-file=nope.yml']);
    expect(result).toMatchObject({ exitCode: 1 });
    expect(errorOf(result)).toBe('open nope.yml: no such file or directory');
  });
});

describe('refuses with exit code 1', () => {
  test.each([
    [
      ['--listen-client-urls=http://127.0.0.1:1'],
      '--advertise-client-urls is required when --listen-client-urls is set explicitly',
    ],
    [['--listen-peer-urls=http://foo:1'], 'expected IP in URL for binding (http://foo:1)'],
    [['--listen-metrics-urls=http://foo:1'], 'expected IP in URL for binding (http://foo:1)'],
    [
      ['--heartbeat-interval=300'],
      '--election-timeout[1000ms] should be at least as 5 times as --heartbeat-interval[300ms]',
    ],
    [['--election-timeout=60000'], '--election-timeout[60000ms] is too long, and should be set less than 50000ms'],
    [['--election-timeout=0'], '--election-timeout must be >0 (set to 0ms)'],
    [['--heartbeat-interval=0'], '--heartbeat-interval must be >0 (set to 0ms)'],
    [['--auto-compaction-mode=foo'], 'unknown auto-compaction-mode "foo"'],
    [['--tls-min-version=TLS1.4'], 'unexpected TLS version "TLS1.4" (must be one of: TLS1.2, TLS1.3)'],
    [['--tls-max-version=TLS1.0'], 'unexpected TLS version "TLS1.0" (must be one of: TLS1.2, TLS1.3)'],
    [
      ['--tls-min-version=TLS1.3', '--tls-max-version=TLS1.2'],
      'min version (TLS1.3) is greater than max version (TLS1.2)',
    ],
    [
      ['--tls-min-version=TLS1.3', '--cipher-suites=X'],
      'cipher suites cannot be configured when only TLS1.3 is enabled',
    ],
    [['--logger=capnslog'], '--logger=capnslog is removed in v3.5'],
    [['--log-outputs=default,stderr'], 'multi logoutput for "default" is not supported yet'],
    [['--enable-log-rotation'], '--log-outputs requires a single file path when --log-rotate-config-json is defined'],
    [['--experimental-compact-hash-check-time=0s'], '--experimental-compact-hash-check-time must be >0 (set to 0s)'],
    [
      ['--experimental-enable-lease-checkpoint-persist'],
      'setting experimental-enable-lease-checkpoint-persist requires experimental-enable-lease-checkpoint',
    ],
    [['--discovery=http://x'], expect.stringContaining('--discovery is not supported by this server')],
    [['--proxy=on'], expect.stringContaining('--proxy is not supported by this server')],
  ])('%j', (args, message) => {
    const result = read(args);
    expect(result).toMatchObject({ kind: 'exit', exitCode: 1 });
    expect(errorOf(result)).toEqual(message);
  });
});

test('flags that have nothing to act on here are accepted with a warning', () => {
  const { kind, log } = read(['--enable-v2', '--force', '--backend-bbolt-freelist-type=map']);
  expect(kind).toBe('start');
  expect(log.map(({ level, fields }) => [level, fields?.flag])).toEqual([
    ['warn', '--enable-v2'],
    ['warn', '--force'],
  ]);
});

describe('at start', () => {
  const https = ['--listen-client-urls=https://127.0.0.1:1', '--advertise-client-urls=https://127.0.0.1:1'];

  test.each([
    [['--cipher-suites=FOO'], 'unexpected TLS cipher suite "FOO"'],
    [
      https,
      'TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1 with HTTPS scheme',
    ],
    [
      ['--listen-peer-urls=https://127.0.0.1:1'],
      'cannot listen on TLS for 127.0.0.1:1: KeyFile and CertFile are not presented',
    ],
    [['--auto-compaction-retention=foo'], 'error parsing CompactionRetention: time: invalid duration "foo"'],
    [
      ['--listen-client-http-urls=http://localhost:2379'],
      'cannot bind both --client-listen-urls and --client-listen-http-urls on the same url http://localhost:2379',
    ],
  ])('%j is refused', (args, message) => {
    expect(() => checkStartup(config(args))).toThrow(new Error(message));
  });

  test.each([
    [[], 0],
    [['--auto-compaction-retention=2'], 7_200_000],
    [['--auto-compaction-retention=90s'], 90_000],
    [['--auto-compaction-mode=revision', '--auto-compaction-retention=1000'], 1000],
  ])('the compaction retention of %j is %d', (args, retention) => {
    expect(autoCompactionRetention(config(args))).toBe(retention);
  });
});

describe('the initial cluster', () => {
  test('is read into names and URLs', () => {
    const members = initialClusterOf(config(['--initial-cluster=a=http://10.0.0.1:1,b=http://10.0.0.2:1']));
    expect([...members]).toEqual([
      ['a', ['http://10.0.0.1:1']],
      ['b', ['http://10.0.0.2:1']],
    ]);
  });

  test.each(['garbage', 'a=foo'])('is refused when it is %s', (cluster) => {
    expect(() => initialClusterOf(config([`--initial-cluster=${cluster}`]))).toThrow(
      /^error setting up initial cluster: URL scheme must be http, https, unix, or unixs: /,
    );
  });
});
