/**
 * A whole cluster in one thread, driven at random: what happens next, to whom, is drawn from one seed, and the checks
 * run after each step. The same seed gives the same run.
 */
import { ConfChange, ConfChangeType, MessageType } from '../../proto/gen/raft.ts';
import { ProposalDropped } from '../mod.ts';
import { Checker } from './checker.ts';
import { SimulatedHost } from './host.ts';
import { SimulatedNetwork } from './network.ts';
import { Prng } from './prng.ts';

export interface SimulationOptions {
  seed: number;
  members: number;
  steps: number;
  /** How often, in relation to each other, what may happen does. */
  weights?: Partial<Record<Action, number>>;
  skipsSync?: boolean;
}

const defaultWeights = {
  tick: 120,
  deliver: 500,
  duplicate: 10,
  lose: 20,
  ready: 300,
  write: 200,
  apply: 150,
  propose: 60,
  read: 20,
  campaign: 1,
  transfer: 2,
  changeMembers: 4,
  crash: 4,
  restart: 8,
  cut: 3,
  partition: 2,
  heal: 6,
  checkpoint: 10,
  snapshot: 6,
  unreachable: 3,
} as const;
export type Action = keyof typeof defaultWeights;

/** Members that are ever started, at most; ids of removed ones are not used again. */
const maxHosts = 8;
const maxUnwrittenReadys = 8;

export class Simulation {
  readonly checker = new Checker();
  readonly hosts = new Map<bigint, SimulatedHost>();
  readonly network = new SimulatedNetwork();
  private readonly options: SimulationOptions;
  private readonly prng: Prng;
  private readonly actions: { action: Action; upTo: number }[] = [];
  private serial = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.prng = new Prng(options.seed);
    let upTo = 0;
    for (const [action, weight] of Object.entries({ ...defaultWeights, ...options.weights })) {
      upTo += weight;
      this.actions.push({ action: action as Action, upTo });
    }
    this.network.onLost = ({ type, from, to }) => {
      if (type === MessageType.MsgSnap) this.report(from, to, false);
    };
    const voters = Array.from({ length: options.members }, (_, i) => BigInt(i + 1));
    this.checker.bootstrapped(voters.length);
    for (const id of voters) this.addHost(id, voters);
  }

  /** Runs all steps, then lets the cluster recover. @throws Error naming seed and step, with the cause */
  run(): void {
    let step = 0;
    try {
      for (; step < this.options.steps; step++) this.act();
      this.settle();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`seed ${this.options.seed}, step ${step}: ${reason}`, { cause });
    }
  }

  private act(): void {
    const drawn = this.prng.next() * (this.actions.at(-1)?.upTo ?? 0);
    const action = this.actions.find(({ upTo }) => drawn < upTo)?.action as Action;
    const host = this.prng.pick([...this.hosts.values()]) as SimulatedHost;
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
        if (!host.isUp) this.restart(host);
        break;
      default:
        if (host.isUp) this.touchHost(action, host);
    }
    if (host.isUp) this.checker.check(host, this.hosts);
  }

  private touchNetwork(action: 'deliver' | 'duplicate' | 'lose'): void {
    const { network, prng } = this;
    if (network.inTransit === 0) return;
    // Mostly in order, so that pipelines fill; else anything.
    const position = prng.chance(0.7) ? 0 : prng.int(network.inTransit);
    if (action === 'lose') network.lose(position);
    else this.deliver(position, action === 'duplicate');
  }

  private deliver(position: number, keep: boolean): void {
    const message = this.network.take(position, keep);
    if (message === undefined) return;
    const host = this.hosts.get(message.to);
    const arrives = host?.isUp === true;
    if (arrives) {
      host.node.step(message);
      this.checker.check(host, this.hosts);
    }
    if (message.type === MessageType.MsgSnap && !keep) this.report(message.from, message.to, arrives);
  }

  private touchLinks(action: 'cut' | 'partition' | 'heal'): void {
    const { prng, network } = this;
    const ids = [...this.hosts.keys()];
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
        if (node.hasReady() && host.unwrittenReadys < maxUnwrittenReadys) host.takeReady();
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
        this.attempt(() => node.propose(this.uniqueBytes()));
        break;
      case 'read':
        this.read(host);
        break;
      case 'transfer':
        node.transferLeader(prng.pick([...this.hosts.keys()]) as bigint);
        break;
      case 'unreachable':
        node.reportUnreachable(prng.pick([...this.hosts.keys()]) as bigint);
        break;
      case 'changeMembers':
        this.changeMembers(host);
    }
  }

  private read(host: SimulatedHost): void {
    const context = this.uniqueBytes();
    this.checker.asked(context);
    this.attempt(() => host.node.readIndex(context));
  }

  private changeMembers(host: SimulatedHost): void {
    const { prng } = this;
    const { voters, learners } = host.machine.confState;
    let type: ConfChangeType = ConfChangeType.ConfChangeRemoveNode;
    let node_id = prng.pick([...voters, ...learners]) ?? 0n;
    if (prng.chance(0.6)) {
      type = prng.chance(0.5) ? ConfChangeType.ConfChangeAddNode : ConfChangeType.ConfChangeAddLearnerNode;
      const promoted = type === ConfChangeType.ConfChangeAddNode ? prng.pick(learners) : undefined;
      node_id = promoted ?? BigInt(this.hosts.size + 1);
      if (node_id > BigInt(maxHosts)) return;
      if (!this.hosts.has(node_id)) this.addHost(node_id, []);
    }
    this.attempt(() => host.node.proposeConfChange(ConfChange.create({ type, node_id })));
  }

  /** All faults end. The cluster must elect a leader, commit something new, and agree on it. */
  private settle(): void {
    this.network.heal();
    for (const host of this.hosts.values()) if (!host.isUp) this.restart(host);
    for (let round = 0; round < 400; round++) {
      for (const host of this.hosts.values()) host.node.tick();
      this.drain();
      if (round < 60) continue;
      const leader = this.leader();
      if (leader === undefined) continue;
      this.attempt(() => leader.node.propose(this.uniqueBytes()));
      this.drain();
      if (this.hasConverged(leader)) return;
    }
    throw new Error(`no progress after all faults ended:${this.describe()}`);
  }

  /** Lets everything under way come to its end. */
  private drain(): void {
    for (let turn = 0; turn < 10_000; turn++) {
      for (const host of this.hosts.values()) {
        if (host.node.hasReady()) host.takeReady();
        host.write(Number.POSITIVE_INFINITY);
        host.apply(Number.POSITIVE_INFINITY);
        this.checker.check(host, this.hosts);
      }
      while (this.network.inTransit > 0) this.deliver(0, false);
      if ([...this.hosts.values()].every((host) => host.isIdle)) return;
    }
    throw new Error('the cluster never comes to rest');
  }

  private leader(): SimulatedHost | undefined {
    const leaders = [...this.hosts.values()].filter((host) => host.node.status().state === 'leader');
    return leaders.sort((a, b) => b.node.status().term - a.node.status().term)[0];
  }

  private hasConverged(leader: SimulatedHost): boolean {
    const { voters, learners } = leader.machine.confState;
    const { lastIndex, term } = leader.node.status();
    if (leader.node.term(lastIndex) !== term) return false;
    return [...voters, ...learners].every((id) => this.hosts.get(id)?.machine.index === lastIndex);
  }

  private addHost(id: bigint, bootstrapVoters: readonly bigint[]): void {
    const host = new SimulatedHost(
      {
        config: {
          id,
          electionTicks: 10,
          heartbeatTicks: 2,
          maxSizePerMessageBytes: 200,
          maxInflightMessages: 4,
          maxCommittedBytesPerReady: 200,
          checkQuorum: this.options.seed % 4 !== 3,
          preVote: this.options.seed % 2 === 0,
          random: () => this.prng.next(),
        },
        send: (messages) => this.network.send(messages),
        skipsSync: this.options.skipsSync === true,
      },
      this.checker,
    );
    if (bootstrapVoters.length > 0) host.bootstrap(bootstrapVoters);
    this.hosts.set(id, host);
    host.start();
  }

  private restart(host: SimulatedHost): void {
    host.start();
    this.checker.restarted(host);
    this.checker.check(host, this.hosts);
  }

  private report(from: bigint, to: bigint, ok: boolean): void {
    const host = this.hosts.get(from);
    if (host?.isUp) host.node.reportSnapshot(to, ok);
  }

  private attempt(what: () => void): void {
    try {
      what();
    } catch (error) {
      if (!(error instanceof ProposalDropped)) throw error;
    }
  }

  private uniqueBytes(): Uint8Array {
    const bytes = Buffer.alloc(8 + this.prng.int(40));
    bytes.writeUInt32BE(++this.serial);
    return bytes;
  }

  private describe(): string {
    return [...this.hosts.values()]
      .map(({ node, machine }) => {
        const { id, term, state, lead, commit, lastIndex } = node.status();
        const { voters, learners } = machine.confState;
        return `\n  ${id}: ${state}, term ${term}, lead ${lead}, commit ${commit}/${lastIndex}, [${voters}] [${learners}]`;
      })
      .join('');
  }
}
