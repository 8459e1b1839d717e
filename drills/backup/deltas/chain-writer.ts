/** Writes a chain: what `record` has returned from is there after any crash. One writer at a time. */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { nodeFileSystem, type StorageFile } from '../../../server/base/file-system.ts';
import { Event } from '../../../server/proto/gen/kv.ts';
import { LabError, messageOf } from '../../../toolkit/errors.ts';
import { renameDurably, writeFileAtomically } from '../../../toolkit/hosts/atomic-file.ts';
import { activeName, describeChain, sealedName } from './chain.ts';
import { Continuity } from './continuity.ts';
import { encodeEntry, type RevisionEntry } from './entry.ts';
import { type BodyEntry, encodeHeader, readSegment, type SegmentHeader, segmentFormat } from './segment.ts';

export interface NewChain {
  /** Names the chain and its folder. */
  readonly id: string;
  /** In hex. */
  readonly clusterId: string;
  readonly base: SegmentHeader['base'];
  /** When the backup was taken, in milliseconds since 1970. */
  readonly fromMs: number;
}

/** What was received of a revision. */
export type ReceivedRevision = Pick<RevisionEntry, 'revision' | 'events'>;

/** A segment is sealed when it has grown to this. */
const sealAtBytes = 16 * 1024 * 1024;

interface OpenSegment {
  readonly file: StorageFile;
  /** Over all that is durable in it. */
  readonly hash: Hash;
  sizeBytes: number;
  entries: number;
  /** Those among them that are no marks. */
  changes: number;
}

export class ChainWriter {
  readonly folder: string;
  /** Leases whose time the last segments tell. */
  readonly leases = new Set<bigint>();
  /** Leases of keys of the last segment of which the writer before had not learned for how long they were granted. */
  readonly unknownLeases = new Set<bigint>();
  private readonly continuity: Continuity;
  /** Of the segment that is open, or of the one that comes next. */
  private header: SegmentHeader;
  private lastAt: number;
  private segment: OpenSegment | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private failure: unknown;

  private constructor(folder: string, header: SegmentHeader, continuity: Continuity) {
    this.folder = folder;
    this.header = header;
    this.lastAt = header.fromMs;
    this.continuity = continuity;
  }

  /**
   * Begins a chain after a full backup.
   *
   * @param folder that of all chains
   */
  static async create(folder: string, { id, clusterId, base, fromMs }: NewChain): Promise<ChainWriter> {
    await mkdir(path.join(folder, id), { recursive: true, mode: 0o700 });
    const start = { format: segmentFormat, chain: id, number: 1, clusterId, base, fromMs } as const;
    const header = { ...start, fromRevision: base.revision + 1, previousSha256: null };
    const writer = new ChainWriter(path.join(folder, id), header, new Continuity(base.revision));
    // A chain is known by its first segment.
    await writer.exclusively(() => writer.openSegment());
    return writer;
  }

  /**
   * Goes on with a chain. What the writer before had begun to write is cut off, and what it had sealed gets its name.
   *
   * @param folder the chain's own
   * @returns undefined for a folder without a segment
   * @throws LabError LAB_DELTA_DAMAGED
   */
  static async open(folder: string): Promise<ChainWriter | undefined> {
    await tidyUp(folder);
    const chain = await describeChain(folder);
    const last = chain?.segments.at(-1);
    if (last === undefined) return undefined;
    const bytes = await readFile(last.file);
    const { header, entries, seal } = readSegment(bytes, last.file);
    const continuity = new Continuity(header.fromRevision - 1);
    for (const entry of entries) if (entry.kind === 'revision') continuity.accept(entry);
    const writer = new ChainWriter(folder, seal === undefined ? header : following(header, seal), continuity);
    writer.lastAt = last.lastAtMs;
    writer.noteLeases(entries);
    if (seal === undefined) {
      const hash = createHash('sha256').update(bytes);
      const file = await nodeFileSystem.open(last.file, 'write');
      writer.segment = { file, hash, sizeBytes: bytes.length, entries: entries.length, changes: changesOf(entries) };
    }
    return writer;
  }

  /** In hex. */
  get clusterId(): string {
    return this.header.clusterId;
  }

  get lastRevision(): number {
    return this.continuity.lastRevision;
  }

  /** The last moment of which the log tells, in milliseconds since 1970. */
  get lastAtMs(): number {
    return this.lastAt;
  }

  /** The revision of the backup that the chain begins with. */
  get baseRevision(): number {
    return this.header.base.revision;
  }

  /**
   * Takes revisions in the order in which they happened; those that are there already are compared.
   *
   * @param received.isLate they had happened before the connection was made
   * @returns how many were new, when they are durable
   * @throws LabError LAB_DELTA_FORK, LAB_DELTA_GAP, and nothing of them is written; LAB_DELTA_WRITE
   */
  record(revisions: readonly ReceivedRevision[], received: { atMs: number; isLate: boolean }): Promise<number> {
    return this.exclusively(async () => {
      const fresh = revisions.filter((each) => this.continuity.accept(each));
      const atMs = this.timeAfter(received.atMs);
      const { isLate } = received;
      await this.write(fresh.map(({ revision, events }) => ({ kind: 'revision', revision, atMs, isLate, events })));
      return fresh.length;
    });
  }

  /** Writes down for how long leases were granted. */
  recordLeases(granted: ReadonlyMap<bigint, number>): Promise<void> {
    return this.exclusively(async () => {
      await this.write([...granted].map(([id, ttlSeconds]) => ({ kind: 'lease', id, ttlSeconds })));
      for (const id of granted.keys()) this.leases.add(id);
    });
  }

  /** Writes down that the log had all there was at a moment, if its last revision is still this one. */
  mark(revision: number, atMs: number): Promise<void> {
    return this.exclusively(async () => {
      if (revision === this.lastRevision) await this.write([{ kind: 'mark', revision, atMs: this.timeAfter(atMs) }]);
    });
  }

  /** Ends the segment, if there is anything in it; it is never changed again. */
  seal(): Promise<void> {
    return this.exclusively(async () => {
      if (this.segment !== undefined && this.segment.entries > 0) await this.sealSegment(this.segment);
    });
  }

  /** As `seal`, unless there are only marks in it: of a cluster in which nothing happens, segments would pile up. */
  sealChanges(): Promise<void> {
    return this.exclusively(async () => {
      if (this.segment !== undefined && this.segment.changes > 0) await this.sealSegment(this.segment);
    });
  }

  /** Waits for all that was asked for before, and releases the file. */
  close(): Promise<void> {
    const done = this.queue.then(async () => {
      const { segment } = this;
      this.segment = undefined;
      this.failure ??= new Error('the writer is closed');
      await segment?.file.close();
    });
    this.queue = done.catch(() => undefined);
    return done;
  }

  private noteLeases(entries: readonly BodyEntry[]): void {
    for (const entry of entries) if (entry.kind === 'lease') this.leases.add(entry.id);
    for (const entry of entries) {
      if (entry.kind !== 'revision') continue;
      for (const event of entry.events) {
        const lease = Event.decode(event).kv?.lease ?? 0n;
        if (lease !== 0n && !this.leases.has(lease)) this.unknownLeases.add(lease);
      }
    }
  }

  /** One after the other; after a failure nothing more, since it is not known what has reached the disk. */
  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(async () => {
      if (this.failure !== undefined) throw this.failure;
      try {
        return await work();
      } catch (error) {
        this.failure = error instanceof LabError ? error : this.writeError(error);
        throw this.failure;
      }
    });
    this.queue = done.catch(() => undefined);
    return done;
  }

  private async write(entries: readonly BodyEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const segment = this.segment ?? (await this.openSegment());
    const bytes = Buffer.concat(entries.map(encodeEntry));
    await segment.file.write([bytes], segment.sizeBytes);
    await segment.file.datasync();
    segment.hash.update(bytes);
    segment.sizeBytes += bytes.length;
    segment.entries += entries.length;
    segment.changes += changesOf(entries);
    const last = entries.findLast((entry) => entry.kind !== 'lease');
    if (last !== undefined) this.lastAt = last.atMs;
    if (segment.sizeBytes >= sealAtBytes) await this.sealSegment(segment);
  }

  /** The header comes with the file, or the file does not come. */
  private async openSegment(): Promise<OpenSegment> {
    const name = path.join(this.folder, activeName);
    const bytes = encodeHeader(this.header);
    await writeFileAtomically(name, bytes, 0o600);
    const file = await nodeFileSystem.open(name, 'write');
    this.segment = { file, hash: createHash('sha256').update(bytes), sizeBytes: bytes.length, entries: 0, changes: 0 };
    return this.segment;
  }

  private async sealSegment(segment: OpenSegment): Promise<void> {
    const last = { lastRevision: this.lastRevision, lastAtMs: this.lastAt };
    const seal = { kind: 'seal', ...last, sha256: segment.hash.copy().digest('hex') } as const;
    const bytes = encodeEntry(seal);
    await segment.file.write([bytes], segment.sizeBytes);
    await segment.file.datasync();
    await segment.file.close();
    this.segment = undefined;
    await renameDurably(path.join(this.folder, activeName), path.join(this.folder, sealedName(this.header.number)));
    this.header = following(this.header, seal);
  }

  /** A clock that was set back must not make one revision seem earlier than the one before. */
  private timeAfter(atMs: number): number {
    return Math.max(this.lastAt, atMs);
  }

  private writeError(cause: unknown): LabError {
    return new LabError('LAB_DELTA_WRITE', `${this.folder} cannot be written: ${messageOf(cause)}`, {
      advice: 'free space there: what was recorded before is safe, and recording goes on from there',
      cause,
    });
  }
}

function changesOf(entries: readonly BodyEntry[]): number {
  return entries.filter(({ kind }) => kind !== 'mark').length;
}

function following(
  header: SegmentHeader,
  seal: { lastRevision: number; lastAtMs: number; sha256: string },
): SegmentHeader {
  const { lastRevision, lastAtMs, sha256 } = seal;
  const next = { number: header.number + 1, fromRevision: lastRevision + 1, fromMs: lastAtMs };
  return { ...header, ...next, previousSha256: sha256 };
}

/** Brings a folder that its writer left in the middle of something to where a writer can go on. */
async function tidyUp(folder: string): Promise<void> {
  const file = path.join(folder, activeName);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return;
  const { header, seal, wholeBytes } = readSegment(bytes, file);
  if (seal !== undefined) {
    await renameDurably(file, path.join(folder, sealedName(header.number)));
  } else if (wholeBytes < bytes.length) {
    // Nothing that counted is in it; it stays for whoever wants to know what happened.
    await writeFileAtomically(path.join(folder, 'cut-off'), bytes.subarray(wholeBytes), 0o600);
    const active = await nodeFileSystem.open(file, 'write');
    try {
      await active.truncate(wholeBytes);
      await active.datasync();
    } finally {
      await active.close();
    }
  }
}
