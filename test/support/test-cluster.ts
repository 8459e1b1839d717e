/** A cluster of real processes for one test: own ports, own folder, and nothing left behind. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAuthority, issue, PkiStore, systemSources } from '../../pki/mod.ts';
import type { Executables } from '../../scripts/build.ts';
import { type ClientTls, EtcdClient } from '../../server/client/mod.ts';
import { damageIn } from './check-directory.ts';

export interface TestClusterOptions {
  members?: number;
  tls?: boolean;
  /** More flags for each member. */
  flags?: string[];
  token?: string;
}

interface TestMember {
  name: string;
  clientUrl: string;
  /** Where the others reach it. */
  peerUrl: string;
  /** Where it listens for them, if a proxy stands between; `peerUrl` unless given. */
  listenPeerUrl?: string;
  dataDir: string;
  logFile: string;
  /** What it runs, if that is not what the cluster's members run. */
  executables?: Executables;
  process?: ChildProcess;
  /** Settles when the process is gone and all that it said is in the log. */
  ended?: Promise<Ending>;
  /** Where in the log the words of the present process begin. */
  logFromBytes?: number;
  /** What it was launched with beyond the usual. */
  extraFlags?: string[];
}

interface Ending {
  code: number | null;
  signal: string | null;
}

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const hourMs = 3_600_000;

export class TestCluster {
  readonly directory: string;
  readonly members: TestMember[];
  /** Which executables each member runs: a test may give it another. */
  executables: Executables;
  private readonly options: TestClusterOptions;

  private constructor(executables: Executables, options: TestClusterOptions, directory: string, members: TestMember[]) {
    this.executables = executables;
    this.options = options;
    this.directory = directory;
    this.members = members;
  }

  /** Prepares folders, ports and certificates; starts nothing. */
  static async create(executables: Executables, options: TestClusterOptions = {}): Promise<TestCluster> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-test-'));
    const count = options.members ?? 3;
    const ports = await freePorts(2 * count);
    const scheme = options.tls ? 'https' : 'http';
    const members = Array.from({ length: count }, (_, i) => ({
      name: `m${i + 1}`,
      clientUrl: `${scheme}://127.0.0.1:${ports[2 * i]}`,
      peerUrl: `${scheme}://127.0.0.1:${ports[2 * i + 1]}`,
      dataDir: path.join(directory, `m${i + 1}`),
      logFile: path.join(directory, `m${i + 1}.log`),
    }));
    const cluster = new TestCluster(executables, options, directory, members);
    if (options.tls) await cluster.issueCertificates();
    return cluster;
  }

  /** Creates a cluster and starts it, until it answers. */
  static async start(executables: Executables, options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = await TestCluster.create(executables, options);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get endpoints(): string[] {
    return this.members.map((member) => member.clientUrl);
  }

  get initialCluster(): string {
    return this.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  }

  member(index: number): TestMember {
    return this.members[index] as TestMember;
  }

  async startAll(): Promise<void> {
    for (const index of this.members.keys()) this.launch(index);
    await this.waitHealthy();
  }

  /** Starts one member and does not wait for it. */
  launch(index: number, extraFlags: string[] = []): void {
    const member = this.member(index);
    mkdirSync(member.dataDir, { recursive: true, mode: 0o700 });
    member.logFromBytes = statSync(member.logFile, { throwIfNoEntry: false })?.size ?? 0;
    member.extraFlags = extraFlags;
    const log = createWriteStream(member.logFile, { flags: 'a' });
    const { etcd } = member.executables ?? this.executables;
    const child = spawn(etcd, [...this.flags(member), ...extraFlags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    member.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => log.end(() => resolve({ code, signal })));
    });
    member.process = child;
  }

  /** One more member, with ports and a folder of its own. Nothing is started. @returns its index */
  async addMember(): Promise<number> {
    const [clientPort, peerPort] = await freePorts(2);
    const scheme = this.options.tls ? 'https' : 'http';
    const name = `m${this.members.length + 1}`;
    this.members.push({
      name,
      clientUrl: `${scheme}://127.0.0.1:${clientPort}`,
      peerUrl: `${scheme}://127.0.0.1:${peerPort}`,
      dataDir: path.join(this.directory, name),
      logFile: path.join(this.directory, `${name}.log`),
    });
    return this.members.length - 1;
  }

  /**
   * Waits until a member has ended by itself, and its log is whole.
   *
   * @throws Error when that takes longer than 30 s
   */
  async waitEnded(index: number): Promise<Ending> {
    const member = this.member(index);
    if (member.ended === undefined) return { code: null, signal: null };
    const ending = await Promise.race([member.ended, delay(30_000, undefined, { ref: false })]);
    if (ending === undefined) throw new Error(`${member.name} does not end\n${this.logTail(member)}`);
    return ending;
  }

  /**
   * Waits until every running member has answered a linearizable read. One that ended because somebody had taken its
   * port meanwhile is launched again.
   */
  async waitHealthy(timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (const [index, member] of [...this.members.entries()].filter(([, { process: child }]) => isRunning(child))) {
      const client = this.client([member.clientUrl]);
      try {
        for (;;) {
          const failure = await client.range({ key: Buffer.from('health') }, { timeoutMs: 1000 }).then(
            () => undefined,
            (error: Error) => error.message,
          );
          if (failure === undefined) break;
          const hasEnded = !isRunning(member.process);
          if (hasEnded) await member.ended;
          const portIsTaken = hasEnded && this.logOfProcess(index).includes('address already in use');
          if (hasEnded && !portIsTaken) throw new Error(`${member.name} has ended\n${this.logTail(member)}`);
          if (Date.now() > deadline) {
            throw new Error(`${member.name} is not healthy: ${failure}\n${this.logTail(member)}`);
          }
          await delay(50);
          if (portIsTaken) this.launch(index, member.extraFlags);
        }
      } finally {
        client.close();
      }
    }
  }

  /** Ends a member by a signal and waits until it is gone, and its log whole. @returns exit code and signal */
  async signal(index: number, signal: NodeJS.Signals): Promise<Ending> {
    const { process: child, ended } = this.member(index);
    const wasRunning = isRunning(child);
    if (wasRunning) child?.kill(signal);
    const ending = await ended;
    return wasRunning && ending !== undefined ? ending : { code: null, signal: null };
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.keys().map((index) => this.signal(index, 'SIGKILL')));
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.members.keys().map((index) => this.signal(index, 'SIGTERM')));
  }

  /** A client of the given endpoints, or of all; the caller closes it. */
  client(endpoints = this.endpoints): EtcdClient {
    return new EtcdClient({ endpoints, requestTimeoutMs: 10_000, ...(this.options.tls && { tls: this.clientTls() }) });
  }

  clientTls(): ClientTls {
    const read = (name: string): string => readFileSync(path.join(this.directory, 'pki', name), 'utf8');
    return { ca: read('client-ca.pem'), cert: read('client.pem'), key: read('client-key.pem') };
  }

  /** Runs an etcdctl against the cluster, with certificates and endpoints given as flags. */
  etcdctl(
    program: string,
    args: string[],
    options: { endpoints?: string[]; input?: string } = {},
  ): Promise<CommandResult> {
    const pki = path.join(this.directory, 'pki');
    const tls = this.options.tls
      ? [`--cacert=${pki}/client-ca.pem`, `--cert=${pki}/client.pem`, `--key=${pki}/client-key.pem`]
      : [];
    return runCommand(
      program,
      [`--endpoints=${(options.endpoints ?? this.endpoints).join()}`, ...tls, ...args],
      options,
    );
  }

  /** What the present process of a member has said, or the last one. */
  logOfProcess(index: number): string {
    const { logFile, logFromBytes } = this.member(index);
    return readFileSync(logFile).subarray(logFromBytes).toString();
  }

  logTail(member: TestMember, lines = 15): string {
    return readFileSync(member.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * Ends every process, checks what they have left, and removes the folder.
   *
   * @throws Error naming what is damaged in the data of a member; the folder is kept then
   */
  async close(): Promise<void> {
    for (const { process: child } of this.members) child?.kill('SIGCONT');
    await this.killAll();
    const damage: string[] = [];
    for (const { dataDir } of this.members) damage.push(...(await damageIn(dataDir)));
    if (damage.length > 0) throw new Error(`damaged data was left behind:\n  ${damage.join('\n  ')}`);
    await rm(this.directory, { recursive: true, force: true });
  }

  private flags(member: TestMember): string[] {
    const pki = path.join(this.directory, 'pki');
    const tls = this.options.tls
      ? [
          '--client-cert-auth',
          `--trusted-ca-file=${pki}/client-ca.pem`,
          `--cert-file=${pki}/server.pem`,
          `--key-file=${pki}/server-key.pem`,
          '--peer-client-cert-auth',
          `--peer-trusted-ca-file=${pki}/peer-ca.pem`,
          `--peer-cert-file=${pki}/peer.pem`,
          `--peer-key-file=${pki}/peer-key.pem`,
        ]
      : [];
    return [
      `--name=${member.name}`,
      `--data-dir=${member.dataDir}`,
      `--listen-client-urls=${member.clientUrl}`,
      `--advertise-client-urls=${member.clientUrl}`,
      `--listen-peer-urls=${member.listenPeerUrl ?? member.peerUrl}`,
      `--initial-advertise-peer-urls=${member.peerUrl}`,
      `--initial-cluster=${this.initialCluster}`,
      `--initial-cluster-token=${this.options.token ?? 'test'}`,
      ...tls,
      ...(this.options.flags ?? []),
    ];
  }

  private async issueCertificates(): Promise<void> {
    const store = new PkiStore(path.join(this.directory, 'pki'));
    const clients = createAuthority({ commonName: 'test client CA', validityMs: hourMs }, systemSources);
    const peers = createAuthority({ commonName: 'test peer CA', validityMs: hourMs }, systemSources);
    const at = { ipAddresses: ['127.0.0.1'], dnsNames: ['localhost'], validityMs: hourMs };
    await store.saveAuthority('client-ca', clients);
    await store.saveAuthority('peer-ca', peers);
    await store.save('server', issue(clients, { profile: 'server', commonName: 'server', ...at }, systemSources));
    await store.save('peer', issue(peers, { profile: 'peer', commonName: 'peer', ...at }, systemSources));
    await store.save(
      'client',
      issue(clients, { profile: 'client', commonName: 'root', validityMs: hourMs }, systemSources),
    );
  }
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Runs a program to its end, at most a minute. */
export function runCommand(program: string, args: string[], options: { input?: string } = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { timeout: 60_000, maxBuffer: 256 * 1024 * 1024, env: { PATH: process.env.PATH, ETCDCTL_API: '3' } },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ exitCode, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined); // It may end without reading.
    child.stdin?.end(options.input ?? '');
  });
}

/** As `runCommand`, with more of an environment. */
export function runCommandWith(
  program: string,
  args: readonly string[],
  { input = '', env }: { input?: string; env: Record<string, string> },
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const environment = { PATH: process.env.PATH, ...env };
    const child = execFile(program, args, { timeout: 60_000, env: environment }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
    child.stdin?.on('error', () => undefined); // It may end without reading.
    child.stdin?.end(input);
  });
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
