/**
 * A whole cluster in one thread, driven at random: what happens next, to whom, is drawn from one seed, and the checks
 * run after each step. The same seed gives the same run.
 */
import { ConfChange, ConfChangeType } from '../../proto/gen/raft.ts';
import type { RaftConfig } from '../mod.ts';
import { attempt, Cluster } from './cluster.ts';
import type { SimulatedHost } from './host.ts';
import { Prng } from './prng.ts';

export interface SimulationOptions {
  seed: number;
  steps: number;
  /** Fixed weights in place of drawn ones. */
  weights?: Partial<Record<Action, number>>;
  skipsSync?: boolean;
}

/** Without these a run soon stands still. */
const everydayWeights = {
  tick: 120,
  deliver: 500,
  ready: 300,
  write: 200,
  apply: 100,
  propose: 40,
  restart: 20,
  heal: 15,
} as const;

const rareWeights = {
  read: 20,
  duplicate: 10,
  lose: 20,
  campaign: 4,
  transfer: 3,
  changeMembers: 4,
  crash: 4,
  cut: 3,
  partition: 3,
  checkpoint: 10,
  snapshot: 6,
  unreachable: 3,
} as const;
export type Action = keyof typeof everydayWeights | keyof typeof rareWeights;

/** Members that are ever started, at most; ids of removed ones are not used again. */
const maxHosts = 8;
const maxUnwrittenReadys = 8;

export class Simulation {
  readonly cluster: Cluster;
  private readonly options: SimulationOptions;
  private readonly prng: Prng;
  private readonly actions: { action: Action; upTo: number }[] = [];
  private serial = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    this.drawTemperament();
    this.cluster = new Cluster({
      voters: 2 + this.prng.int(4),
      skipsSync: options.skipsSync === true,
      config: () => this.drawConfig(),
    });
  }

  /** Runs all steps, then lets the cluster recover. @throws Error naming seed and step, with the cause */
  run(): void {
    let step = 0;
    try {
      for (; step < this.options.steps; step++) this.act();
      this.recover();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`seed ${this.options.seed}, step ${step}: ${reason}`, { cause });
    }
  }

  /** Each run has its own: rich in some faults and free of others, which finds more than a little of each in all. */
  private drawTemperament(): void {
    let upTo = 0;
    const add = (action: Action, weight: number): void => {
      upTo += this.options.weights?.[action] ?? weight;
      this.actions.push({ action, upTo });
    };
    for (const [action, weight] of Object.entries(everydayWeights)) {
      add(action as Action, weight * (this.prng.pick([0.5, 1, 2]) as number));
    }
    for (const [action, weight] of Object.entries(rareWeights)) {
      add(action as Action, weight * (this.prng.pick([0, 0.3, 1, 3]) as number));
    }
  }

  private get usesPreVote(): boolean {
    return this.options.seed % 2 === 0;
  }

  /** Small limits, so that they are reached. */
  private drawConfig(): Partial<RaftConfig> {
    return {
      heartbeatTicks: 2,
      maxSizePerMessageBytes: this.prng.pick([1, 60, 400]) as number,
      maxInflightMessages: 1 + this.prng.int(4),
      maxCommittedBytesPerReady: 200,
      checkQuorum: this.options.seed % 4 !== 3,
      preVote: this.usesPreVote,
      random: () => this.prng.next(),
    };
  }

  private act(): void {
    const drawn = this.prng.next() * (this.actions.at(-1)?.upTo ?? 0);
    const action = this.actions.find(({ upTo }) => drawn < upTo)?.action as Action;
    const host = this.pickHost(action);
    switch (action) {
      case 'deliver':
      case 'duplicate':
      case 'lose':
        this.touchNetwork(action);
        break;
      case 'cut':
      case 'partition':
      case 'heal':
        this.touchLinks(action);
        break;
      case 'restart':
        if (host !== undefined) this.cluster.restart(host);
        break;
      default:
        if (host !== undefined) this.touchHost(action, host);
    }
    if (host?.isUp) this.cluster.check(host);
  }

  /** One of those that have something of the kind to do. */
  private pickHost(action: Action): SimulatedHost | undefined {
    return this.prng.pick([...this.cluster.hosts.values()].filter((host) => canDo(host, action)));
  }

  private touchNetwork(action: 'deliver' | 'duplicate' | 'lose'): void {
    const { prng } = this;
    const { network } = this.cluster;
    if (network.inTransit === 0) return;
    // Mostly in order, so that pipelines fill; else anything.
    const position = prng.chance(0.7) ? 0 : prng.int(network.inTransit);
    if (action === 'lose') network.lose(position);
    else this.cluster.deliver(position, action === 'duplicate');
  }

  private touchLinks(action: 'cut' | 'partition' | 'heal'): void {
    const { prng } = this;
    const { network } = this.cluster;
    const ids = this.ids();
    if (action === 'heal') network.heal();
    else if (action === 'cut') network.cutOneWay(prng.pick(ids) as bigint, prng.pick(ids) as bigint);
    else {
      const group = ids.filter(() => prng.chance(0.5));
      const rest = ids.filter((id) => !group.includes(id));
      network.partition(group, rest);
    }
  }

  private touchHost(action: Exclude<Action, 'restart'>, host: SimulatedHost): void {
    const { prng } = this;
    const { node } = host;
    switch (action) {
      case 'tick':
        node.tick();
        break;
      case 'campaign':
        node.campaign();
        break;
      case 'ready':
        host.takeReady();
        break;
      case 'write':
        host.write(1 + prng.int(3));
        break;
      case 'apply':
        host.apply(1 + prng.int(5));
        break;
      case 'checkpoint':
        host.checkpoint();
        break;
      case 'snapshot':
        host.snapshot(prng.int(10));
        break;
      case 'crash':
        host.crash(prng);
        break;
      case 'propose':
        attempt(() => node.propose(this.uniqueBytes()));
        break;
      case 'read':
        this.read(host);
        break;
      case 'transfer':
        node.transferLeader(prng.pick(this.ids()) as bigint);
        break;
      case 'unreachable':
        node.reportUnreachable(prng.pick(this.ids()) as bigint);
        break;
      case 'changeMembers':
        this.changeMembers(host);
    }
  }

  private read(host: SimulatedHost): void {
    const context = this.uniqueBytes();
    this.cluster.checker.asked(context);
    attempt(() => host.node.readIndex(context));
  }

  private changeMembers(host: SimulatedHost): void {
    const { prng } = this;
    if (host.node.status().state !== 'leader') return;
    const { voters, learners } = host.machine.confState;
    let type: ConfChangeType = ConfChangeType.ConfChangeRemoveNode;
    let node_id = prng.pick([...voters, ...learners]) ?? 0n;
    if (prng.chance(0.6)) {
      type = prng.chance(0.5) ? ConfChangeType.ConfChangeAddNode : ConfChangeType.ConfChangeAddLearnerNode;
      const promoted = type === ConfChangeType.ConfChangeAddNode ? prng.pick(learners) : undefined;
      node_id = promoted ?? BigInt(this.cluster.hosts.size + 1);
      if (node_id > BigInt(maxHosts)) return;
      if (!this.cluster.hosts.has(node_id)) this.cluster.addHost(node_id);
    }
    attempt(() => host.node.proposeConfChange(ConfChange.create({ type, node_id })));
  }

  /**
   * All faults end. The cluster must elect a leader, commit something new, and agree on it. Without pre-vote that may
   * take for ever: a member that campaigns in vain, in an outdated configuration, can always be a few terms ahead of
   * the only one that could win and that needs its vote.
   */
  private recover(): void {
    const { cluster } = this;
    cluster.network.heal();
    for (const host of cluster.hosts.values()) if (!host.isUp) cluster.restart(host);
    cluster.tick(60);
    for (let round = 0; round < 300; round++) {
      cluster.tick(1);
      const { leader } = cluster;
      if (leader === undefined) continue;
      attempt(() => leader.node.propose(this.uniqueBytes()));
      cluster.settle();
      if (this.hasConverged(leader)) return;
    }
    if (this.usesPreVote) throw new Error(`no progress after all faults ended:${this.describe()}`);
  }

  private hasConverged(leader: SimulatedHost): boolean {
    const { voters, learners } = leader.machine.confState;
    const { lastIndex, term } = leader.node.status();
    if (leader.node.term(lastIndex) !== term) return false;
    return [...voters, ...learners].every((id) => this.cluster.host(id).machine.index === lastIndex);
  }

  private ids(): bigint[] {
    return [...this.cluster.hosts.keys()];
  }

  private uniqueBytes(): Uint8Array {
    const bytes = Buffer.alloc(8 + this.prng.int(40));
    bytes.writeUInt32BE(++this.serial);
    return bytes;
  }

  private describe(): string {
    return [...this.cluster.hosts.values()]
      .map(({ node, machine }) => {
        const { id, term, state, lead, commit, lastIndex } = node.status();
        const { voters, learners } = machine.confState;
        return `\n  ${id}: ${state}, term ${term}, lead ${lead}, commit ${commit}/${lastIndex}, [${voters}] [${learners}]`;
      })
      .join('');
  }
}

function canDo(host: SimulatedHost, action: Action): boolean {
  if (!host.isUp) return action === 'restart';
  switch (action) {
    case 'restart':
      return false;
    case 'ready':
      return host.node.hasReady() && host.unwrittenReadys < maxUnwrittenReadys;
    case 'write':
      return host.unwrittenReadys > 0;
    case 'apply':
      return host.hasUnapplied;
    default:
      return true;
  }
}
