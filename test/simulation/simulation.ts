/**
 * A whole cluster in one process on simulated clock, network and disks. Everything that happens is drawn from one seed,
 * and the same seed gives the same run.
 *
 * The members are the real ones, from their data directories to their API, with WAL, snapshots, database and all; only
 * the peer protocol under them is replaced (`peers.ts`). `seams.ts` must have been installed before this is loaded.
 */
import type { Member } from '../../server/member/member.ts';
import { idToHex, initialMembers } from '../../server/membership/mod.ts';
import { MessageType } from '../../server/proto/gen/raft.ts';
import { RangeRequest } from '../../server/proto/gen/rpc.ts';
import { Prng } from '../../server/raft/testing/prng.ts';
import { Checks } from './checks.ts';
import { Clients } from './clients.ts';
import { type Settings, SimulatedHost } from './host.ts';
import { UndecidedError, violations } from './linearizability.ts';
import { Nemesis } from './nemesis.ts';
import { SimulatedNetwork } from './network.ts';
import { enterWorld } from './peers.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Events until all faults end. */
  readonly steps: number;
  /** Voters that the cluster begins with; drawn from 3 and 5 unless given. */
  readonly nodes?: number | undefined;
  readonly trace?: Trace;
}

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  /** Of everything that happened. */
  readonly digest: string;
  readonly faults: number;
  /** What happened how often. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How long a cluster without faults may take to come to rest. */
const recoveryMs = 120_000;
/** Configurations of a key's history that are looked at, at most. */
const searchBudget = 1_000_000;
/** How long the clients go on when all faults have ended. */
const aftermathMs = 3000;

const messageNames = Object.fromEntries(Object.entries(MessageType).map(([name, value]) => [value, name]));

/**
 * Runs one seed to its end.
 *
 * @throws Error with what was violated
 */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const simulation = new Simulation(options);
  try {
    return await simulation.run();
  } finally {
    simulation.close();
  }
}

class Simulation {
  private readonly options: SimulationOptions;
  private readonly prng: Prng;
  private readonly time = new VirtualTime();
  private readonly trace: Trace;
  private readonly checks: Checks;
  private readonly network: SimulatedNetwork;
  private readonly clients: Clients;
  private readonly nemesis: Nemesis;
  private readonly hosts: SimulatedHost[] = [];
  private readonly settings: Settings;
  private readonly nodes: number;
  private readonly restoreGlobals: () => void;
  private failure: Error | undefined;
  /** Histories that were given up. */
  private undecided = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.trace = options.trace ?? new Trace();
    this.prng = new Prng(options.seed);
    const { prng, time } = this;
    const log = (text: string) => this.log(text);
    this.restoreGlobals = time.install(() => prng.next());
    process.on('unhandledRejection', this.onRejection);
    const drawnNodes = prng.chance(0.6) ? 3 : 5;
    this.nodes = options.nodes ?? drawnNodes;
    this.settings = drawSettings(prng);
    this.checks = new Checks(this.settings);
    this.network = new SimulatedNetwork(time, prng, drawManners(prng));
    this.network.onMessage = (fate, { type, from, to, term, index, commit, entries, reject }) =>
      log(
        `${messageNames[type]} ${short(from)}>${short(to)} ${fate} term ${term} index ${index} commit ${commit} ` +
          `+${entries.length}${reject ? ' reject' : ''}`,
      );
    enterWorld({ time, network: this.network });
    this.clients = new Clients({
      time,
      prng,
      hosts: () => this.hosts,
      clients: 2 + prng.int(4),
      keys: 2 + prng.int(5),
      pauseMs: prng.pick([20, 100, 400]) as number,
      patienceMs: prng.pick([500, 2000, 8000]) as number,
      log,
    });
    this.nemesis = new Nemesis({
      time,
      prng,
      network: this.network,
      hosts: () => this.hosts,
      addHost: () => this.addHost('existing'),
      nodes: this.nodes,
      electionMs: this.settings.electionMs,
      log,
    });
  }

  async run(): Promise<Outcome> {
    this.begin();
    while (this.time.steps < this.options.steps) await this.step();
    this.log('all faults end');
    this.nemesis.stop();
    if (await this.recover()) await this.compareMembers();
    this.checkHistory();
    return this.outcome();
  }

  close(): void {
    for (const host of this.hosts) host.kill();
    process.off('unhandledRejection', this.onRejection);
    this.checks.close();
    this.restoreGlobals();
  }

  private readonly onRejection = (reason: unknown): void => {
    // What a process leaves behind when it ends matters to nobody.
    if (this.time.owner?.isAlive === false) return;
    this.failure ??= reason instanceof Error ? reason : new Error(String(reason));
  };

  private begin(): void {
    for (let i = 0; i < this.nodes; i++) this.addHost('new');
    const { members } = initialMembers(this.initialCluster(), 'simulation');
    this.checks.bootstrapped(members.length);
    this.checks.onReady = (id, ready) => {
      const host = this.hosts.find((each) => each.id === id);
      if (host !== undefined) this.nemesis.onReady(host, ready);
    };
    for (const host of this.hosts) host.start();
    this.clients.start();
    this.nemesis.start();
  }

  private async step(): Promise<void> {
    try {
      if (!(await this.time.step())) throw new Error('nothing happens any more');
      const owner = this.time.owner;
      const host = owner && this.hosts.find((each) => each.owner === owner);
      if (host?.isUp && host.replica !== undefined) this.checks.check(host.replica.id);
    } catch (error) {
      this.failure ??= error as Error;
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private addHost(state: 'new' | 'existing'): SimulatedHost {
    const number = this.hosts.length + 1;
    const name = `m${number}`;
    const host = new SimulatedHost({
      name,
      url: `http://10.0.0.${number}:2380`,
      time: this.time,
      prng: this.prng,
      checks: this.checks,
      settings: this.settings,
      origin: () => ({ initialCluster: state === 'new' ? this.initialCluster() : this.clusterWith(host), state }),
      log: (text) => this.log(text),
      onFailure: (error) => {
        this.failure ??= error;
      },
      onEnd: (ended) => this.nemesis.restartLater(ended),
    });
    this.hosts.push(host);
    return host;
  }

  private initialCluster(): Map<string, string[]> {
    return new Map(this.hosts.slice(0, this.nodes).map(({ name, url }) => [name, [url]]));
  }

  /** What an operator writes down for a member that joins: those that there are, and itself. */
  private clusterWith(joiner: SimulatedHost): Map<string, string[]> {
    const serving = this.hosts.find((host) => host.member !== undefined);
    const asked = serving ?? this.hosts.find((host) => host.replica !== undefined);
    const known = asked?.replica?.cluster.members() ?? [];
    const urls = known.flatMap(({ peerURLs }) => peerURLs);
    const members = this.hosts.filter((host) => host === joiner || urls.includes(host.url));
    return new Map(members.map(({ name, url }) => [name, [url]]));
  }

  /**
   * Without faults, the cluster must serve its clients, and come to rest when they stop.
   *
   * @returns false if it need not: without pre-vote a member that campaigns in vain can go on for ever
   */
  private async recover(): Promise<boolean> {
    const deadlineMs = this.time.nowMs + recoveryMs;
    const { clients } = this;
    try {
      await this.until(() => this.isServing(), deadlineMs);
      const { answered } = clients.counts;
      const clientsStopMs = this.time.nowMs + aftermathMs;
      await this.until(() => this.time.nowMs > clientsStopMs && clients.counts.answered > answered, deadlineMs);
      clients.stop();
      await this.until(() => clients.isIdle && this.isServing() && this.isAtRest(), deadlineMs);
    } catch (error) {
      if (error instanceof NoProgress && !this.settings.preVote) return false;
      throw error;
    }
    for (const host of this.members()) {
      for (const key of clients.keys) await this.drive(host, () => clients.read(`last at ${host.name}`, host, key));
    }
    return true;
  }

  private async until(isSo: () => boolean, deadlineMs: number): Promise<void> {
    while (!isSo()) {
      if (this.time.nowMs > deadlineMs) {
        throw new NoProgress(`no progress for ${recoveryMs} ms after all faults ended:${this.describe()}`);
      }
      await this.step();
    }
  }

  /** Lets time pass until that work, done on that host, has come to its end. */
  private async drive(host: SimulatedHost, work: () => Promise<unknown>): Promise<void> {
    let isDone = false;
    let failure: Error | undefined;
    this.time.enter(host.owner);
    work().then(
      () => {
        isDone = true;
      },
      (error: Error) => {
        failure = error;
      },
    );
    await this.until(() => isDone || failure !== undefined, this.time.nowMs + recoveryMs);
    if (failure !== undefined) throw failure;
  }

  /** The machines of those that are in the cluster, as its leader sees it. */
  private members(): SimulatedHost[] {
    const leader = this.hosts.find(({ replica }) => replica?.driver.node.status().state === 'leader')?.replica;
    const ids = leader?.cluster.members().map(({ id }) => id) ?? [];
    const urls = leader?.cluster.members().flatMap(({ peerURLs }) => peerURLs) ?? [];
    const hosts = this.hosts.filter(({ url }) => urls.includes(url));
    return hosts.length === ids.length ? hosts : [];
  }

  private isServing(): boolean {
    const members = this.members();
    return members.length > 0 && members.every((host) => host.member !== undefined);
  }

  private isAtRest(): boolean {
    const states = this.members().map(({ replica }) => replica?.driver.node.status());
    const last = states[0]?.lastIndex;
    return states.length > 0 && states.every((each) => each?.applied === last && each?.lastIndex === last);
  }

  private async compareMembers(): Promise<void> {
    const members = this.members();
    const states = members.map(({ replica }) => {
      const { machine } = replica as NonNullable<typeof replica>;
      const { hash, compactRevision, currentRevision } = machine.store.hashKv(0);
      const list = machine.cluster.members().map(({ id, isLearner }) => `${short(id)}${isLearner ? '?' : ''}`);
      return `hash ${hash} revision ${currentRevision} compacted ${compactRevision} members ${list}`;
    });
    if (new Set(states).size !== 1) throw new Error(`members differ at the end:\n  ${states.join('\n  ')}`);
    for (const host of members) await this.drive(host, () => this.findAcknowledged(host));
  }

  private checkHistory(): void {
    const { history } = this.clients;
    try {
      const [violation] = violations(history, searchBudget);
      if (violation === undefined) return;
      const { key, value, fitting, stuck } = violation;
      const next = stuck.map((operation) => `\n  ${JSON.stringify(operation)}`).join('');
      throw new Error(
        `not linearizable: ${key} is ${value ?? 'not there'} after ${fitting} calls, and then comes${next}`,
      );
    } catch (error) {
      if (!(error instanceof UndecidedError)) throw error;
      this.log(error.message);
      this.undecided++;
    }
  }

  /** Every acknowledged write is there, at the revision that was named, unless that was compacted. */
  private async findAcknowledged(host: SimulatedHost): Promise<void> {
    const compacted = host.replica?.machine.store.compactRevision ?? 0;
    for (const { key, value, revision } of this.clients.acknowledged) {
      if (revision <= compacted) continue;
      const request = RangeRequest.create({ key: Buffer.from(key), revision, serializable: true });
      const [found] = (await (host.member as Member).range(request)).kvs;
      const there = found && Buffer.from(found.value).toString();
      if (there === value && found?.mod_revision === revision) continue;
      throw new Error(
        `acknowledged write lost: ${key}=${value} at revision ${revision}; ${host.name} has ${there ?? 'nothing'} there`,
      );
    }
  }

  private outcome(): Outcome {
    const { counts } = this.checks.raft;
    const faults = [...this.nemesis.counts.values()].reduce((sum, count) => sum + count, 0);
    return {
      seed: this.options.seed,
      faults,
      steps: this.time.steps,
      simulatedMs: Math.round(this.time.nowMs),
      digest: this.trace.digest(),
      counts: {
        ...counts,
        ...this.clients.counts,
        ...this.network.counts,
        ...Object.fromEntries(this.nemesis.counts),
        undecided: this.undecided,
      },
    };
  }

  private log(text: string): void {
    this.trace.line(`${this.time.nowMs.toFixed(3)} ${text}`);
  }

  private describe(): string {
    return this.hosts
      .map(({ name, state, replica }) => {
        const status = replica?.driver.node.status();
        if (status === undefined) return `\n  ${name} ${state}`;
        const { term, lead, commit, applied, lastIndex } = status;
        return (
          `\n  ${name} ${idToHex(status.id)} ${state}, ${status.state}, term ${term}, lead ${short(lead)}, ` +
          `applied ${applied}, committed ${commit} of ${lastIndex}`
        );
      })
      .join('');
  }
}

/** The cluster does not come to rest. */
class NoProgress extends Error {}

function drawSettings(prng: Prng): Settings {
  const heartbeatMs = prng.pick([20, 100]) as number;
  return {
    heartbeatMs,
    electionMs: heartbeatMs * 10,
    preVote: prng.chance(0.8),
    snapshotCount: prng.pick([5, 20, 100]) as number,
    snapshotCatchUpEntries: prng.pick([1, 5, 20]) as number,
    backendBatchIntervalMs: prng.pick([10, 100, 1000]) as number,
    backendBatchLimit: prng.pick([1, 5, 10_000]) as number,
    walSegmentSizeBytes: prng.pick([4096, 32_768, 1_048_576]) as number,
    walDirectBytes: prng.pick([0, 300, 65_536]) as number,
    strictReconfigCheck: prng.chance(0.3),
    raftLimits: {
      maxSizePerMessageBytes: prng.pick([1, 200, 1_048_576]) as number,
      maxInflightMessages: prng.pick([1, 4, 512]) as number,
      maxCommittedBytesPerReady: prng.pick([1, 200, 1_048_576]) as number,
    },
  };
}

function drawManners(prng: Prng): SimulatedNetwork['manners'] {
  return {
    loss: prng.pick([0, 0.01, 0.1]) as number,
    duplication: prng.pick([0, 0.01, 0.1]) as number,
    reordering: prng.chance(0.5),
    shortestMs: 0.5,
    longestMs: prng.pick([5, 30, 150]) as number,
  };
}

function short(id: bigint): string {
  return id.toString(16).slice(0, 4);
}
