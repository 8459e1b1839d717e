/** A lab that a test drives through the command, as a user does: own folder, own ports, and nothing left behind. */
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { DrillReport } from '../../drills/report/report-schema.ts';
import { Lab } from '../../toolkit/lab/lab.ts';
import { noLabChosen } from './lab-environment.ts';
import type { CommandResult } from './test-cluster.ts';

const program = path.join(import.meta.dirname, '../../toolkit/main.ts');
const name = 'test';

/** One line of `--json`. */
export interface LabEvent {
  event: string;
  [field: string]: unknown;
}

export interface TestLabOptions {
  /** Folder of upstream's executables; undefined: the built-in engine. */
  upstream?: string | undefined;
  /** How many labs beside this one are brought up from its description, as seat1, seat2, ... */
  seats?: number;
}

export class TestLab {
  readonly name = name;
  /** The working directory of every command; holds lab.yaml and .etcdlab. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Describes a lab of three members; starts nothing. */
  static async create({ upstream, seats = 0 }: TestLabOptions = {}): Promise<TestLab> {
    const lab = new TestLab(mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-')));
    const ports = await restPorts(6, seats);
    const nodes = [1, 2, 3].map(
      (n, i) => `  - { name: node${n}, clientPort: ${ports[2 * i]}, peerPort: ${ports[2 * i + 1]} }\n`,
    );
    const engine = upstream === undefined ? 'built-in' : JSON.stringify({ kind: 'upstream', path: upstream });
    lab.write('lab.yaml', `name: ${name}\nengine: ${engine}\nnodes:\n${nodes.join('')}`);
    return lab;
  }

  /** Describes a lab and brings it up. */
  static async up(options: TestLabOptions = {}): Promise<TestLab> {
    const lab = await TestLab.create(options);
    try {
      await lab.must('up');
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** The lab's own folder. */
  state(...parts: string[]): string {
    return this.path('.etcdlab', name, ...parts);
  }

  write(file: string, text: string): void {
    writeFileSync(this.path(file), text);
  }

  /** Starts `etcdlab ARGS`, not on a terminal. */
  spawn(...args: string[]) {
    return execa(process.execPath, [program, ...args], {
      cwd: this.folder,
      reject: false,
      timeout: 110_000,
      env: { DEBUG: '', ...noLabChosen },
    });
  }

  async run(...args: string[]): Promise<CommandResult> {
    const { exitCode, stdout, stderr } = await this.spawn(...args);
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** @returns what it wrote @throws Error with all that it wrote when it does not succeed */
  async must(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(...args);
    if (exitCode !== 0) throw new Error(`etcdlab ${args.join(' ')}: exit code ${exitCode}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async events(...args: string[]): Promise<{ exitCode: number; events: LabEvent[]; stderr: string }> {
    const { exitCode, stdout, stderr } = await this.run(...args, '--json');
    return { exitCode, events: parseEvents(stdout), stderr };
  }

  /** Sends a signal as soon as the command tells an event. @returns how it ended, and all that it told */
  async signalAt(isTheMoment: (event: LabEvent) => boolean, signal: NodeJS.Signals, ...args: string[]) {
    const running = this.spawn(...args, '--json');
    let sent = false;
    // Read to the end: a pipe that is closed is another interruption.
    for await (const line of running) {
      if (sent || !isTheMoment(JSON.parse(String(line)) as LabEvent)) continue;
      sent = running.kill(signal);
    }
    const { exitCode, signal: endedBy, stdout } = await running;
    return { exitCode, endedBy, events: parseEvents(stdout) };
  }

  open(): Promise<Lab> {
    return Lab.open(this.path('.etcdlab'), name);
  }

  async status(): Promise<{ healthy: boolean; problems: string[]; members: { report?: Record<string, unknown> }[] }> {
    return JSON.parse((await this.run('status', '--json')).stdout);
  }

  /** Keys under a prefix with all that etcd keeps of them, and the id of the cluster that holds them. */
  async keys(prefix: string): Promise<{ clusterId: string; kvs: object[] }> {
    const answer = JSON.parse(await this.must('ctl', 'get', prefix, '--prefix', '-w', 'json'));
    return { clusterId: String(answer.header.cluster_id), kvs: answer.kvs ?? [] };
  }

  /** The newest report, as it stands in its folder. */
  report(): { folder: string; json: DrillReport; markdown: string } {
    const runs = readdirSync(this.state('reports'));
    // Names end with the time of the run, to the second.
    const newest = runs.sort((a, b) => (a.slice(-15) < b.slice(-15) ? -1 : 1)).at(-1) as string;
    const folder = this.state('reports', newest);
    const json = JSON.parse(readFileSync(path.join(folder, 'report.json'), 'utf8')) as DrillReport;
    return { folder, json, markdown: readFileSync(path.join(folder, 'report.md'), 'utf8') };
  }

  /** What lies in the folder of each host, without what is in its data. */
  hostFolders(): Record<string, string[]> {
    const hosts = readdirSync(this.state('hosts'));
    return Object.fromEntries(hosts.map((host) => [host, readdirSync(this.state('hosts', host)).sort()]));
  }

  /** Every file of the working directory, but for what running members and the lock of a command change. */
  listing(): Record<string, string> {
    return listing(this.folder, (file) => !/\/hosts\/[^/]+\/(data\/|etcd\.log)|\/lock\.\d+$/.test(`/${file}`));
  }

  async close(): Promise<void> {
    await this.run('destroy', '--yes');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @returns kind, mode and content digest of all that is in a folder, by path: equal if nothing was touched */
export function listing(folder: string, isCounted: (file: string) => boolean = () => true): Record<string, string> {
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter(isCounted).sort();
  return Object.fromEntries(
    files.map((file) => {
      const full = path.join(folder, file);
      const entry = lstatSync(full);
      const content = entry.isFile() ? createHash('sha256').update(readFileSync(full)).digest('hex') : '';
      return [file, `${entry.mode.toString(8)} ${content}`];
    }),
  );
}

function parseEvents(stdout: string): LabEvent[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LabEvent);
}

/**
 * Free ports below those that the kernel gives to outgoing connections: a drill leaves its ports for a while, and
 * nobody may take them meanwhile. Those of the seats, ten apart, are free as well.
 */
async function restPorts(count: number, seats: number): Promise<number[]> {
  const ports: number[] = [];
  const taken = new Set<number>();
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > 1000) throw new Error('no free ports between 20000 and 32000');
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const all = Array.from({ length: seats + 1 }, (_, seat) => port + 10 * seat);
    if (all.some((one) => taken.has(one)) || (await Promise.all(all.map(isFree))).includes(false)) continue;
    for (const one of all) taken.add(one);
    ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
