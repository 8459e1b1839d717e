/** What happens to a cluster of real processes, drawn from a seed: who is killed, stopped, cut off, and for how long. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { moveLeader } from './leader-moves.ts';
import type { PeerNetwork } from './peer-network.ts';
import type { TestCluster } from './test-cluster.ts';

const run = promisify(execFile);

/** The smallest limit of a file's size that a process may have: whatever it writes then fails. */
const noSpaceBytes = 1;
const prlimit = '/usr/bin/prlimit';

export interface FaultScheduleOptions {
  readonly cluster: TestCluster;
  readonly network: PeerNetwork;
  /** In [0, 1). */
  readonly random: () => number;
  /** Members that lead are looked for, so that half of the faults meet one. */
  readonly leader: () => Promise<number | undefined>;
}

/** One fault that has taken place, with times on the clock of the history. */
export interface FaultEvent {
  readonly fault: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export class FaultSchedule {
  readonly events: FaultEvent[] = [];
  /** Kinds of faults that this machine has no means for. */
  readonly impossible: string[] = [];
  private readonly options: FaultScheduleOptions;
  private readonly faults: Record<string, () => Promise<string>>;

  constructor(options: FaultScheduleOptions) {
    this.options = options;
    this.faults = {
      'kill one': () => this.kill(1),
      'kill two': () => this.kill(2),
      'kill all': () => this.kill(3),
      'stop one': () => this.stop(),
      'cut off one': () => this.cutOff(),
      'cut one link': () => this.cutLink(),
      'cut one direction': () => this.cutDirection(),
      'delay links': () => this.slow({ delayMs: this.between(30, 250) }),
      'narrow links': () => this.slow({ bytesPerSecond: this.between(5_000, 50_000) }),
      'reset connections': () => this.reset(),
      'kill in a cut': () => this.killInCut(),
      'hand over leadership': () => this.handOver(),
    };
    if (existsSync(prlimit)) this.faults['fill the disk'] = () => this.fillDisk();
    else this.impossible.push('fill the disk');
  }

  /** The kinds of faults there are. */
  get kinds(): string[] {
    return Object.keys(this.faults);
  }

  /**
   * One fault after the other, each kind once before any comes again, until the time is over. Everything is healed and
   * running again when it resolves, but not yet healthy.
   *
   * @throws Error when a member has ended that nobody has ended
   */
  async run(durationMs: number): Promise<void> {
    const endMs = performance.now() + durationMs;
    let round: string[] = [];
    while (performance.now() < endMs) {
      await delay(this.between(300, 1200));
      if (round.length === 0) round = this.shuffled(this.kinds);
      const kind = round.pop() as string;
      const fromMs = performance.now();
      const detail = await (this.faults[kind] as () => Promise<string>)();
      this.options.network.heal();
      this.events.push({ fault: `${kind}: ${detail}`, fromMs, toMs: performance.now() });
      this.requireRunning();
    }
  }

  private async kill(count: number): Promise<string> {
    const { cluster } = this.options;
    const first = await this.victim();
    const victims = [first, ...this.shuffled(this.others(first))].slice(0, count);
    await Promise.all(victims.map((victim) => cluster.signal(victim, 'SIGKILL')));
    await delay(this.between(100, 2000));
    for (const victim of victims) cluster.launch(victim);
    return this.names(victims);
  }

  /** Longer than an election takes, so that a leader comes back to a cluster that has another. */
  private async stop(): Promise<string> {
    const victim = await this.victim();
    const { process: child } = this.options.cluster.member(victim);
    child?.kill('SIGSTOP');
    try {
      await delay(this.between(1500, 3500));
    } finally {
      child?.kill('SIGCONT');
    }
    return this.names([victim]);
  }

  private async cutOff(): Promise<string> {
    const victim = await this.victim();
    this.options.network.isolate(victim);
    await delay(this.between(1500, 3500));
    return this.names([victim]);
  }

  private async cutLink(): Promise<string> {
    const [one, other] = await this.pair();
    this.options.network.cut(one, other);
    await delay(this.between(1500, 3000));
    return this.names([one, other]);
  }

  private async cutDirection(): Promise<string> {
    const [sender, receiver] = await this.pair();
    this.options.network.cutOneWay(sender, receiver);
    await delay(this.between(1500, 3000));
    return `${this.names([sender])} to ${this.names([receiver])}`;
  }

  private async slow(fault: { delayMs: number } | { bytesPerSecond: number }): Promise<string> {
    const victim = await this.victim();
    for (const other of this.others(victim)) this.options.network.slow(victim, other, fault);
    await delay(this.between(1500, 3000));
    return `${this.names([victim])} ${JSON.stringify(fault)}`;
  }

  private async reset(): Promise<string> {
    const times = this.between(2, 6);
    for (let i = 0; i < times; i++) {
      this.options.network.reset();
      await delay(this.between(50, 500));
    }
    return `${times} times`;
  }

  private async handOver(): Promise<string> {
    const times = this.between(1, 3);
    for (let i = 0; i < times; i++) {
      await moveLeader(this.options.cluster);
      await delay(this.between(50, 500));
    }
    return `${times} times`;
  }

  /** One is cut off, and then one of the others is killed and comes back: nobody has a quorum for a while. */
  private async killInCut(): Promise<string> {
    const { cluster, network } = this.options;
    const [alone, killed] = await this.pair();
    network.isolate(alone);
    await delay(this.between(300, 1500));
    await cluster.signal(killed, 'SIGKILL');
    await delay(this.between(200, 1500));
    cluster.launch(killed);
    await delay(this.between(500, 1500));
    return `${this.names([killed])} while ${this.names([alone])} is cut off`;
  }

  /** Every write of the process fails from now on, with EFBIG: it must end, and come back when there is space again. */
  private async fillDisk(): Promise<string> {
    const { cluster } = this.options;
    const victim = await this.victim();
    const { process: child } = cluster.member(victim);
    await run(prlimit, ['--pid', String(child?.pid), `--fsize=${noSpaceBytes}:`]);
    for (let waited = 0; waited < 5000 && this.isRunning(victim); waited += 50) await delay(50);
    const hasEnded = !this.isRunning(victim);
    await cluster.signal(victim, 'SIGKILL');
    await delay(this.between(100, 1000));
    cluster.launch(victim);
    return `${this.names([victim])}${hasEnded ? ', which ended' : ', which did not have to write'}`;
  }

  private isRunning(index: number): boolean {
    const { process: child } = this.options.cluster.member(index);
    return child?.exitCode === null && child.signalCode === null;
  }

  private requireRunning(): void {
    const { cluster } = this.options;
    for (const [index, member] of cluster.members.entries()) {
      if (!this.isRunning(index)) throw new Error(`${member.name} has ended by itself\n${cluster.logTail(member, 40)}`);
    }
  }

  /** In half of the cases the leader, if there is one. */
  private async victim(): Promise<number> {
    const wantsLeader = this.options.random() < 0.5;
    const any = Math.floor(this.options.random() * this.options.cluster.members.length);
    return (wantsLeader ? await this.options.leader() : undefined) ?? any;
  }

  private async pair(): Promise<[number, number]> {
    const one = await this.victim();
    return [one, this.shuffled(this.others(one))[0] as number];
  }

  private others(index: number): number[] {
    return [...this.options.cluster.members.keys()].filter((other) => other !== index);
  }

  private names(indexes: readonly number[]): string {
    return indexes.map((index) => this.options.cluster.member(index).name).join(', ');
  }

  private between(low: number, high: number): number {
    return Math.round(low + this.options.random() * (high - low));
  }

  private shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, at: this.options.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}
