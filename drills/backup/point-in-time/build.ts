/** Makes the database file of a past revision: a backup's, with the deltas up to there. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, copyFile, stat, truncate } from 'node:fs/promises';
import { BoltDatabase, type WriteTx } from '../../../server/bolt/mod.ts';
import { trailerBytes } from '../../../server/client/mod.ts';
import { encodeRevision, isTombstone } from '../../../server/mvcc/revision.ts';
import { KeyValue } from '../../../server/proto/gen/kv.ts';
import { LabError, throwIfInterrupted } from '../../../toolkit/errors.ts';
import { applyLease, applyRevision, compareRevision, hasLease } from '../deltas/apply.ts';
import { readSegments } from '../deltas/chain.ts';
import type { RevisionEntry } from '../deltas/entry.ts';
import { baseRevisionOf, type RestorePlan } from './plan.ts';

export interface BuiltState {
  /** As the file has it, raised if that was asked for. */
  revision: number;
  /** The last revision of the cluster that is in it. */
  restoredRevision: number;
  /** When that one was recorded; undefined if the backup has it. */
  restoredAtMs: number | undefined;
  /** Of the first revision behind it, if the log has one: what a restore to a time gives up begins there. */
  nextAtMs: number | undefined;
  appliedRevisions: number;
  /** Live keys by name, as latin1 strings. */
  keys: string[];
  leases: number;
  /** Leases of live keys that neither the backup nor the log knows: those keys stay for ever. */
  unknownLeases: bigint[];
  /** Whether that one had happened before a connection was made: perhaps before the moment that was asked for. */
  isNextLate: boolean;
}

export interface BuildOptions {
  /** Raises the revision by so much, and marks all below as compacted. 0: leave it. */
  readonly bumpBy: number;
  readonly signal: AbortSignal;
  readonly progress?: ((text: string) => void) | undefined;
}

/** Changes that one commit takes, about. */
const commitBytes = 16 * 1024 * 1024;
/** The file is not to be padded. */
const growthBytes = 64 * 1024;

/**
 * Copies the plan's backup to `file`, applies the deltas and writes the SHA-256 at the end: a snapshot file as a member
 * would have given it out at that revision, but for what watches do not tell (docs/delta-log.md).
 *
 * @throws LabError LAB_DELTA_DAMAGED, LAB_DELTA_FORK, LAB_DELTA_GAP; what is in `file` then is of no use
 */
export async function buildState(plan: RestorePlan, file: string, options: BuildOptions): Promise<BuiltState> {
  const { snapshot, manifest } = plan.base;
  await copyFile(snapshot, file);
  const { size } = await stat(file);
  if (size % 512 === trailerBytes) await truncate(file, size - trailerBytes);
  const database = await BoltDatabase.open(file, { growthBytes });
  let built: BuiltState;
  try {
    built = await new Builder(database, plan, manifest.compactRevision, options).build();
  } finally {
    await database.close();
  }
  await seal(file);
  return built;
}

class Builder {
  private readonly database: BoltDatabase;
  private readonly plan: RestorePlan;
  private readonly compactRevision: number;
  private readonly options: BuildOptions;
  private readonly granted = new Map<bigint, number>();
  private restored: { revision: number; atMs: number | undefined };
  private applied = 0;
  private next: RevisionEntry | undefined;

  constructor(database: BoltDatabase, plan: RestorePlan, compactRevision: number, options: BuildOptions) {
    this.database = database;
    this.plan = plan;
    this.compactRevision = compactRevision;
    this.options = options;
    this.restored = { revision: baseRevisionOf(plan.base), atMs: undefined };
  }

  async build(): Promise<BuiltState> {
    for await (const { header, entries } of readSegments(this.plan.segments)) {
      throwIfInterrupted(this.options.signal);
      this.options.progress?.(`applying segment ${header.number}`);
      for (const entry of entries) if (entry.kind === 'lease') this.granted.set(entry.id, entry.ttlSeconds);
      await this.apply(entries.filter((entry) => entry.kind === 'revision'));
    }
    const { until } = this.plan;
    if ('revision' in until && this.restored.revision !== until.revision) {
      throw new LabError(
        'LAB_DELTA_GAP',
        `the delta log ends at revision ${this.restored.revision}, before ${until.revision}`,
      );
    }
    return this.finish();
  }

  private async apply(entries: readonly RevisionEntry[]): Promise<void> {
    let transaction = this.database.begin();
    let sizeBytes = 0;
    for (const entry of entries) {
      if (entry.revision <= baseRevisionOf(this.plan.base)) {
        compareRevision(transaction, entry, this.compactRevision);
        continue;
      }
      if (this.isBehindTarget(entry)) break;
      applyRevision(transaction, entry);
      this.restored = { revision: entry.revision, atMs: entry.atMs };
      this.applied++;
      sizeBytes += entry.events.reduce((sum, event) => sum + event.length, 0);
      if (sizeBytes < commitBytes) continue;
      await transaction.commit();
      transaction = this.database.begin();
      sizeBytes = 0;
    }
    await transaction.commit();
  }

  private isBehindTarget(entry: RevisionEntry): boolean {
    const { until } = this.plan;
    const isBehind = 'revision' in until ? entry.revision > until.revision : entry.atMs > until.atMs;
    if (isBehind) this.next ??= entry;
    return isBehind;
  }

  /** For how long a lease was granted is asked after a key has it: the answer may lie behind the target. */
  private async learnOfLeases(wanted: ReadonlySet<bigint>): Promise<void> {
    const { segments, following } = this.plan;
    const isUnknown = (id: bigint): boolean => !this.granted.has(id);
    if (following.length === 0 || ![...wanted].some(isUnknown)) return;
    try {
      for await (const { entries } of readSegments([...segments.slice(-1), ...following])) {
        throwIfInterrupted(this.options.signal);
        for (const entry of entries)
          if (entry.kind === 'lease' && isUnknown(entry.id)) this.granted.set(entry.id, entry.ttlSeconds);
        if (![...wanted].some(isUnknown)) return;
      }
    } catch (error) {
      // What is damaged there is behind the target, which can be reached all the same.
      if (!(error instanceof LabError) || !error.code.startsWith('LAB_DELTA_')) throw error;
    }
  }

  /** What is looked at when all revisions are there: leases of the keys that live, and the figures. */
  private async finish(): Promise<BuiltState> {
    const leaseOf = liveKeys(this.database);
    const transaction = this.database.begin();
    const unknown = new Set<bigint>();
    const lacking = new Set([...leaseOf.values()].filter((lease) => lease !== 0n && !hasLease(transaction, lease)));
    await this.learnOfLeases(lacking);
    for (const lease of lacking) {
      const ttlSeconds = this.granted.get(lease);
      if (ttlSeconds === undefined) unknown.add(lease);
      else applyLease(transaction, lease, ttlSeconds);
    }
    let leases = 0;
    transaction.scan('lease', Buffer.alloc(0), undefined, () => {
      leases++;
    });
    const { bumpBy } = this.options;
    const asInFile = this.applied === 0 ? this.plan.base.manifest.revision : this.restored.revision;
    const revision = bumpBy > 0 ? this.restored.revision + bumpBy : asInFile;
    if (bumpBy > 0) markCompacted(transaction, revision);
    await transaction.commit();
    return {
      revision,
      restoredRevision: this.restored.revision,
      restoredAtMs: this.restored.atMs,
      nextAtMs: this.next?.atMs,
      isNextLate: this.next?.isLate ?? false,
      appliedRevisions: this.applied,
      keys: [...leaseOf.keys()],
      leases,
      unknownLeases: [...unknown],
    };
  }
}

/** @returns the lease of each live key, 0 for none; keys as latin1 strings */
function liveKeys(database: BoltDatabase): Map<string, bigint> {
  const view = database.view();
  try {
    const live = new Map<string, bigint>();
    for (const [record, value] of view.pairs('key')) {
      const kv = KeyValue.decode(value);
      // The record of a raised revision has no key.
      if (kv.key.length === 0) continue;
      const name = Buffer.from(kv.key).toString('latin1');
      if (isTombstone(record)) live.delete(name);
      else live.set(name, kv.lease);
    }
    return live;
  } finally {
    view.close();
  }
}

/** As `etcdutl snapshot restore --bump-revision --mark-compacted` does it (contract: disk-and-peer §7). */
function markCompacted(transaction: Pick<WriteTx, 'put'>, revision: number): void {
  const record = encodeRevision(revision, 0);
  transaction.put('key', record, Buffer.alloc(0));
  transaction.put('meta', Buffer.from('scheduledCompactRev'), record);
}

async function seal(file: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  await appendFile(file, hash.digest(), { flush: true });
}
