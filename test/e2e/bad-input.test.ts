/** Bad input: one clear error, an exit code other than 0, nothing touched, and no stack trace on the screen. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority, issue, PkiStore, type Sources, systemSources } from '../../pki/mod.ts';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { listing, TestLab } from '../support/test-lab.ts';

/** Authorities are valid from a few minutes before they are made; in between, one can issue what has expired already. */
const aMinuteAgo: Sources = { ...systemSources, now: () => new Date(Date.now() - 60_000) };
const shortMs = 1000;

/** What a user must never be shown. */
const stackTrace = /^\s+at .+:\d+:\d+|"stacktrace"|node:internal/m;

/** Somebody else's program on a port of this machine. */
async function occupyPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, free: () => server.close() };
}

describe('etcdlab without a lab', () => {
  let lab: TestLab;
  beforeEach(async () => {
    lab = await TestLab.create();
  });
  afterEach(() => rmSync(lab.folder, { recursive: true, force: true }));

  /** Runs what must be refused: one error on stderr, and the folder as it was. */
  async function refused(...args: string[]) {
    const before = listing(lab.folder);
    const { exitCode, stdout, stderr } = await lab.run(...args);
    expect(listing(lab.folder)).toEqual(before);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr + stdout).not.toMatch(stackTrace);
    return { exitCode, stderr };
  }

  test.each<[string, string[], number, RegExp]>([
    ['an unknown command', ['upp'], 2, /unknown command 'upp' \(did you mean up\?\)/],
    ['an unknown flag', ['up', '--fast'], 2, /unknown option '--fast'/],
    ['an unknown flag of a drill', ['drill', 'run', 'restore', '--key', '5'], 2, /unknown option '--key'.*--keys/],
    ['a command without its argument', ['drill', 'run'], 2, /name one drill, or give --all/],
    ['a flag without its value', ['up', '--engine'], 2, /'--engine <engine>' argument missing/],
    ['an engine that is not there', ['up', '--engine', 'nowhere'], 3, /nowhere: not there or not executable/],
    ['a description that is not there', ['up', '--file', 'nope.yaml'], 2, /nope\.yaml cannot be read/],
    ['a name that is none', ['up', '--name', 'My Lab'], 2, /--name: name: use lower-case letters/],
    ['a lab that is not there', ['status', '--name', 'other'], 1, /there is no lab 'other'/],
  ])('refuses %s', async (_, args, expectedCode, message) => {
    const { exitCode, stderr } = await refused(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(expectedCode);
  });

  test.each<[string, string, RegExp]>([
    ['YAML that does not end', 'name: test\nnodes: [\n', /lab\.yaml:3:1: /],
    ['a tab where YAML has none', 'name: test\nengine:\n\tkind: built-in\n', /lab\.yaml:3:1: .*[Tt]ab/],
    ['an unknown key', 'name: test\nengin: built-in\n', /lab\.yaml:2:1: unknown key engin\b/],
    ['an unknown key within', 'nodes:\n  - { name: a, port: 5 }\n', /lab\.yaml:2:16: unknown key nodes\.0\.port/],
    [
      'a port that is none',
      'nodes:\n  - { name: a, clientPort: 99999 }\n',
      /lab\.yaml:2:28: nodes\.0\.clientPort: must be 1\.\.65535/,
    ],
    [
      'a name used twice',
      'nodes: [{ name: a }, { name: a }]\n',
      /lab\.yaml:1:30: nodes\.1\.name: a is already used by nodes\.0\.name/,
    ],
    ['an engine that is none', 'engine: rocket\n', /lab\.yaml:1:9: engine/],
    ['a list', '- a\n- b\n', /lab\.yaml:1:1: a lab is described by a mapping/],
  ])('refuses a lab.yaml with %s, by line, column and reason', async (_, text, message) => {
    lab.write('lab.yaml', text);
    const { exitCode, stderr } = await refused('up');
    expect(stderr).toMatch(message);
    expect(stderr).toContain('(LAB_CONFIG)');
    expect(exitCode).toBe(2);
  });

  test('refuses a port in use, and names the process that has it', async () => {
    const { port, free } = await occupyPort();
    try {
      const text = readFileSync(lab.path('lab.yaml'), 'utf8');
      lab.write('lab.yaml', text.replace(/clientPort: \d+/, `clientPort: ${port}`));
      const { exitCode, stderr } = await refused('up');
      expect(stderr).toMatch(
        new RegExp(`127\\.0\\.0\\.1:${port} \\(node1, clients\\): in use by pid ${process.pid}: `),
      );
      expect(stderr).toContain('nothing was changed (LAB_PREFLIGHT)');
      expect(exitCode).toBe(3);
    } finally {
      free();
    }
  });

  test('says the same to programs, as one JSON event', async () => {
    lab.write('lab.yaml', 'nmae: test\n');
    const { exitCode, events, stderr } = await lab.events('up');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(events).toMatchObject([{ event: 'error', code: 'LAB_CONFIG', message: expect.stringContaining(':1:1: ') }]);
  });
});

describe('etcdlab with certificates that are no good', () => {
  let lab: TestLab;
  let store: PkiStore;
  beforeAll(async () => {
    lab = await TestLab.up();
    store = new PkiStore(lab.state('pki'));
  });
  afterAll(() => lab?.close());

  test.each(['missing', 'expired', 'damaged'])(
    'makes a member’s certificate anew that is %s, and says so',
    async (what) => {
      const file = store.certificatePath('server-node2');
      if (what === 'missing') rmSync(file);
      if (what === 'damaged') writeFileSync(file, 'nonsense');
      if (what === 'expired') {
        const authority = await store.load('client-ca');
        const request = {
          profile: 'server',
          commonName: 'node2',
          ipAddresses: ['127.0.0.1'],
          validityMs: shortMs,
        } as const;
        await store.save('server-node2', issue(authority as NonNullable<typeof authority>, request, aMinuteAgo));
      }
      const stdout = await lab.must('up');
      expect(stdout).toMatch(/1 certificates issued; server-node2 /);
      expect(await lab.status()).toMatchObject({ healthy: true });
    },
  );

  test.each(['expired', 'damaged', 'without its key'])(
    'refuses an authority that is %s, and touches nothing',
    async (what) => {
      const names = ['client-ca.pem', 'client-ca-key.pem'];
      const aside = lab.path('aside');
      mkdirSync(aside);
      for (const name of names) copyFileSync(lab.state('pki', name), path.join(aside, name));
      try {
        if (what === 'damaged') writeFileSync(store.certificatePath('client-ca'), 'nonsense');
        if (what === 'without its key') rmSync(lab.state('pki', 'client-ca-key.pem'));
        if (what === 'expired') {
          const expired = createAuthority({ commonName: 'old', validityMs: shortMs }, aMinuteAgo);
          writeFileSync(lab.state('pki', 'client-ca.pem'), expired.certificate);
          writeFileSync(lab.state('pki', 'client-ca-key.pem'), expired.key);
        }
        const before = lab.listing();
        const { exitCode, stderr, stdout } = await lab.run('up');
        expect(lab.listing()).toEqual(before);
        expect(stderr.match(/^error: /gm)).toHaveLength(1);
        expect(stderr).toMatch(/the authority .*client-ca.*/);
        expect(stderr).toContain('nothing was changed (LAB_PREFLIGHT)');
        expect(stderr + stdout).not.toMatch(stackTrace);
        expect(exitCode).toBe(3);
      } finally {
        for (const name of names) copyFileSync(path.join(aside, name), lab.state('pki', name));
        rmSync(aside, { recursive: true });
      }
      // The members have not noticed anything.
      expect(await lab.status()).toMatchObject({ healthy: true });
    },
  );
});

describe('the programs of the server', () => {
  let executables: Executables;
  /** Never started: it lends its folder, ports and certificates. */
  let cluster: TestCluster;
  beforeAll(async () => {
    executables = await ensureBuilt();
  });
  beforeEach(async () => {
    cluster = await TestCluster.create(executables, { members: 1, tls: true });
  });
  afterEach(() => cluster?.close());

  const pki = (name: string): string => path.join(cluster.directory, 'pki', name);
  /** The flags of a member that would start. */
  function memberFlags(change: Record<string, string> = {}): string[] {
    const { name, clientUrl, peerUrl, dataDir } = cluster.member(0);
    const flags = {
      name,
      'data-dir': dataDir,
      'listen-client-urls': clientUrl,
      'advertise-client-urls': clientUrl,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `${name}=${peerUrl}`,
      'trusted-ca-file': pki('client-ca.pem'),
      'cert-file': pki('server.pem'),
      'key-file': pki('server-key.pem'),
      'peer-trusted-ca-file': pki('peer-ca.pem'),
      'peer-cert-file': pki('peer.pem'),
      'peer-key-file': pki('peer-key.pem'),
      ...change,
    };
    return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  }
  async function refused(program: string, args: string[]) {
    const before = listing(cluster.directory);
    const { exitCode, stdout, stderr } = await runCommand(program, args);
    expect(listing(cluster.directory)).toEqual(before);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).not.toMatch(stackTrace);
    return { exitCode, stdout, stderr };
  }

  test.each<[string, () => Record<string, string>, RegExp]>([
    ['an unknown flag', () => ({ 'data-dri': 'x' }), /flag provided but not defined: -data-dri/],
    [
      'a number that is none',
      () => ({ 'heartbeat-interval': 'soon' }),
      /invalid value \\?"soon\\?" for flag -heartbeat-interval/,
    ],
    [
      'an election timeout that is too short',
      () => ({ 'election-timeout': '200' }),
      /--election-timeout\[200ms\] should be at least as 5 times/,
    ],
    ['a URL that is none', () => ({ 'listen-client-urls': 'localhost' }), /localhost/],
    [
      'a cluster without itself',
      () => ({ 'initial-cluster': 'other=https://127.0.0.1:1' }),
      /couldn't find local name|could not find/,
    ],
    ['a certificate that is not there', () => ({ 'cert-file': pki('nope.pem') }), /open .*nope\.pem: no such file/],
    ['a key of another certificate', () => ({ 'key-file': pki('client-key.pem') }), /client-key\.pem/],
    ['an authority that is not there', () => ({ 'trusted-ca-file': pki('nope.pem') }), /nope\.pem/],
    ['a certificate that is none', () => ({ 'peer-cert-file': cluster.member(0).logFile }), /m1\.log/],
    ['a configuration that is not there', () => ({ 'config-file': 'nope.yml' }), /nope\.yml: no such file/],
  ])('etcd refuses %s before it makes anything', async (_, change, message) => {
    writeFileSync(cluster.member(0).logFile, 'not a certificate');
    const { stderr } = await refused(executables.etcd, memberFlags(change()));
    expect(stderr).toMatch(message);
  });

  test('etcd refuses a port in use before it makes anything, and names the port', async () => {
    const { port, free } = await occupyPort();
    try {
      const { stderr } = await refused(
        executables.etcd,
        memberFlags({ 'listen-client-urls': `https://127.0.0.1:${port}` }),
      );
      expect(stderr).toContain(`listen tcp 127.0.0.1:${port}: bind: address already in use`);
    } finally {
      free();
    }
  });

  test('etcd with an expired certificate serves as upstream’s does, warns, and clients are told what is wrong', async () => {
    const store = new PkiStore(path.join(cluster.directory, 'pki'));
    const authority = await store.load('client-ca');
    const request = {
      profile: 'server',
      commonName: 'server',
      ipAddresses: ['127.0.0.1'],
      validityMs: shortMs,
    } as const;
    await store.save('server', issue(authority as NonNullable<typeof authority>, request, aMinuteAgo));
    cluster.launch(0);
    await expect
      .poll(() => cluster.logTail(cluster.member(0), 100), { timeout: 20_000 })
      .toMatch(/ready to serve|serving client/);
    expect(cluster.logTail(cluster.member(0), 100)).toMatch(/"level":"warn".*server\.pem.*expired at/);
    const { exitCode, stderr } = await cluster.etcdctl(executables.etcdctl, ['get', 'a']);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/expired/);
    expect(stderr).not.toMatch(stackTrace);
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown command', ['gte', 'a'], /unknown command "gte" for "etcdctl"/],
    ['an unknown flag', ['get', 'a', '--prefixx'], /unknown flag: --prefixx/],
    ['a missing argument', ['put', 'a'], /put/],
    [
      'a certificate that is not there',
      ['--cacert=nope.pem', '--endpoints=https://127.0.0.1:1', 'get', 'a'],
      /open nope\.pem: no such file/,
    ],
    [
      'nobody at the endpoint',
      ['--endpoints=http://127.0.0.1:1', '--command-timeout=1s', 'get', 'a'],
      /connection refused/,
    ],
    ['a snapshot into a folder that is not there', ['snapshot', 'save', 'nowhere/x.db'], /nowhere/],
  ])('etcdctl refuses %s', async (_, args, message) => {
    const { stderr } = await refused(executables.etcdctl, args);
    expect(stderr).toMatch(message);
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown command', ['snapshto'], /unknown command "snapshto" for "etcdutl"/],
    ['an unknown flag', ['snapshot', 'status', 'a.db', '--fast'], /unknown flag: --fast/],
    ['a restore without a target', ['snapshot', 'restore', 'a.db'], /required flag\(s\) "data-dir" not set/],
    ['a cluster without the member', ['snapshot', 'restore', 'a.db', '--data-dir=x', '--name=stranger'], /stranger/],
  ])('etcdutl refuses %s', async (_, args, message) => {
    const { stderr } = await refused(executables.etcdutl, args);
    expect(stderr).toMatch(message);
  });
});
