import { type Message, MessageType } from '../../proto/gen/raft.ts';
import { ProposalDropped, type RaftConfig } from '../mod.ts';
import { Checker } from './checker.ts';
import { SimulatedHost } from './host.ts';
import { SimulatedNetwork } from './network.ts';

export interface ClusterOptions {
  /** The voters that the cluster begins with get the ids from 1 on. */
  voters: number;
  /** See `HostOptions`. */
  skipsSync?: boolean;
  /** Settings of one member, where they differ from the usual ones. */
  config?: (id: bigint) => Partial<RaftConfig>;
}

const usualConfig = {
  electionTicks: 10,
  heartbeatTicks: 1,
  maxSizePerMessageBytes: 1024 * 1024,
  maxInflightMessages: 512,
  maxCommittedBytesPerReady: 1024 * 1024,
  checkQuorum: true,
  preVote: true,
  random: () => 0.5,
};

/** Members on simulated hosts and the network between them, with the checks running on all that happens. */
export class Cluster {
  readonly hosts = new Map<bigint, SimulatedHost>();
  readonly network = new SimulatedNetwork();
  readonly checker = new Checker();
  private readonly options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.network.onLost = (message) => this.reportSnapshot(message, false);
    const voters = Array.from({ length: options.voters }, (_, i) => BigInt(i + 1));
    this.checker.bootstrapped(voters.length);
    for (const id of voters) this.addHost(id, voters);
  }

  /** @param voters those of a new cluster; none for a member that is to be added */
  addHost(id: bigint, voters: readonly bigint[] = []): SimulatedHost {
    const host = new SimulatedHost(
      {
        config: { ...usualConfig, id, ...this.options.config?.(id) },
        send: (messages) => this.network.send(messages),
        skipsSync: this.options.skipsSync === true,
      },
      this.checker,
    );
    if (voters.length > 0) host.bootstrap(voters);
    this.hosts.set(id, host);
    host.start();
    return host;
  }

  /** @throws Error for an unknown id */
  host(id: bigint): SimulatedHost {
    const host = this.hosts.get(id);
    if (host === undefined) throw new Error(`there is no host ${id}`);
    return host;
  }

  /** The hosts that are up. */
  get running(): SimulatedHost[] {
    return [...this.hosts.values()].filter((host) => host.isUp);
  }

  /** The leader of the highest term, if there is one. */
  get leader(): SimulatedHost | undefined {
    const leaders = this.running.filter((host) => host.node.status().state === 'leader');
    return leaders.sort((a, b) => b.node.status().term - a.node.status().term)[0];
  }

  check(host: SimulatedHost): void {
    this.checker.check(host, this.hosts);
  }

  restart(host: SimulatedHost): void {
    host.start();
    this.checker.restarted(host);
    this.check(host);
  }

  /** Delivers the message at that position, or loses it when its receiver is down. */
  deliver(position: number, keep = false): void {
    const message = this.network.take(position, keep);
    if (message === undefined) return;
    const host = this.hosts.get(message.to);
    const arrives = host?.isUp === true;
    if (arrives) {
      host.node.step(message);
      this.check(host);
    }
    if (!keep) this.reportSnapshot(message, arrives);
  }

  /** Lets everything under way come to its end, without any time passing. */
  settle(): void {
    for (let turn = 0; turn < 10_000; turn++) {
      for (const host of this.running) {
        if (host.node.hasReady()) host.takeReady();
        host.write(Number.POSITIVE_INFINITY);
        // Before a configuration change among what is applied changes who is to hold what is committed.
        this.check(host);
        host.apply(Number.POSITIVE_INFINITY);
        this.check(host);
      }
      while (this.network.inTransit > 0) this.deliver(0);
      if (this.running.every((host) => host.isIdle)) return;
    }
    throw new Error('the cluster never comes to rest');
  }

  /** Lets that many ticks pass on all hosts, or on one. */
  tick(count: number, only?: bigint): void {
    for (let i = 0; i < count; i++) {
      for (const host of this.running) if (only === undefined || host.id === only) host.node.tick();
      this.settle();
    }
  }

  /** Makes that member leader, if the others let it. */
  elect(id: bigint): SimulatedHost {
    this.settle();
    this.host(id).node.campaign();
    this.settle();
    return this.host(id);
  }

  /** Cuts that host off from all others. */
  isolate(id: bigint): void {
    this.network.partition(
      [id],
      [...this.hosts.keys()].filter((other) => other !== id),
    );
  }

  private reportSnapshot({ type, from, to }: Message, ok: boolean): void {
    const host = this.hosts.get(from);
    if (type === MessageType.MsgSnap && host?.isUp) host.node.reportSnapshot(to, ok);
  }
}

/** Does it, unless raft has no leader to do it with. */
export function attempt(what: () => void): void {
  try {
    what();
  } catch (error) {
    if (!(error instanceof ProposalDropped)) throw error;
  }
}
