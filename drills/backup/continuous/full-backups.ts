/** The full backups of the service: taken, verified, counted, and removed when they are no longer to be kept. */
import { LabError } from '../../../toolkit/errors.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';
import { type Backup, type Backups, isProven } from '../backup-store.ts';
import { createBackup } from '../create-backup.ts';
import { listChains } from '../deltas/chain.ts';
import { decidePrune, type Retention } from '../prune.ts';
import { verifyStored } from '../verify-backup.ts';
import { decidePruneDeltas, removeDeltas } from './prune-deltas.ts';
import type { ServiceEvent, ServiceMetrics } from './watch-over.ts';

export interface FullBackupOptions {
  /** How far each full backup is verified: 0 to 6; see `verify-backup.ts`. */
  readonly verifyLevel: number;
  /** Undefined: nothing is removed. */
  readonly retention: Retention | undefined;
  readonly signal: AbortSignal;
  readonly metrics: ServiceMetrics;
  onEvent(event: ServiceEvent): void;
  /** Does something to the lab while no other command does. @throws LabError LAB_LOCKED */
  locked<T>(work: () => Promise<T>): Promise<T>;
}

export class FullBackups {
  private readonly lab: Lab;
  private readonly backups: Backups;
  private readonly options: FullBackupOptions;
  /** When the newest was taken, in milliseconds since 1970; 0 as long as none is known. */
  lastTakenMs = 0;

  constructor(lab: Lab, backups: Backups, options: FullBackupOptions) {
    this.lab = lab;
    this.backups = backups;
    this.options = options;
  }

  /** @returns the new one, and those that were there before it, the newest first */
  async take(): Promise<{ backup: Backup; before: readonly Backup[] }> {
    const { signal, onEvent, locked } = this.options;
    const before = await this.backups.list();
    const backup = await locked(() => createBackup(this.lab, this.backups, { signal, reason: 'on schedule' }));
    onEvent({ event: 'backup', id: backup.id, revision: backup.manifest.revision });
    await this.count();
    return { backup, before };
  }

  /** @throws LabError LAB_BACKUP when it does not hold */
  async verify(backup: Backup): Promise<void> {
    const { signal, onEvent, verifyLevel: level, locked } = this.options;
    const { engine } = this.lab.state;
    const proof = await locked(() =>
      verifyStored(this.backups, backup, { level, engine, workFolder: this.lab.paths.reports, signal }),
    );
    await this.backups.addProof(backup, proof);
    onEvent({ event: 'proved', id: backup.id, level: proof.level, passed: proof.passed });
    await this.count();
    if (!proof.passed) throw new LabError('LAB_BACKUP', `backup ${backup.id} does not hold: ${proof.evidence.at(-1)}`);
  }

  /**
   * Removes what the retention lets go, and the segments that nothing else needs.
   *
   * @param current the chain that is being written
   * @throws LabError LAB_DELTA_DAMAGED when a chain cannot be read: the backups were pruned, the segments stay
   */
  async prune(chainsFolder: string, current: string): Promise<void> {
    const { retention, onEvent, locked } = this.options;
    if (retention === undefined) return;
    const damages: LabError[] = [];
    await locked(async () => {
      const decisions = decidePrune(await this.backups.list(), retention);
      const going = decisions.filter(({ stays }) => !stays).map(({ backup }) => backup);
      for (const backup of going) await this.backups.remove(backup);
      const chains = await listChains(chainsFolder, (error) => damages.push(error));
      // What is behind a damage is not seen, and may be all that is left of that time.
      const paths = damages.length === 0 ? decidePruneDeltas(chains, await this.backups.list(), current) : [];
      // In the store first: what it has and this machine lacks would be fetched again.
      await this.backups.segments?.remove(paths);
      await removeDeltas(paths);
      onEvent({ event: 'pruned', backups: going.map(({ id }) => id), segments: paths.length });
    });
    await this.count();
    const [damage] = damages;
    if (damage !== undefined) {
      throw new LabError(damage.code, `nothing of the delta logs is removed: ${damage.message}`, { cause: damage });
    }
  }

  /** Looks at what there is, for the schedule and for the metrics. */
  async count(): Promise<void> {
    const time = (backup: Backup | undefined): number => (backup ? Date.parse(backup.manifest.createdAt) : 0);
    const all = await this.backups.list();
    this.lastTakenMs = time(all.find(({ manifest }) => manifest.derivedFrom === undefined));
    this.options.metrics.backups({ lastFullMs: this.lastTakenMs, lastProvenMs: time(all.find(isProven)) });
  }
}
