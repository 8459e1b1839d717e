/** What a running member does besides serving requests: compares its data with the other members', and compacts. */
import { type Clock, systemClock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { PeerClient } from '../peer/mod.ts';
import { AlarmRequest, AlarmRequest_AlarmAction, AlarmType, CompactionRequest } from '../proto/gen/rpc.ts';
import { type AutoCompaction, autoCompactor } from './auto-compactor.ts';
import { type MemberConfig, requestTimeoutMs } from './config.ts';
import { CorruptionCheck } from './corruption-check.ts';
import { askPeers } from './peer-hashes.ts';
import { Repeated } from './repeated.ts';
import type { Replica } from './replica.ts';

export interface UpkeepConfig {
  /** Refuse to start on data that is not that of the other members. */
  readonly initialCorruptCheck: boolean;
  /** Between two comparisons of all data; 0: never. */
  readonly corruptCheckTimeMs: number;
  /** Between two comparisons of what compactions have deleted; 0: never. */
  readonly compactHashCheckTimeMs: number;
  readonly autoCompaction: AutoCompaction;
}

export class Upkeep {
  private readonly config: UpkeepConfig;
  private readonly replica: Replica;
  private readonly log: Logger;
  private readonly client: PeerClient;
  private readonly check: CorruptionCheck;
  private readonly repeated: Repeated[] = [];

  constructor(
    replica: Replica,
    config: UpkeepConfig,
    { peerTls, electionMs, log }: Pick<MemberConfig, 'peerTls' | 'electionMs' | 'log'>,
    clock: Clock = systemClock,
  ) {
    this.config = config;
    this.replica = replica;
    this.log = log.at('member/corruption');
    this.client = new PeerClient({ ...(peerTls && { tls: peerTls }), timeoutMs: requestTimeoutMs({ electionMs }) });
    const peers = { localId: replica.id, clusterId: replica.clusterId, client: this.client };
    this.check = new CorruptionCheck({
      localId: replica.id,
      hashKv: (revision) => replica.hashes.kv(revision),
      compactionHashes: () => replica.machine.store.compactionHashes(),
      askPeers: (revision) => askPeers({ ...peers, members: () => replica.cluster.members() }, revision),
      readBarrier: () => replica.reads.wait(),
      raiseCorrupt: (id) => this.raiseCorrupt(id),
      log: this.log,
    });
    const { corruptCheckTimeMs, compactHashCheckTimeMs } = config;
    if (corruptCheckTimeMs > 0) this.checkEvery(clock, corruptCheckTimeMs, () => this.check.now());
    if (compactHashCheckTimeMs > 0) this.checkEvery(clock, compactHashCheckTimeMs, () => this.check.afterCompactions());
    const compactor = autoCompactor(config.autoCompaction, {
      currentRevision: () => replica.machine.store.currentRevision,
      isLeader: () => replica.lead === replica.id,
      compact: (revision) => this.compact(revision),
      clock,
      log: log.at('member/auto-compactor'),
    });
    if (compactor !== undefined) this.repeated.push(compactor);
  }

  /**
   * Before the replica is started, if that is wanted.
   *
   * @throws CorruptionError
   */
  async beforeStart(): Promise<void> {
    if (this.config.initialCorruptCheck) await this.check.atStart();
  }

  start(): void {
    for (const each of this.repeated) each.start();
  }

  stop(): void {
    for (const each of this.repeated) each.stop();
    this.client.close();
  }

  /** The leader alone compares. */
  private checkEvery(clock: Clock, intervalMs: number, check: () => Promise<void>): void {
    const work = async (): Promise<void> => {
      if (this.replica.lead === this.replica.id) await check();
    };
    const onError = (error: Error): void => this.log.warn('failed to check for corruption', { error: error.message });
    this.repeated.push(new Repeated(clock, intervalMs, work, onError));
  }

  private raiseCorrupt(memberID: bigint): void {
    const { proposer, machine } = this.replica;
    const alarm = AlarmType.CORRUPT;
    if (machine.alarms.list(alarm).some((raised) => raised.memberID === memberID)) return;
    const { ACTIVATE: action } = AlarmRequest_AlarmAction;
    proposer
      .propose({ alarm: AlarmRequest.create({ action, memberID, alarm }) })
      .catch((error: Error) => this.log.error('failed to raise the CORRUPT alarm', { error: error.message }));
  }

  private async compact(revision: number): Promise<void> {
    const request = { compaction: CompactionRequest.create({ revision }) };
    const { error } = await this.replica.proposer.propose(request);
    if (error !== undefined) throw error;
  }
}
