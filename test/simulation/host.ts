/** A machine in a simulated world with one member on it: the member as it is, from its data directory to its API. */
import { Logger, type LogRecord } from '../../server/base/logger.ts';
import type { MemberConfig } from '../../server/member/config.ts';
import { Member } from '../../server/member/member.ts';
import { Replica } from '../../server/member/replica.ts';
import { serverVersion } from '../../server/member/version.ts';
import type { InitialCluster } from '../../server/membership/mod.ts';
import { idToHex } from '../../server/membership/mod.ts';
import type { Prng } from '../../server/raft/testing/prng.ts';
import type { Checks } from './checks.ts';
import { SimulatedDisk } from './disk.ts';
import { serve } from './peers.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

export type Settings = Pick<
  MemberConfig,
  | 'heartbeatMs'
  | 'electionMs'
  | 'preVote'
  | 'snapshotCount'
  | 'snapshotCatchUpEntries'
  | 'backendBatchIntervalMs'
  | 'backendBatchLimit'
  | 'walSegmentSizeBytes'
  | 'walDirectBytes'
  | 'raftLimits'
  | 'strictReconfigCheck'
>;

export interface HostOptions {
  readonly name: string;
  readonly url: string;
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly checks: Checks;
  readonly settings: Settings;
  /** What the member is started with when it has no data yet. */
  readonly origin: () => { initialCluster: InitialCluster; state: 'new' | 'existing' };
  /** Told what happens on the machine, for the trace. */
  readonly log: (text: string) => void;
  /** The member ended although nothing was wrong with its machine. */
  readonly onFailure: (error: Error) => void;
  /** The process has ended by itself, and is to be started again some time. */
  readonly onEnd: (host: SimulatedHost) => void;
}

class Process implements Owner {
  isAlive = true;
  clockOffsetMs: number;
  pausedUntilMs = 0;
  readonly clockRate: number;

  constructor(clockRate: number, clockOffsetMs: number) {
    this.clockRate = clockRate;
    this.clockOffsetMs = clockOffsetMs;
  }
}

export type HostState = 'down' | 'starting' | 'serving' | 'removed' | 'lost';

export class SimulatedHost {
  readonly name: string;
  readonly url: string;
  readonly disk: SimulatedDisk;
  state: HostState = 'down';
  /** How fast the machine's clock runs; takes effect when the member is started. */
  clockRate = 1;
  /** Answers clients, while the member serves. */
  member: Member | undefined;
  replica: Replica | undefined;
  /** The member's id, once it has one. */
  id: bigint | undefined;
  private readonly options: HostOptions;
  private process = new Process(1, 0);
  private diskHasFailed = false;

  constructor(options: HostOptions) {
    this.options = options;
    this.name = options.name;
    this.url = options.url;
    this.disk = new SimulatedDisk(options.time, options.prng, (durationMs) => this.pause(durationMs));
    this.process.isAlive = false;
  }

  get isUp(): boolean {
    return this.process.isAlive;
  }

  /** What the member does belongs to it: see `VirtualTime.enter`. */
  get owner(): Owner {
    return this.process;
  }

  /** Starts the member's process. */
  start(): void {
    if (this.isUp || this.state === 'removed' || this.state === 'lost') return;
    const process = new Process(this.clockRate, this.process.clockOffsetMs);
    this.process = process;
    this.state = 'starting';
    this.options.log(`${this.name} starts`);
    this.options.time.after(0, process, () => {
      this.open(process).catch((error: Error) => this.startFailed(process, error));
    });
  }

  /** The process is killed; what it wrote is still there. */
  kill(): void {
    this.end('down', 'is killed');
  }

  /** The power fails: the process ends, and what it wrote without a sync may be lost. */
  losePower(): void {
    this.end('down', 'loses power');
    this.disk.losePower();
    this.diskHasFailed = false;
  }

  /** The disk is gone for good, and the machine with it: another one has to take the member's place. */
  loseDisk(): void {
    this.end('lost', 'loses its disk');
  }

  /**
   * Nothing happens in the process for a while, and it does not know: it was stopped, or its machine was. What holds it
   * up several times in one turn adds up.
   */
  pause(durationMs: number): void {
    this.process.pausedUntilMs = Math.max(this.process.pausedUntilMs, this.options.time.nowMs) + durationMs;
  }

  get isPaused(): boolean {
    return this.process.pausedUntilMs > this.options.time.nowMs;
  }

  /** Somebody sets the machine's wall clock. */
  shiftClock(byMs: number): void {
    this.process.clockOffsetMs += byMs;
  }

  /** Asks the process to stop, as an operator does. It goes on in time. */
  stop(): void {
    const { replica, process } = this;
    if (replica === undefined || this.state !== 'serving') return;
    this.options.log(`${this.name} is stopped`);
    this.member = undefined;
    this.state = 'starting';
    this.options.time.after(0, process, () => {
      const stopping = replica.handOver().then(() => {
        this.options.checks.stopped(replica.id);
        return replica.close();
      });
      stopping.then(
        () => this.endOf(process, 'down', 'has stopped'),
        (error: Error) => this.failed(process, error),
      );
    });
  }

  /** The next sync of the disk fails; the member has to end itself then. */
  failDisk(): void {
    this.diskHasFailed = true;
    this.disk.failNextSync = true;
  }

  private async open(process: Process): Promise<void> {
    const config = this.config(process);
    const replica = await Replica.open(config, {
      onFatal: (error) => this.failed(process, error),
      onRemoved: () => this.endOf(process, 'removed', 'was removed from the cluster'),
    });
    const { checks } = this.options;
    this.replica = replica;
    this.id = replica.id;
    checks.started(replica.id, replica.driver.node);
    serve(this.url, {
      owner: process,
      id: replica.id,
      handlers: {
        clusterId: replica.clusterId,
        serverVersion,
        clusterVersion: () => replica.cluster.version(),
        members: () => replica.cluster.members(),
        promoteMember: (id) => replica.reconfiguration.promoteHere(id),
        downgradeEnabled: async () => replica.cluster.downgrade().enabled,
        hashKv: async (revision) => {
          const { hash, compactRevision, currentRevision } = await replica.hashes.kv(revision);
          return { hash, compactRevision, revision: currentRevision };
        },
      },
    });
    replica.start();
    if (!process.isAlive) return;
    await replica.publish(new AbortController().signal);
    this.options.log(`${this.name} serves as ${idToHex(replica.id)}`);
    this.member = new Member(replica, config);
    this.state = 'serving';
  }

  private config(process: Process): MemberConfig {
    const { name, url, settings, origin } = this.options;
    const { initialCluster, state } = origin();
    return {
      ...settings,
      name,
      dataDir: '/data',
      initialCluster,
      initialClusterToken: 'simulation',
      initialClusterState: state,
      forceNewCluster: false,
      initialAdvertisePeerUrls: [url],
      advertiseClientUrls: [url],
      initialElectionTickAdvance: true,
      maxWals: 2,
      maxSnapshots: 2,
      unsafeNoFsync: false,
      quotaBackendBytes: -1,
      bootstrapDefragThresholdMegabytes: 0,
      maxTxnOps: 128,
      maxRequestBytes: 1_572_864,
      fs: this.disk.mount(process),
      log: new Logger({ enabled: (level) => level !== 'debug', write: (record) => this.write(process, record) }, ''),
      onDatabaseFailure: (error) => this.failed(process, error),
    };
  }

  private write(process: Process, { level, msg, fields }: LogRecord): void {
    if (!process.isAlive) return;
    const error = fields?.error === undefined ? '' : `: ${String(fields.error)}`;
    this.options.log(`${this.name} says ${level === 'info' ? '' : `${level}: `}${msg}${error}`);
  }

  /** A joining member may meet a cluster that it does not fit in yet: it ends, and is started again. */
  private startFailed(process: Process, error: Error): void {
    if (!process.isAlive) return;
    const mayFail = this.options.origin().state === 'existing' && this.id === undefined;
    if (!mayFail) {
      this.failed(process, error);
      return;
    }
    this.endOf(process, 'down', `cannot start: ${error.message}`);
    this.options.onEnd(this);
  }

  private failed(process: Process, error: Error): void {
    if (!process.isAlive) return;
    if (!this.diskHasFailed) {
      this.options.onFailure(new Error(`${this.name}: ${error.message}`, { cause: error }));
      return;
    }
    this.endOf(process, 'down', `ends itself: ${error.message}`);
    // What the disk had cached is gone with the fault, as after a loss of power.
    this.disk.losePower();
    this.diskHasFailed = false;
    this.options.onEnd(this);
  }

  private endOf(process: Process, state: HostState, what: string): void {
    if (process.isAlive) this.end(state, what);
  }

  private end(state: HostState, what: string): void {
    if (!this.isUp) return;
    this.process.isAlive = false;
    this.state = state;
    this.member = undefined;
    this.replica = undefined;
    if (this.id !== undefined) this.options.checks.stopped(this.id);
    this.options.log(`${this.name} ${what}`);
  }
}
