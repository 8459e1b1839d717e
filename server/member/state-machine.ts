/**
 * The replicated state machine as one piece: takes committed log entries in order, whatever they hold, and keeps the
 * record of how far it has come (`meta/consistent_index`) in the same transaction as what it did.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AlarmStore, Applier, type ApplyResult, Quota } from '../apply/mod.ts';
import { AuthStore, defaultBcryptCost, hashSync, SimpleTokens } from '../auth/mod.ts';
import type { BoltBackend } from '../backend/bolt-backend.ts';
import type { Logger } from '../base/logger.ts';
import { atOnce, inSlices, type Steps } from '../base/slices.ts';
import { BoltError } from '../bolt/mod.ts';
import type { EtcdError } from '../errors/etcd-error.ts';
import { Lessor } from '../lease/mod.ts';
import type { Cluster, MembershipChange } from '../membership/mod.ts';
import { MvccStore } from '../mvcc/mod.ts';
import type { Event } from '../proto/gen/kv.ts';
import type { ConfChange, ConfState, Entry } from '../proto/gen/raft.ts';
import { isConfChange } from '../raft/mod.ts';
import { type MemberConfig, type MemberObserver, minLeaseTtlSeconds } from './config.ts';
import { type LoggedEntry, operationOf, readEntry } from './logged-entry.ts';
import { requireFittingVersion, UnfitVersionError } from './version-check.ts';

/** How a compaction makes room for requests: its batches and the pause between them (contract: disk-and-peer §5.2). */
const defaultCompactionBatchRecords = 1000;
const defaultCompactionPauseMs = 10;

const consistentIndexKey = Buffer.from('consistent_index');
const termKey = Buffer.from('term');
const confStateKey = Buffer.from('confState');

/** Upstream's; a member whose configuration names no tokens is one of a test. */
const defaultTokenTtlMs = 300_000;

/** Upstream's interval between two checkpoints of a lease. */
const checkpointIntervalMs = 5 * 60_000;

/** What applying one entry came to, for whoever waits for it. */
export type EntryOutcome =
  | { kind: 'none' }
  | { kind: 'request'; id: bigint; result: ApplyResult }
  | { kind: 'conf-change'; id: bigint; confState: ConfState; change?: MembershipChange; error?: EtcdError };

/** What of a member's configuration concerns its state. */
export type StateMachineConfig = Pick<
  MemberConfig,
  | 'log'
  | 'quotaBackendBytes'
  | 'compactionBatchRecords'
  | 'compactionPauseMs'
  | 'heartbeatMs'
  | 'electionMs'
  | 'leaseCheckpoint'
  | 'leaseCheckpointPersist'
  | 'observe'
  | 'tokens'
  | 'bcryptCost'
>;

export class StateMachine {
  readonly backend: BoltBackend;
  readonly store: MvccStore;
  readonly cluster: Cluster;
  readonly applier: Applier;
  readonly alarms: AlarmStore;
  readonly quota: Quota;
  readonly lessor: Lessor;
  readonly auth: AuthStore;
  /** Hears of every change of the store. */
  onChange: ((revision: number, events: Event[]) => void) | undefined;
  private readonly log: Logger;
  /** The last applied entry, which `backend` holds or will hold with its next commit. */
  appliedIndex: number;
  /** 0 while it is not known; see `learnTerm`. */
  appliedTerm: number;
  /** The membership as of the entry that is replayed; undefined when the log's snapshot does not tell. */
  private readonly replayed: Cluster | undefined;
  private readonly observeApplied: MemberObserver['applied'];
  private confState: ConfState | undefined;
  private confStateChanged = false;

  /**
   * Opens the state that `backend` holds, at once: for a member that does not take part yet.
   *
   * @param replayed the membership as of where the log begins. Entries that `backend` holds already are replayed for
   *   raft's sake, and raft must not be told of a change that was refused; the membership in `backend` is later by then.
   */
  static open(...state: ConstructorParameters<typeof StateMachine>): StateMachine {
    const machine = new StateMachine(...state);
    atOnce(machine.restoreSteps());
    machine.resume();
    return machine;
  }

  /** As `open`, beside everything else that the member does. What is to be written comes with `resume`. */
  static async openInSlices(...state: ConstructorParameters<typeof StateMachine>): Promise<StateMachine> {
    const machine = new StateMachine(...state);
    await inSlices(machine.restoreSteps());
    return machine;
  }

  /** Use `open`, or `openInSlices`. */
  constructor(backend: BoltBackend, cluster: Cluster, config: StateMachineConfig, replayed?: Cluster) {
    this.backend = backend;
    this.cluster = cluster;
    this.log = config.log;
    this.replayed = replayed;
    this.observeApplied = config.observe?.applied;
    this.lessor = new Lessor({
      backend,
      now: () => performance.now(),
      minTtlSeconds: minLeaseTtlSeconds(config),
      checkpointIntervalMs: config.leaseCheckpoint ? checkpointIntervalMs : undefined,
      persistsCheckpoints: () => config.leaseCheckpointPersist ?? false,
      observer: config.observe?.leases,
    });
    this.store = new MvccStore(backend, {
      compactionBatchRecords: positiveOr(defaultCompactionBatchRecords, config.compactionBatchRecords),
      yieldControl: () => delay(positiveOr(defaultCompactionPauseMs, config.compactionPauseMs)),
      onCompaction: config.observe?.compaction,
      onChange: (revision, events) => {
        this.lessor.keysChanged(events);
        this.onChange?.(revision, events);
      },
      onRestore: (key, lease) => this.lessor.restoreKey(key, lease),
    });
    this.alarms = new AlarmStore(backend);
    this.auth = new AuthStore({
      backend,
      tokens: config.tokens ?? new SimpleTokens(defaultTokenTtlMs),
      hashNow: (password) => hashSync(password, config.bcryptCost ?? defaultBcryptCost),
    });
    this.quota = new Quota(config.quotaBackendBytes, () => backend.sizeBytes());
    this.applier = new Applier({
      store: this.store,
      alarms: this.alarms,
      quota: this.quota,
      leases: this.lessor,
      auth: this.auth,
      membership: {
        setClusterVersion: ({ ver }) => this.setClusterVersion(ver),
        setMemberAttributes: ({ member_ID, member_attributes }) =>
          cluster.setAttributes(member_ID, {
            name: member_attributes?.name ?? '',
            clientURLs: member_attributes?.client_urls ?? [],
          }),
        setDowngradeInfo: ({ enabled, ver }) => cluster.setDowngrade({ enabled, targetVersion: ver }),
      },
    });
    this.appliedIndex = StateMachine.progressOf(backend);
    this.appliedTerm = readUint64(backend.get('meta', termKey));
    backend.onBeforeCommit(() => this.recordProgress());
  }

  /** Takes over what outlives a state, the tokens of users, and takes up what was interrupted. */
  resume(): void {
    this.auth.restore();
    const { compaction } = this.store.resume();
    if (compaction === undefined) return;
    const fields = { 'scheduled-compact-revision': this.store.compactRevision };
    this.log.info('resuming scheduled compaction', fields);
    compaction.then(
      () => this.log.info('finished scheduled compaction', fields),
      // A store that is closed goes on after the next start; a backend that fails says so itself.
      () => undefined,
    );
  }

  private *restoreSteps(): Steps<void> {
    // In this order: the keys bring their leases back.
    yield* this.lessor.restoreSteps();
    yield* this.store.restoreSteps();
    this.alarms.restore();
  }

  /** The index of the last entry that a database holds the effect of. */
  static progressOf(backend: BoltBackend): number {
    return readUint64(backend.get('meta', consistentIndexKey));
  }

  /** Tells the term of the last applied entry to a database that does not hold it. @param term undefined when the log does not either */
  learnTerm(term: number | undefined): void {
    if (this.appliedTerm === 0) this.appliedTerm = term ?? 0;
  }

  /** What `Hash` leaves out: records that differ between members that hold the same data. */
  static isHashIgnored(bucket: string, key: Uint8Array): boolean {
    return bucket === 'meta' && (consistentIndexKey.equals(key) || termKey.equals(key));
  }

  /**
   * Applies one committed entry. Entries that the backend holds already (the log is replayed from the last snapshot
   * on) change nothing in it.
   *
   * @param applyConfChange tells raft; it is told of every change, replayed or not
   */
  apply(entry: Entry, applyConfChange: (change: ConfChange) => ConfState): EntryOutcome {
    const replayed = entry.Index <= this.appliedIndex;
    const outcome = this.carryOut(entry, replayed, applyConfChange);
    if (!replayed) {
      this.appliedIndex = entry.Index;
      this.appliedTerm = entry.Term;
    }
    return outcome;
  }

  /** @throws Error naming the entry: every member has it, and each will stop at it */
  private carryOut(entry: Entry, replayed: boolean, applyConfChange: (change: ConfChange) => ConfState): EntryOutcome {
    try {
      // Replayed for raft's sake, which wants to hear of the members' changes only.
      if (replayed && !isConfChange(entry)) return { kind: 'none' };
      const logged = readEntry(entry);
      if (logged.kind === 'change') return this.applyConfChange(logged.change, replayed, applyConfChange);
      return this.observeApplied === undefined ? this.applyNormal(logged) : this.applyMeasured(logged);
    } catch (error) {
      if (error instanceof BoltError || error instanceof UnfitVersionError) throw error;
      throw new Error(
        `entry ${entry.Index} of term ${entry.Term} in the log cannot be applied: ${(error as Error).message}. It was ` +
          'damaged before it came into the log, or a newer etcd has written it: start that version, or restore the ' +
          'cluster from a snapshot',
        { cause: error },
      );
    }
  }

  private applyMeasured(logged: Exclude<LoggedEntry, { kind: 'change' }>): EntryOutcome {
    const startMs = performance.now();
    const outcome = this.applyNormal(logged);
    if (logged.kind === 'nothing') return outcome;
    const seconds = (performance.now() - startMs) / 1000;
    if (logged.kind === 'request') {
      const success = outcome.kind === 'request' && outcome.result.error === undefined;
      this.observeApplied?.('v3', operationOf(logged.request), success, seconds);
    } else {
      this.observeApplied?.('v2', logged.kind === 'obsolete' ? logged.method : 'PUT', true, seconds);
    }
    return outcome;
  }

  private applyNormal(logged: Exclude<LoggedEntry, { kind: 'change' }>): EntryOutcome {
    switch (logged.kind) {
      case 'request': {
        const { id, request } = logged;
        return { kind: 'request', id, result: this.applier.apply(request, this.appliedIndex) };
      }
      case 'attributes':
        this.cluster.setAttributes(logged.id, logged);
        break;
      case 'version':
        this.setClusterVersion(logged.version);
        break;
      case 'obsolete':
        this.log.warn('ignored a v2 store request in the log', { method: logged.method, path: logged.path });
        break;
    }
    return { kind: 'none' };
  }

  /** Nothing is changed by a version that this server does not fit. @throws UnfitVersionError */
  private setClusterVersion(version: string): void {
    requireFittingVersion(version, this.cluster.downgrade());
    this.cluster.setVersion(version);
  }

  private applyConfChange(
    change: ConfChange,
    replayed: boolean,
    applyConfChange: (change: ConfChange) => ConfState,
  ): EntryOutcome {
    // A change that membership refuses is a no-op for raft on every member: node id 0 (contract: disk-and-peer §2.2).
    const cluster = replayed ? this.replayed : this.cluster;
    const error = cluster?.validateConfChange(change);
    const confState = applyConfChange(error === undefined ? change : { ...change, node_id: 0n });
    if (!replayed) {
      this.confState = confState;
      this.confStateChanged = true;
    }
    const { id } = change;
    if (error !== undefined) return { kind: 'conf-change', id, confState, error };
    const applied = cluster?.applyConfChange(change);
    return { kind: 'conf-change', id, confState, ...(!replayed && applied !== undefined && { change: applied }) };
  }

  private recordProgress(): void {
    const { backend } = this;
    backend.put('meta', consistentIndexKey, uint64(this.appliedIndex));
    // A database of before etcd 3.5 does not tell the term; 0 would say that it does.
    if (this.appliedTerm > 0) backend.put('meta', termKey, uint64(this.appliedTerm));
    if (this.confStateChanged && this.confState !== undefined) {
      backend.put('meta', confStateKey, Buffer.from(encodeConfState(this.confState)));
      this.confStateChanged = false;
    }
  }
}

/** Upstream takes 0 for "not given", too. */
function positiveOr(byDefault: number, given = 0): number {
  return given > 0 ? given : byDefault;
}

function readUint64(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : Number(Buffer.from(bytes).readBigUInt64BE(0));
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Decimal ids, empty lists left out (contract: disk-and-peer §5). */
function encodeConfState(state: ConfState): string {
  const fields: string[] = [];
  if (state.voters.length > 0) fields.push(`"voters":[${state.voters.join(',')}]`);
  if (state.learners.length > 0) fields.push(`"learners":[${state.learners.join(',')}]`);
  if (state.voters_outgoing.length > 0) fields.push(`"voters_outgoing":[${state.voters_outgoing.join(',')}]`);
  if (state.learners_next.length > 0) fields.push(`"learners_next":[${state.learners_next.join(',')}]`);
  fields.push(`"auto_leave":${state.auto_leave}`);
  return `{${fields.join(',')}}`;
}
