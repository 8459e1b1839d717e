/** What goes wrong in a simulated world, and what operators do in the middle of it; all of it drawn. */
import type { Ready } from '../../server/raft/mod.ts';
import type { Prng } from '../../server/raft/testing/prng.ts';
import type { SimulatedHost } from './host.ts';
import type { NetworkManners, SimulatedNetwork } from './network.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

/** How often each thing happens in relation to the others. Each run favours some and leaves out others. */
const usualWeights = {
  losePower: 6,
  kill: 4,
  stop: 2,
  partition: 4,
  isolateLeader: 5,
  cutOneWay: 4,
  storm: 2,
  slowDisk: 3,
  failDisk: 1,
  loseDisk: 1,
  pause: 3,
  pauseLeader: 4,
  shiftClock: 2,
  moveLeader: 3,
  add: 6,
  promote: 8,
  remove: 4,
};
export type Fault = keyof typeof usualWeights | 'losePowerAtWrite';

/** For certain not done; after any other failure, a member may have been added. */
const refusals = /unhealthy cluster|too many learner|not enough started members/;

export interface NemesisOptions {
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly network: SimulatedNetwork;
  readonly hosts: () => readonly SimulatedHost[];
  /** Makes a machine for a member that is to join. */
  readonly addHost: () => SimulatedHost;
  /** Voters that the cluster began with. */
  readonly nodes: number;
  readonly electionMs: number;
  readonly log: (text: string) => void;
}

/** Machines that a cluster ever gets, beyond those that it began with. */
const maxJoiners = 8;

export class Nemesis {
  readonly counts = new Map<Fault, number>();
  private readonly options: NemesisOptions;
  private readonly weights: { fault: keyof typeof usualWeights; upTo: number }[] = [];
  private readonly meanPauseMs: number;
  private readonly meanDownMs: number;
  private readonly meanCutMs: number;
  /** How likely power fails while something is being written. */
  private readonly hairTrigger: number;
  private readonly manners: NetworkManners;
  /** Members whose disk is gone. */
  private readonly lost = new Set<bigint>();
  /** Somebody was asked to remove a member, which may still be done. */
  private hasRemoved = false;
  private joiners = 0;
  /** A machine for a member that the cluster has refused for now. */
  private joining: { host: SimulatedHost; asLearner: boolean } | undefined;
  private stopped = false;

  constructor(options: NemesisOptions) {
    this.options = options;
    const { prng, network } = options;
    let upTo = 0;
    for (const [fault, weight] of Object.entries(usualWeights) as [keyof typeof usualWeights, number][]) {
      upTo += weight * (prng.pick([0, 0.3, 1, 3]) as number);
      this.weights.push({ fault, upTo });
    }
    this.meanPauseMs = prng.pick([300, 1000, 3000]) as number;
    this.meanDownMs = prng.pick([200, 1000, 5000]) as number;
    this.meanCutMs = prng.pick([500, 2000, 6000]) as number;
    this.hairTrigger = prng.pick([0, 0, 0.002, 0.01]) as number;
    this.manners = { ...network.manners };
  }

  start(): void {
    this.pause(() => this.strike());
  }

  /** Nothing goes wrong any more, and what is broken is repaired. */
  stop(): void {
    this.stopped = true;
    const { network, hosts } = this.options;
    network.heal();
    network.manners = { loss: 0, duplication: 0, reordering: false, shortestMs: 0.5, longestMs: 5 };
    for (const host of hosts()) {
      host.disk.slowness = 1;
      host.start();
    }
  }

  /** A member's raft hands out work; power may fail in the middle of it. */
  onReady(host: SimulatedHost, ready: Ready): void {
    const { prng, time } = this.options;
    if (this.stopped || !ready.mustSync || !prng.chance(this.hairTrigger)) return;
    const { owner } = host;
    time.after(prng.next() * 10, undefined, () => {
      if (!owner.isAlive || this.stopped) return;
      this.count('losePowerAtWrite');
      host.losePower();
      this.restartLater(host);
    });
  }

  /** A process has ended by itself; somebody starts it again. */
  restartLater(host: SimulatedHost): void {
    const { prng, time } = this.options;
    time.after(prng.next() * 2 * this.meanDownMs, undefined, () => {
      host.clockRate = prng.pick([1, 1, 0.8, 0.95, 1.05, 1.25]) as number;
      host.start();
    });
  }

  private pause(then: () => void): void {
    const { time, prng } = this.options;
    time.after(-Math.log(1 - prng.next()) * this.meanPauseMs, undefined, () => {
      if (!this.stopped) then();
    });
  }

  private strike(): void {
    const { prng } = this.options;
    const drawn = prng.next() * (this.weights.at(-1)?.upTo ?? 0);
    const fault = this.weights.find(({ upTo }) => drawn < upTo)?.fault;
    if (fault !== undefined && this.inflict(fault)) this.count(fault);
    this.pause(() => this.strike());
  }

  /** @returns whether there was anything to do it to */
  private inflict(fault: keyof typeof usualWeights): boolean {
    const { prng } = this.options;
    switch (fault) {
      case 'losePower':
      case 'kill':
      case 'stop':
        return this.end(fault);
      case 'partition':
      case 'isolateLeader':
      case 'cutOneWay':
        return this.touchLinks(fault);
      case 'storm':
        return this.storm();
      case 'slowDisk':
      case 'failDisk':
        return this.touchDisk(fault);
      case 'loseDisk':
        return this.loseDisk();
      case 'pause':
      case 'pauseLeader':
      case 'shiftClock':
        return this.touchTime(fault);
      default:
        // Two operators at once, now and then.
        if (prng.chance(0.3)) this.operate(prng.pick(['add', 'promote', 'remove', 'moveLeader'] as const) ?? fault);
        return this.operate(fault);
    }
  }

  private end(fault: 'losePower' | 'kill' | 'stop'): boolean {
    const host = this.pickUp();
    if (host === undefined) return false;
    if (fault === 'stop') {
      const { owner } = host;
      host.stop();
      // It stops in its own time, and is started again when it has.
      this.restartWhenDown(host, owner);
      return true;
    }
    host[fault]();
    this.restartLater(host);
    return true;
  }

  /** Also when all faults have ended meanwhile: nobody else would start it. */
  private restartWhenDown(host: SimulatedHost, owner: Owner): void {
    this.options.time.after(500, undefined, () => {
      if (owner.isAlive) this.restartWhenDown(host, owner);
      else this.restartLater(host);
    });
  }

  private touchLinks(fault: 'partition' | 'isolateLeader' | 'cutOneWay'): boolean {
    const { prng, network, time, hosts, log } = this.options;
    const ids = hosts().flatMap(({ id }) => (id === undefined ? [] : [id]));
    const group = fault === 'isolateLeader' ? this.leaderIds() : ids.filter(() => prng.chance(0.5));
    const rest = ids.filter((id) => !group.includes(id));
    if (group.length === 0 || rest.length === 0) return false;
    if (fault === 'cutOneWay') network.cutOneWay(prng.pick(group) as bigint, prng.pick(rest) as bigint);
    else network.partition(group, rest);
    log(`${fault}: ${group.map((id) => id.toString(16))} | ${rest.map((id) => id.toString(16))}`);
    time.after(prng.next() * 2 * this.meanCutMs, undefined, () => {
      network.heal();
      log('all links are whole');
    });
    return true;
  }

  /** The network is at its worst for a while. */
  private storm(): boolean {
    const { network, time, prng } = this.options;
    network.manners = { loss: 0.3, duplication: 0.2, reordering: true, shortestMs: 1, longestMs: 400 };
    time.after(prng.next() * 4000, undefined, () => {
      if (!this.stopped) network.manners = { ...this.manners };
    });
    return true;
  }

  private touchDisk(fault: 'slowDisk' | 'failDisk'): boolean {
    const { prng, time, log } = this.options;
    const host = this.pickUp();
    if (host === undefined) return false;
    log(`${host.name}: ${fault}`);
    if (fault === 'failDisk') {
      host.failDisk();
      return true;
    }
    host.disk.slowness = prng.pick([10, 100, 1000]) as number;
    time.after(prng.next() * 5000, undefined, () => {
      host.disk.slowness = 1;
    });
    return true;
  }

  /** A member is lost for good, and an operator removes it. Others may be added in its place. */
  private loseDisk(): boolean {
    const { prng, hosts } = this.options;
    const serving = hosts().filter(({ member }) => member !== undefined);
    const members = serving[0]?.replica?.cluster.members() ?? [];
    const voters = members.filter(({ isLearner }) => !isLearner);
    // One at a time, and only while all the others are well: more than that a cluster need not survive.
    if (voters.length < (this.hasRemoved ? 4 : 3) || serving.length < members.length) return false;
    const lost = prng.pick(serving);
    if (lost?.id === undefined) return false;
    this.lost.add(lost.id);
    lost.loseDisk();
    this.removeLost(lost.name, lost.id);
    return true;
  }

  /** Asks for it until it is done, even when all faults have ended: the cluster is not whole before. */
  private removeLost(name: string, id: bigint): void {
    const { time, log } = this.options;
    time.after(1000, undefined, () => {
      const host = this.pickServing();
      if (host?.member !== undefined && host.replica !== undefined) {
        if (host.replica.cluster.isRemoved(id)) return;
        log(`removing ${name}, which is lost, is asked of ${host.name}`);
        time.enter(host.owner);
        host.member.memberRemove(id).catch((error: Error) => log(`removing ${name}: ${error.message}`));
      }
      this.removeLost(name, id);
    });
  }

  private touchTime(fault: 'pause' | 'pauseLeader' | 'shiftClock'): boolean {
    const { prng, log, electionMs, hosts } = this.options;
    const leaders = this.leaderIds();
    const host = fault === 'pauseLeader' ? hosts().find(({ id }) => id === leaders[0]) : this.pickUp();
    if (host === undefined || host.isPaused) return false;
    // Leaders long enough for the others to elect another one.
    const ms =
      fault === 'pauseLeader' ? electionMs * (1 + 3 * prng.next()) : prng.int(prng.pick([500, 5000]) as number);
    log(`${host.name}: ${fault} ${ms}`);
    if (fault === 'shiftClock') host.shiftClock(prng.chance(0.5) ? ms : -ms);
    else host.pause(ms);
    return true;
  }

  /** What operators do, through the members' own API. A refusal is theirs to bear. */
  private operate(fault: 'moveLeader' | 'add' | 'promote' | 'remove'): boolean {
    const { prng, time, log, nodes } = this.options;
    const host = this.pickServing();
    const { member, replica } = host ?? {};
    if (host === undefined || member === undefined || replica === undefined) return false;
    const members = replica.cluster.members();
    const voters = members.filter(({ isLearner }) => !isLearner);
    const learner = prng.pick(members.filter(({ isLearner }) => isLearner));
    const done = (what: string, work: () => Promise<unknown>): boolean => {
      log(`${what} is asked of ${host.name}`);
      time.enter(host.owner);
      work().then(
        () => log(`${what}: done`),
        (error: Error) => log(`${what}: ${error.message}`),
      );
      return true;
    };
    switch (fault) {
      case 'moveLeader': {
        const to = prng.pick(voters);
        return to !== undefined && done(`leadership for ${to.id.toString(16)}`, () => member.moveLeader(to.id));
      }
      case 'add': {
        const joining = this.nextJoining();
        if (joining === undefined) return false;
        const { host: joiner, asLearner } = joining;
        const what = `adding ${joiner.name} as a ${asLearner ? 'learner' : 'voter'}`;
        return done(what, async () => {
          try {
            await member.memberAdd([joiner.url], asLearner);
          } catch (error) {
            if (refusals.test((error as Error).message)) this.joining = joining;
            throw error;
          }
        });
      }
      case 'promote':
        return learner !== undefined && done(`promoting ${learner.name}`, () => member.memberPromote(learner.id));
      case 'remove': {
        const gone = prng.pick(voters.length > nodes || prng.chance(0.2) ? members : []);
        // Of two, the one that goes may be the only one that knows; with a lost one, the rest may be no quorum.
        if (gone === undefined || voters.length < 3 || members.some(({ id }) => this.lost.has(id))) return false;
        this.hasRemoved = true;
        return done(`removing ${gone.name}`, () => member.memberRemove(gone.id));
      }
    }
  }

  /** The machine to ask for: one that was refused, or a new one. */
  private nextJoining(): { host: SimulatedHost; asLearner: boolean } | undefined {
    const { prng, addHost } = this.options;
    const refused = this.joining;
    this.joining = undefined;
    if (refused !== undefined) return refused;
    if (this.joiners >= maxJoiners) return undefined;
    this.joiners++;
    const host = addHost();
    this.restartLater(host);
    return { host, asLearner: prng.chance(0.6) };
  }

  private leaderIds(): bigint[] {
    return this.options
      .hosts()
      .flatMap(({ replica }) => (replica?.lead === replica?.id && replica ? [replica.id] : []));
  }

  private pickUp(): SimulatedHost | undefined {
    return this.options.prng.pick(this.options.hosts().filter((host) => host.isUp && !host.isPaused));
  }

  private pickServing(): SimulatedHost | undefined {
    return this.options.prng.pick(this.options.hosts().filter((host) => host.member !== undefined && !host.isPaused));
  }

  private count(fault: Fault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }
}
