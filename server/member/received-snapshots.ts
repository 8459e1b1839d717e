/**
 * Databases that a leader sends to a member that is too far behind for the log (contract: disk-and-peer §3.4, §8.4).
 *
 * All that takes long happens before raft hears of the snapshot: the file is stored, read page by page, and its state is
 * opened, while the member goes on with the state that it has. What is left for the moment in which raft waits is to
 * give the file its name. A file that is damaged is refused, and the leader sends another.
 */
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import type { Logger } from '../base/logger.ts';
import { Cluster, idToHex } from '../membership/mod.ts';
import type { Message, Snapshot } from '../proto/gen/raft.ts';
import type { Snapshotter } from '../snap/mod.ts';
import type { MemberConfig } from './config.ts';
import { openReceived } from './database.ts';
import { replayedMembership } from './replayed-membership.ts';
import { StateMachine } from './state-machine.ts';
import { requireFittingVersion, UnfitVersionError } from './version-check.ts';

export interface ReceivedSnapshotsOptions {
  readonly config: MemberConfig;
  readonly clusterId: bigint;
  readonly snapshotter: Snapshotter;
  /** Where raft's log is committed to. */
  commitIndex(): number;
  /** Hands the message to raft. @returns whether raft wants the snapshot installed */
  offer(message: Message): boolean;
  /** The member cannot go on: no snapshot of this cluster will ever fit it. */
  fatal(error: UnfitVersionError): void;
  readonly log: Logger;
}

export class ReceivedSnapshots {
  private readonly options: ReceivedSnapshotsOptions;
  private readonly fs: FileSystem;
  /** Settles when the reception under way has ended, however it ended. */
  private receiving: Promise<void> | undefined;
  /** The state of the snapshot that raft wants installed, until it is: what comes meanwhile would touch its file. */
  private wanted: { readonly index: number; readonly machine: StateMachine } | undefined;
  private isClosed = false;
  /** Ends the wait for the next piece of a database. */
  private endWait: () => void = () => undefined;

  constructor(options: ReceivedSnapshotsOptions) {
    this.options = options;
    this.fs = options.config.fs ?? nodeFileSystem;
  }

  /**
   * Stores a database, checks it, opens its state and offers it to raft. When raft does not want it any more, it is
   * removed.
   *
   * @throws Error when another one is being received or installed, or this one cannot be used; nothing is left of it then
   */
  async receive(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.isClosed) throw errStopping();
    if (this.receiving !== undefined || this.wanted !== undefined) {
      throw new Error('another snapshot is being received: send this one again when that is done');
    }
    const reception = this.storeAndOffer(message, chunks);
    this.receiving = reception.catch(() => undefined);
    try {
      await reception;
    } finally {
      this.receiving = undefined;
    }
  }

  /**
   * Makes sure that a snapshot can be installed. To be asked before anything is written about it: a log that tells of a
   * snapshot whose database is missing keeps the member from starting.
   *
   * @throws Error saying what is missing
   */
  async check(snapshot: Snapshot): Promise<void> {
    const { index } = snapshot.metadata;
    const { snapshotter } = this.options;
    if (this.wanted?.index !== index) throw new Error(`there is no database for the snapshot at index ${index}`);
    if (await this.fs.exists(snapshotter.databasePath(index))) return;
    throw new Error(
      `${snapshotter.databasePath(index)} is missing: it was received and then removed, not by this member. Nothing was ` +
        'changed; start the member again, and the leader will send it once more.',
    );
  }

  /**
   * Hands out the state of the snapshot that `check` found installable. Its file still has to get the database's name:
   * until `installed` says that it has, every other snapshot is refused.
   */
  take(index: number): StateMachine {
    const { wanted } = this;
    if (wanted?.index !== index) throw new Error(`there is no database for the snapshot at index ${index}`);
    return wanted.machine;
  }

  /** The file of the snapshot at `index` has the database's name, and its state belongs to the member. */
  installed(index: number): void {
    if (this.wanted?.index === index) this.wanted = undefined;
  }

  /**
   * Breaks off a reception under way, waits until nothing is left of it, and closes what was not installed; the file of
   * that is removed at the next start or installation. To be called when nothing is being installed any more.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    this.endWait();
    await this.receiving;
    const machine = this.wanted?.machine;
    this.wanted = undefined;
    if (machine !== undefined) await drop(machine);
  }

  private async storeAndOffer(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { snapshotter, log, commitIndex } = this.options;
    const snapshot = message.snapshot as Snapshot;
    const { index } = snapshot.metadata;
    const { path, sizeBytes } = await snapshotter.saveDatabase(index, this.untilClosed(chunks));
    const fields = { 'snapshot-index': index, from: idToHex(message.from) };
    log.info('received and saved database snapshot', { ...fields, 'size-bytes': sizeBytes });
    let machine: StateMachine | undefined;
    try {
      // The log has brought the rest meanwhile: raft only answers.
      if (commitIndex() < index) machine = await this.open(snapshot, path);
      if (this.isClosed) throw errStopping();
      if (this.options.offer(message) && machine !== undefined) {
        this.wanted = { index, machine };
        return;
      }
    } catch (error) {
      if (machine !== undefined) await drop(machine);
      await snapshotter.removeDatabase(index);
      throw error;
    }
    log.info('did not need the received snapshot any more', fields);
    if (machine !== undefined) await drop(machine);
    await snapshotter.removeDatabase(index);
  }

  /** The leader may take its time over the next piece, or never send it: a member that stops does not wait for that. */
  private async *untilClosed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        if (this.isClosed) throw errStopping();
        const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
          this.endWait = () => reject(errStopping());
          iterator.next().then(resolve, reject);
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // Not waited for: it ends no sooner than the piece that is under way.
      iterator.return?.().catch(() => undefined);
    }
  }

  private async open(snapshot: Snapshot, path: string): Promise<StateMachine> {
    const { config, clusterId, log } = this.options;
    const { index } = snapshot.metadata;
    try {
      const backend = await openReceived(config, path);
      try {
        const progress = StateMachine.progressOf(backend);
        if (progress < index) throw new Error(`it holds the state at index ${progress} only`);
        const cluster = Cluster.load(clusterId, backend);
        requireFittingVersion(cluster.version(), cluster.downgrade());
        return await StateMachine.openInSlices(backend, cluster, config, replayedMembership(clusterId, snapshot, log));
      } catch (error) {
        await backend.close().catch(() => undefined);
        throw error;
      }
    } catch (cause) {
      // The leader would send it again and again.
      if (cause instanceof UnfitVersionError) this.options.fatal(cause);
      const reason = (cause as Error).message;
      throw new Error(`the database of the snapshot at index ${index} cannot be used (${reason}); it was removed`, {
        cause,
      });
    }
  }
}

function errStopping(): Error {
  return new Error('the member is stopping');
}

/** Closes a state that nobody has seen. */
async function drop({ store, backend }: StateMachine): Promise<void> {
  await store.close();
  await backend.close();
}
