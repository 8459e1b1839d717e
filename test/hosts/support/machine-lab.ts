/** A lab on test machines, driven through the command as a user does, from inside the machines' network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import type { ClusterStatus } from '../../../toolkit/provision/status.ts';
import type { CommandResult } from '../../support/test-cluster.ts';
import type { LabEvent } from '../../support/test-lab.ts';
import { users } from './base-system.ts';
import { Machines, whyNoMachines } from './machines.ts';

const program = path.resolve(import.meta.dirname, '../../../toolkit/main.ts');
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
    const cache = process.env.ETCDLAB_HOSTS_CACHE ?? path.join(os.tmpdir(), 'etcdlab-hosts-cache');
    const lab = new MachineLab(await Machines.up(path.join(folder, 'machines'), cache), folder);
    lab.describe();
    return lab;
  }

  /** Writes lab.yaml as it is given. */
  write(text: string): void {
    writeFileSync(path.join(this.folder, 'lab.yaml'), text);
  }

  /** Writes lab.yaml. @param more lines of YAML beside the nodes @param user who logs in */
  describe(more = '', user: string = users.administrator): void {
    const nodes = this.machines.machines.map(({ name, address }) => `  - { name: ${name}, address: ${address} }\n`);
    const ssh = `ssh: { user: ${user}, identityFile: ${this.machines.keyFile} }`;
    this.write(`name: ${labName}\nprovider: ssh\n${ssh}\nnodes:\n${nodes.join('')}${more}\n`);
  }

  state(...parts: string[]): string {
    return path.join(this.folder, '.etcdlab', labName, ...parts);
  }

  spawn(...args: string[]) {
    const [file = '', ...prefix] = this.machines.prefix;
    return execa(file, [...prefix, `--wd=${this.folder}`, process.execPath, program, ...args], {
      reject: false,
      timeout: 180_000,
      stdin: 'ignore',
      env: { DEBUG: '', ETCDLAB_STATE_DIR: '', SSH_AUTH_SOCK: '', ...this.environment },
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

  async status(): Promise<ClusterStatus> {
    return JSON.parse((await this.run('status', '--json')).stdout) as ClusterStatus;
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
