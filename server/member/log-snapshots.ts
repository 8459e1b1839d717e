/**
 * Snapshots of the state machine: taken every so many entries so that the log can be cut, and sent to peers that need
 * entries from before the cut (contract: disk-and-peer §3.3, §8.4).
 */
import type { BackendSnapshot } from '../backend/backend.ts';
import type { Logger } from '../base/logger.ts';
import { idToHex } from '../membership/mod.ts';
import type { ConfState, Message, Snapshot } from '../proto/gen/raft.ts';
import { encodeV2Store, type Snapshotter } from '../snap/mod.ts';
import type { Wal } from '../wal/mod.ts';
import type { MemberConfig } from './config.ts';
import type { RaftDriver } from './raft-driver.ts';
import type { StateMachine } from './state-machine.ts';

/** A follower that has just received a snapshot still needs the entries behind it for this long. */
const graceAfterTransferMs = 30_000;
const purgeIntervalMs = 30_000;

/** A snapshot is also taken when so much was applied since the last: the log lies in memory until it is cut. */
const snapshotBytes = 64 * 1024 * 1024;
/** Of the entries that are kept for peers to catch up on, as much as this; */
const catchUpBytes = 32 * 1024 * 1024;
/** and as much as this while there is a peer that lacks them, since a whole database costs more. */
const laggingBytes = 128 * 1024 * 1024;

export interface LogSnapshotsOptions {
  config: MemberConfig;
  driver: RaftDriver;
  wal: Wal;
  snapshotter: Snapshotter;
  machine(): StateMachine;
  confState(): ConfState;
  send(message: Message, database: BackendSnapshot): void;
  fatal(error: Error): void;
  log: Logger;
  /** Where the newest snapshot on disk stands. */
  snapshotIndex: number;
}

export class LogSnapshots {
  private readonly options: LogSnapshotsOptions;
  private snapshotIndex: number;
  /** What raft had applied since the start when the last snapshot was taken. */
  private bytesAtSnapshot = 0;
  /** The last entry that raft has handed out. The state machine is ahead of it while the log is replayed. */
  private appliedIndex: number;
  private saving: Promise<void> | undefined;
  private transfers = 0;
  /** By the clock that never jumps. */
  private lastTransferMs = Number.NEGATIVE_INFINITY;
  /** Entries up to here are to be forgotten, as soon as no peer needs them. */
  private compactTo = 0;
  private purgeTimer: NodeJS.Timeout | undefined;
  private purging: Promise<void> | undefined;
  private stopped = false;

  constructor(options: LogSnapshotsOptions) {
    this.options = options;
    this.snapshotIndex = options.snapshotIndex;
    this.appliedIndex = options.snapshotIndex;
  }

  start(): void {
    this.purgeTimer = setInterval(() => {
      this.compact();
      this.purge();
    }, purgeIntervalMs);
  }

  /** Takes no more snapshots; resolves when nothing is done to any file any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.purgeTimer);
    await Promise.all([this.saving, this.purging]);
  }

  /**
   * Takes a snapshot when enough entries were applied since the last. Not while the log is replayed: the state machine
   * is then ahead of raft, which must not be told of entries that it does not know as committed.
   */
  appliedTo(index: number): void {
    this.appliedIndex = index;
    if (index < this.options.machine().appliedIndex || this.stopped || this.saving !== undefined) return;
    const { config, driver } = this.options;
    const isLong = index - this.snapshotIndex > config.snapshotCount;
    if (!isLong && driver.node.appliedBytes() - this.bytesAtSnapshot <= snapshotBytes) return;
    this.saving = this.take()
      .catch((error: Error) => this.options.fatal(error))
      .finally(() => {
        this.saving = undefined;
      });
  }

  /** A snapshot from the leader replaced the state machine. */
  installed(index: number): void {
    this.snapshotIndex = index;
    this.appliedIndex = index;
    this.bytesAtSnapshot = this.options.driver.node.appliedBytes();
  }

  /** Sends the state as it is now to a peer that raft found to be behind the log. */
  sendTo(message: Message): void {
    const { log } = this.options;
    this.transfers++;
    this.readFor(message).catch((error: Error) => {
      this.transferEnded();
      this.options.driver.reportSnapshot(message.to, false);
      log.warn('failed to read the database for a snapshot', { to: idToHex(message.to), error: error.message });
    });
  }

  private async readFor(message: Message): Promise<void> {
    const { log, machine, send } = this.options;
    let snapshot: Snapshot | undefined;
    const database = await machine().backend.snapshot(() => {
      snapshot = this.describe();
    });
    log.info('sending database snapshot', { to: idToHex(message.to), 'snapshot-index': snapshot?.metadata.index });
    send({ ...message, snapshot }, database);
  }

  transferEnded(): void {
    this.transfers = Math.max(0, this.transfers - 1);
    this.lastTransferMs = performance.now();
  }

  /**
   * What a snapshot made now says of itself. While the log is replayed to a database that is ahead of it, the database
   * is of an index that raft does not know as committed: whoever got it would have a database ahead of its log, as one
   * has that lost the end of its log.
   *
   * @throws Error while the log is replayed
   */
  private describe(): Snapshot {
    const { machine, driver, confState } = this.options;
    const { appliedIndex: index } = this;
    const { appliedIndex, cluster } = machine();
    const term = driver.node.term(index);
    if (index !== appliedIndex || term === undefined) {
      throw new Error(`the log is replayed to the database, which is at ${appliedIndex}, up to ${index} so far`);
    }
    return {
      data: encodeV2Store({ ...cluster.v2StoreInput(), index }),
      metadata: { index, term, conf_state: confState() },
    };
  }

  /** The database is committed first, so that it is never behind a snapshot that the log begins at. */
  private async take(): Promise<void> {
    const { driver, log } = this.options;
    const snapshot = this.describe();
    this.bytesAtSnapshot = driver.node.appliedBytes();
    const { index, conf_state } = snapshot.metadata as { index: number; conf_state: ConfState };
    log.info('triggering snapshot', {
      'local-member-applied-index': index,
      'local-member-snapshot-index': this.snapshotIndex,
    });
    await this.options.machine().backend.commit();
    await driver.saveSnapshot(snapshot, conf_state);
    this.snapshotIndex = Math.max(this.snapshotIndex, index);
    log.info('saved snapshot', { 'snapshot-index': index });
    this.compactTo = Math.max(this.compactTo, 1, Math.min(index, this.endOfForgotten(index)));
    this.compact();
  }

  /** @returns the last entry that no peer is to catch up on any more */
  private endOfForgotten(snapshotIndex: number): number {
    const { config, driver } = this.options;
    const { node } = driver;
    const peers = [...node.status().progress.values()].filter(({ state }) => state !== 'snapshot');
    const lacked = Math.min(...peers.map(({ match }) => match));
    const tooMuch = Math.min(node.indexToFit(catchUpBytes), Math.max(lacked, node.indexToFit(laggingBytes)));
    return Math.max(snapshotIndex - config.snapshotCatchUpEntries, tooMuch);
  }

  /** A peer that was sent a snapshot needs the entries behind it: while that may be, they are kept for the time being. */
  private compact(): void {
    if (this.compactTo === 0 || this.transfers > 0) return;
    if (performance.now() - this.lastTransferMs <= graceAfterTransferMs) return;
    this.options.driver.compact(this.compactTo);
    this.compactTo = 0;
  }

  /** Removes log segments and snapshot files beyond what is to be kept. */
  private purge(): void {
    const { config, wal, snapshotter, log } = this.options;
    if (this.purging !== undefined) return;
    const work = async (): Promise<string[]> => [
      ...(config.maxWals > 0 ? await wal.purge(config.maxWals) : []),
      ...(config.maxSnapshots > 0 ? await snapshotter.purge(config.maxSnapshots) : []),
      ...(await snapshotter.removeDatabasesBelow(this.snapshotIndex)),
    ];
    this.purging = work()
      .then((removed) => {
        if (removed.length > 0) log.info('purged', { files: removed });
      })
      .catch((error: Error) => log.warn('failed to purge', { error: error.message }))
      .finally(() => {
        this.purging = undefined;
      });
  }
}
