/** Full backups on a schedule, and the delta log of all that happens between them, for as long as it runs. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LabError, messageOf } from '../../../toolkit/errors.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';
import { LabLock } from '../../../toolkit/lab/lock.ts';
import type { Backup, Backups } from '../backup-store.ts';
import { chainPattern, deltasFolder, markDisproved, newChainId, readDisproof } from '../deltas/chain.ts';
import { ChainWriter } from '../deltas/chain-writer.ts';
import { follow } from '../deltas/follow.ts';
import { baseRevisionOf } from '../point-in-time/plan.ts';
import { type FullBackupOptions, FullBackups } from './full-backups.ts';
import { proveDeltas, removeReplays } from './prove-deltas.ts';
import type { ServiceStep } from './watch-over.ts';

export interface ContinuousOptions extends FullBackupOptions {
  /** Between two full backups. */
  readonly everyMs: number;
}

/** After a full backup that failed, the next is tried so much later, and no later than it is due. */
const retryFullMs = 30_000;
/** How often what was recorded goes to a store elsewhere: what is lost with this machine is not more. */
const mirrorEveryMs = 60_000;
const firstPauseMs = 200;
const longestPauseMs = 5000;
/** How long the log may take to reach a full backup that was just taken. */
const catchUpTimeoutMs = 60_000;

export class ContinuousBackup {
  private readonly lab: Lab;
  private readonly options: ContinuousOptions;
  private readonly backups: Backups;
  private readonly full: FullBackups;
  private readonly chainsFolder: string;
  private writer: ChainWriter | undefined;
  /** Why a new chain must begin with a full backup. */
  private wanted: string | undefined;
  /** Why the last full backup is not proven. */
  private unproved: unknown;
  /** Chains that another one has gone on with, as far as that was told. */
  private readonly forked = new Set<string>();
  /** Segments are stored and pruned one after the other: what is pruned must not be stored again meanwhile. */
  private segmentWork: Promise<unknown> = Promise.resolve();
  /** Wakes whoever waits for a full backup to be wanted, or for a chain to be there. */
  private wake = Promise.withResolvers<void>();

  /** @param backups where full backups go, and sealed segments as well if that is elsewhere */
  constructor(lab: Lab, backups: Backups, options: ContinuousOptions) {
    this.lab = lab;
    this.backups = backups;
    this.full = new FullBackups(lab, backups, options);
    this.options = options;
    this.chainsFolder = deltasFolder(lab.paths.backups);
  }

  /**
   * Runs until the signal fires; then the segment is sealed. Whatever fails meanwhile is told, and tried again.
   *
   * @throws LabError LAB_LOCKED when another one writes into this folder
   */
  async run(): Promise<void> {
    await this.exclusively(async () => {
      await Promise.all([this.followOnAndOn(), this.backUpOnAndOn(), this.mirrorOnAndOn()]);
    });
  }

  /**
   * Catches up with the cluster, takes one full backup, and ends: for a timer.
   *
   * @throws LabError LAB_LOCKED; LAB_BACKUP when the backup does not hold; RpcError, LabError with what failed
   */
  async once(): Promise<void> {
    await this.exclusively(async () => {
      await this.catchUp();
      await this.fullBackup(() => this.catchUp());
      if (this.unproved !== undefined) throw this.unproved;
    });
  }

  private async exclusively(work: () => Promise<void>): Promise<void> {
    const lock = await LabLock.acquire(this.chainsFolder, 'backup run');
    try {
      await this.openNewest();
      await this.full.count().catch((error: unknown) => this.trouble('full', error));
      await work();
    } finally {
      await this.retire();
      await lock.release();
    }
  }

  /** Goes on with the chain of before; one that cannot be read stays as it is, and another begins. */
  private async openNewest(): Promise<void> {
    await this.fetchSegments();
    await removeReplays(this.chainsFolder);
    const names = (await readdir(this.chainsFolder)).filter((name) => chainPattern.test(name)).sort();
    const newest = names.at(-1);
    if (newest !== undefined && this.backups.segments?.incomplete.has(newest)) {
      this.want(`the delta log ${newest} could not be fetched whole`);
      return;
    }
    try {
      if (newest !== undefined) this.writer = await openSound(path.join(this.chainsFolder, newest));
    } catch (error) {
      this.trouble('deltas', error);
    }
    if (this.writer === undefined) this.want('there is no delta log yet');
    // Whether another one has gone on with it is known before anything is added.
    else await this.mirror();
  }

  private async fetchSegments(): Promise<void> {
    const tell = (error: unknown): void => this.trouble('mirror', error);
    await this.backups.segments?.pull(this.chainsFolder, tell).catch(tell);
  }

  private async followOnAndOn(): Promise<void> {
    const { signal } = this.options;
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const { writer } = this;
      if (writer === undefined) {
        await this.woken();
        continue;
      }
      const before = writer.lastRevision;
      try {
        await this.followOnce(writer, false);
      } catch (error) {
        this.trouble('deltas', error);
        await this.recover(writer, error);
      }
      if (writer.lastRevision > before) pauseMs = firstPauseMs;
      await this.pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  private async followOnce(writer: ChainWriter, untilCaughtUp: boolean): Promise<void> {
    const { signal, metrics, onEvent } = this.options;
    const client = this.lab.client();
    let isTold = false;
    onEvent({ event: 'following', revision: writer.lastRevision });
    try {
      metrics.setConnected(true);
      await follow(client, writer, {
        signal,
        untilCaughtUp,
        onProgress: (recorded, cluster) => {
          metrics.progress(recorded, cluster, writer.lastAtMs);
          if (isTold || recorded < cluster) return;
          isTold = true;
          onEvent({ event: 'caught-up', revision: recorded });
        },
      });
    } finally {
      metrics.setConnected(false);
      client.close();
    }
  }

  private async catchUp(): Promise<void> {
    const { writer } = this;
    if (writer === undefined) return;
    try {
      await this.followOnce(writer, true);
    } catch (error) {
      if (!needsNewChain(error)) throw error;
      this.trouble('deltas', error);
      await this.recover(writer, error);
    }
  }

  /** After another history or a hole a new chain begins; after anything else this one goes on, from what is on disk. */
  private async recover(writer: ChainWriter, error: unknown): Promise<void> {
    if (needsNewChain(error)) {
      await this.retire();
      this.want(messageOf(error));
      return;
    }
    if (!(error instanceof LabError)) return;
    // What has reached the disk is not known after a write that failed.
    await writer.close();
    this.writer = undefined;
    while (this.writer === undefined && this.wanted === undefined && !this.options.signal.aborted) {
      await this.pause(longestPauseMs);
      await this.openAgain(writer.folder);
    }
  }

  private async openAgain(folder: string): Promise<void> {
    try {
      this.writer = await ChainWriter.open(folder);
      if (this.writer === undefined) this.want('the delta log is gone');
    } catch (error) {
      this.trouble('deltas', error);
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isGone || (error instanceof LabError && error.code === 'LAB_DELTA_DAMAGED')) this.want(messageOf(error));
    }
  }

  private async backUpOnAndOn(): Promise<void> {
    const { signal, everyMs } = this.options;
    let tryAt = 0;
    while (!signal.aborted) {
      const dueAt = this.wanted === undefined ? this.full.lastTakenMs + everyMs : 0;
      const waitMs = Math.max(dueAt, tryAt) - Date.now();
      if (waitMs > 0) {
        await Promise.race([this.pause(Math.min(waitMs, retryFullMs)), this.woken()]);
        continue;
      }
      try {
        await this.fullBackup();
        tryAt = 0;
      } catch (error) {
        this.trouble('full', error);
        tryAt = Date.now() + Math.min(retryFullMs, everyMs);
      }
    }
  }

  /** Whoever loses this machine has in the store what was sealed; what was not, the next run brings there. */
  private async mirrorOnAndOn(): Promise<void> {
    while (!this.options.signal.aborted && this.backups.segments !== undefined) {
      await this.pause(mirrorEveryMs);
      await this.writer?.sealChanges().catch(() => undefined);
      await this.mirror();
    }
  }

  private async mirror(): Promise<void> {
    const { segments } = this.backups;
    if (this.options.signal.aborted || segments === undefined) return;
    const forks = new Map<string, LabError>();
    try {
      await this.inTurn(() => segments.push(this.chainsFolder, (chain, error) => forks.set(chain, error)));
    } catch (error) {
      this.trouble('mirror', error);
    }
    for (const [chain, error] of forks) await this.leaveToOther(chain, error);
  }

  /** A chain that another writer has gone on with is not gone on with here: a new one begins. */
  private async leaveToOther(chain: string, error: LabError): Promise<void> {
    if (!this.forked.has(chain)) this.trouble('mirror', error);
    this.forked.add(chain);
    if (this.writer === undefined || path.basename(this.writer.folder) !== chain) return;
    await this.retire();
    this.want(error.message);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.segmentWork.then(work);
    this.segmentWork = done.catch(() => undefined);
    return done;
  }

  /**
   * Takes one, verifies it, proves the log by it, and removes what is no longer to be kept.
   *
   * @param catchUp brings the log up to the backup, if nobody else does
   */
  private async fullBackup(catchUp: () => Promise<void> = async () => undefined): Promise<void> {
    const { backup, before } = await this.full.take();
    await catchUp();
    if (this.wanted !== undefined) await this.beginChain(backup, this.wanted);
    else await this.proveLog(backup, before);
    await this.writer?.seal();
    await this.mirror();
    this.unproved = undefined;
    await this.full.verify(backup).catch((error: unknown) => {
      this.unproved = error;
      this.trouble('verify', error);
    });
    const current = this.writer === undefined ? '' : path.basename(this.writer.folder);
    const prune = () => this.full.prune(this.chainsFolder, current);
    await this.inTurn(prune).catch((error: unknown) => this.trouble('prune', error));
  }

  private async beginChain({ id, manifest }: Backup, reason: string): Promise<void> {
    const chain = newChainId(new Date(), manifest.clusterId, await readdir(this.chainsFolder));
    this.writer = await ChainWriter.create(this.chainsFolder, {
      id: chain,
      clusterId: manifest.clusterId,
      base: { backup: id, sha256: manifest.sha256, revision: baseRevisionOf({ manifest }) },
      fromMs: Date.parse(manifest.createdAt),
    });
    this.wanted = undefined;
    this.options.metrics.chainBegun();
    this.options.onEvent({ event: 'chain', id: chain, reason });
    this.rouse();
  }

  /** What the log lacks of a backup that was just taken, it gets while this waits. */
  private async proveLog(backup: Backup, before: readonly Backup[]): Promise<void> {
    const { signal, metrics, onEvent, verifyLevel } = this.options;
    const { writer } = this;
    if (writer === undefined || verifyLevel < 2) return;
    const { revision } = backup.manifest;
    const deadline = Date.now() + catchUpTimeoutMs;
    while (writer.lastRevision < revision && Date.now() < deadline && !signal.aborted) await this.pause(firstPauseMs);
    try {
      const chainId = path.basename(writer.folder);
      const { chainsFolder } = this;
      const options = { chainsFolder, backups: this.backups, signal };
      const revisions = await proveDeltas(chainId, backup, before, options);
      if (revisions === undefined) return;
      metrics.provenUpTo(revision);
      onEvent({ event: 'replayed', id: backup.id, revisions });
    } catch (error) {
      if (signal.aborted) return;
      this.trouble('deltas', error);
      // A proof that could not be carried out, for want of room perhaps, says nothing of the log.
      if (!(error instanceof LabError) || !error.code.startsWith('LAB_DELTA_')) return;
      await this.retire();
      this.want(error.message);
      await markDisproved(writer.folder, error.message);
      await this.beginChain(backup, error.message);
    }
  }

  /** Seals and closes what was written to; after a failure, what is on disk of it. */
  private async retire(): Promise<void> {
    const { writer } = this;
    this.writer = undefined;
    if (writer === undefined) return;
    try {
      await writer.seal().catch(() => undefined);
      await writer.close();
    } catch (error) {
      this.trouble('deltas', error);
    }
  }

  private want(reason: string): void {
    this.wanted = reason;
    this.rouse();
  }

  private rouse(): void {
    this.wake.resolve();
    this.wake = Promise.withResolvers<void>();
  }

  /** @returns when a full backup is wanted or a chain is there; or after a while, to look again */
  private async woken(): Promise<void> {
    await Promise.race([this.wake.promise, this.pause(longestPauseMs)]);
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.options.signal }).catch(() => undefined);
  }

  private trouble(step: ServiceStep, error: unknown): void {
    if (this.options.signal.aborted) return;
    this.options.metrics.failed(step);
    this.options.onEvent({ event: 'trouble', step, problem: messageOf(error) });
  }
}

/** @returns undefined for a chain without a segment, and for one that was disproved */
async function openSound(folder: string): Promise<ChainWriter | undefined> {
  return (await readDisproof(folder)) === undefined ? ChainWriter.open(folder) : undefined;
}

function needsNewChain(error: unknown): boolean {
  return error instanceof LabError && ['LAB_DELTA_FORK', 'LAB_DELTA_GAP'].includes(error.code);
}
