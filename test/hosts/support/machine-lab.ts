/** A lab on test machines, driven through the command as a user does, from inside the machines' network. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { DrillReport } from '../../../drills/report/report-schema.ts';
import type { ClusterStatus } from '../../../toolkit/provision/status.ts';
import { noLabChosen } from '../../support/lab-environment.ts';
import type { CommandResult } from '../../support/test-cluster.ts';
import type { LabEvent } from '../../support/test-lab.ts';
import { users } from './base-system.ts';
import type { SeenByClients } from './load.ts';
import { Machines, whyNoMachines } from './machines.ts';

const projectRoot = path.resolve(import.meta.dirname, '../../..');
const program = path.join(projectRoot, 'toolkit/main.ts');
const loadProgram = path.join(import.meta.dirname, 'load.ts');
export const labName = 'machines';

/**
 * Whether tests on machines can run. They are skipped, visibly, for whoever is not root on Linux; continuous integration
 * must run them.
 * @throws Error in continuous integration, with the reason
 */
export function haveMachines(): boolean {
  const reason = whyNoMachines();
  if (reason !== undefined && process.env.CI) throw new Error(`the tests on machines cannot run: ${reason}`);
  return reason === undefined;
}

export class MachineLab {
  readonly machines: Machines;
  /** The working directory of every command; holds lab.yaml and .etcdlab. */
  readonly folder: string;
  /** Added to the environment of every command. */
  environment: Readonly<Record<string, string>> = {};

  private constructor(machines: Machines, folder: string) {
    this.machines = machines;
    this.folder = folder;
  }

  /** Makes three machines, and describes a lab on them; brings nothing up. */
  static async create(): Promise<MachineLab> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-hosts-'));
    const lab = new MachineLab(await Machines.up(path.join(folder, 'machines')), folder);
    lab.describe();
    return lab;
  }

  /** Writes lab.yaml as it is given. */
  write(text: string): void {
    writeFileSync(path.join(this.folder, 'lab.yaml'), text);
  }

  /**
   * Writes lab.yaml.
   * @param more lines of YAML beside the nodes
   * @param settings YAML within the mapping of a node, by its name
   * @param user who logs in
   */
  describe(more = '', settings: Readonly<Record<string, string>> = {}, user: string = users.administrator): void {
    const nodes = this.machines.machines.map(({ name, address }) => {
      const own = settings[name] === undefined ? '' : `, ${settings[name]}`;
      return `  - { name: ${name}, address: ${address}${own} }\n`;
    });
    const ssh = `ssh: { user: ${user}, identityFile: ${this.machines.keyFile} }`;
    this.write(`name: ${labName}\nprovider: ssh\n${ssh}\nnodes:\n${nodes.join('')}${more}\n`);
  }

  state(...parts: string[]): string {
    return path.join(this.folder, '.etcdlab', labName, ...parts);
  }

  spawn(...args: string[]) {
    return this.inNetwork([program, ...args], 'ignore');
  }

  /** Starts a program of this project in the machines' network. */
  private inNetwork(program: readonly string[], stdin: 'ignore' | 'pipe') {
    const [file = '', ...prefix] = this.machines.prefix;
    return execa(file, [...prefix, `--wd=${this.folder}`, process.execPath, ...program], {
      reject: false,
      timeout: 170_000,
      stdin,
      env: {
        DEBUG: '',
        ...noLabChosen,
        SSH_AUTH_SOCK: '',
        // As the launcher of the command does it.
        NODE_COMPILE_CACHE: path.join(projectRoot, 'node_modules/.cache/compiled'),
        ...this.environment,
      },
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

  async events(...args: string[]): Promise<LabEvent[]> {
    return (await this.must(...args, '--json')).split('\n').map((line) => JSON.parse(line) as LabEvent);
  }

  /**
   * Does something as soon as the command tells an event.
   * @returns how the command ended; `happened` tells whether the moment came
   */
  async during(
    isTheMoment: (event: LabEvent) => boolean,
    action: (running: { kill(signal: NodeJS.Signals): boolean }) => unknown,
    ...args: string[]
  ): Promise<CommandResult & { happened: boolean }> {
    const running = this.spawn(...args, '--json');
    let happened = false;
    // Read to the end: a pipe that is closed would be an interruption of its own.
    for await (const line of running) {
      if (happened || !isTheMoment(JSON.parse(String(line)) as LabEvent)) continue;
      happened = true;
      await action(running);
    }
    const { exitCode, stdout, stderr } = await running;
    return { exitCode: exitCode ?? -1, stdout, stderr, happened };
  }

  /**
   * Runs a command while clients read and write without pause.
   * @returns what the clients have seen @throws Error as `must`, or if the clients come to nothing
   */
  async underLoad(...args: string[]): Promise<SeenByClients> {
    const load = this.inNetwork([loadProgram, path.join(this.folder, '.etcdlab'), labName], 'pipe');
    const lines = load.iterable();
    const moreRequests = async () => {
      load.stdin?.write('50\n');
      const { done } = await lines.next();
      if (done) throw new Error(`the clients have ended: ${(await load).stderr}`);
    };
    try {
      await moreRequests();
      await this.must(...args);
      await moreRequests();
      load.stdin?.end();
      return JSON.parse(String((await lines.next()).value)) as SeenByClients;
    } finally {
      load.kill();
      await load;
    }
  }

  async status(): Promise<ClusterStatus> {
    return JSON.parse((await this.run('status', '--json')).stdout) as ClusterStatus;
  }

  /** The report of the only run of a drill. */
  report(drill: string): DrillReport {
    const [folder = ''] = readdirSync(this.state('reports')).filter((name) => name.startsWith(`${drill}-`));
    return JSON.parse(readFileSync(this.state('reports', folder, 'report.json'), 'utf8')) as DrillReport;
  }

  /** The process of each member, by node. */
  async pids(): Promise<Record<string, number | undefined>> {
    const { members } = await this.status();
    return Object.fromEntries(members.map(({ node, pid }) => [node, pid]));
  }

  /** Runs a shell command on a machine as its administrator, past the toolkit. @throws Error if it fails */
  async on(name: string, command: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.machines.ssh(name, command);
    if (exitCode !== 0) throw new Error(`on ${name}: ${command}: exit code ${exitCode}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Puts an executable of this machine onto one of the lab's, past the toolkit. */
  async copy(from: string, name: string, to: string): Promise<void> {
    const command = `sudo tee ${to} > /dev/null && sudo chmod 755 ${to}`;
    const { exitCode, stderr } = await this.machines.ssh(name, command, from);
    if (exitCode !== 0) throw new Error(`${from} to ${name}: ${stderr}`);
  }

  /** Runs a shell command that the toolkit has advised. */
  async locally(command: string): Promise<void> {
    await execa('sh', ['-c', command]);
  }

  /** Every file of the lab on a machine with mode, owner and time of change, without the member's data. */
  files(name: string): Promise<string> {
    const places = '/etc/etcd /opt /etc/systemd/system /var/lib/etcd';
    return this.on(
      name,
      `sudo find ${places} -path /var/lib/etcd/data -prune -o -printf '%p %m %u:%g %T@ %s\\n' 2>/dev/null | sort`,
    );
  }

  /**
   * All that is on a machine's disk, what systemd knows of etcd, and what filters packets; without logs, which tell what
   * was done. The same before the first `up` and after `destroy`.
   */
  everything(name: string): Promise<string> {
    const prune = ['/proc', '/sys', '/run', '/tmp', '/var/log', '/var/tmp', '/var/lib/systemd'].map(
      (path) => `-path ${path}`,
    );
    return this.on(
      name,
      `sudo find / -xdev \\( ${prune.join(' -o ')} \\) -prune -o -printf '%p %y %m %u:%g\\n' | sort; ` +
        'sudo sha256sum /etc/passwd /etc/group /etc/shadow /etc/gshadow; sudo find /run/systemd/system; ' +
        "systemctl list-units --all --no-legend 'etcd*'; systemctl list-unit-files --no-legend 'etcd*'; sudo nft list ruleset",
    );
  }

  /** What on a machine tells of a lab, other than logs; nothing before the first `up` and after `destroy`. */
  traces(name: string): Promise<string> {
    return this.on(
      name,
      `sudo find /etc /opt /run/systemd/system /var/lib /usr/local /home /tmp \\( -name '*etcd*' -o -nouser \\) ` +
        `-not -path '*/bash-completion/*' | sort; getent passwd etcd; sudo nft list ruleset; true`,
    );
  }

  async close(): Promise<void> {
    await this.machines.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
