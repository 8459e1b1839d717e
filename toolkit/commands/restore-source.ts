/** What `etcdlab restore` restores: a backup as it stands, or one that is made from a backup and the delta log. */
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Backup, Backups } from '../../drills/backup/backup-store.ts';
import { deltasFolder, listChains, type OnDamage } from '../../drills/backup/deltas/chain.ts';
import { type Derived, derive, isBackupItself } from '../../drills/backup/point-in-time/derive.ts';
import { baseRevisionOf, newestMoment, planRestore, type RestorePlan } from '../../drills/backup/point-in-time/plan.ts';
import { parseTarget } from '../../drills/backup/point-in-time/target.ts';
import { describeMoment } from '../../drills/backup/restore-advice.ts';
import { chooseBackup } from '../../drills/backup/restore-backup.ts';
import { trialFolder } from '../../drills/scratch/scratch-lab.ts';
import { LabError } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import type { Cli } from './cli.ts';

/** More than a cluster writes in a week at 1,600 writes a second: what Kubernetes' documentation advises. */
export const defaultBump = 1_000_000_000;
/** Revisions stay whole numbers after a million of these. */
const maxBump = 1_000_000_000_000;

export interface RestoreSource {
  readonly plan: RestorePlan;
  readonly bumpBy: number;
  /** For people. */
  readonly name: string;
  /** What says the same again. */
  readonly flags: string;
  /** How more could be had, if it could. */
  readonly hint: string | undefined;
}

/**
 * @param to as the user typed it; undefined: the newest backup that is proven restorable
 * @param bump as the user typed it
 * @throws LabError LAB_USAGE, LAB_BACKUP_UNKNOWN, LAB_BACKUP_UNPROVEN
 */
export async function chooseSource(
  cli: Cli,
  lab: Lab,
  backups: Backups,
  to: string | undefined,
  bump: string | undefined,
): Promise<RestoreSource> {
  const target = to === undefined ? undefined : parseTarget(to);
  const bumpBy = bump === undefined ? undefined : parseBump(bump);
  const bumpFlag = bump === undefined ? '' : ` --bump-revision ${bump}`;
  if (target === undefined || target.kind === 'backup') {
    const all = await backups.list();
    const base = target === undefined ? chooseBackup(all) : await backups.find(target.id).catch(tellForms);
    const chains = await listChains(deltasFolder(lab.paths.backups), () => undefined);
    const moment = target === undefined ? newestMoment(all, chains) : undefined;
    const revision = baseRevisionOf(base);
    const plan: RestorePlan = {
      base,
      segments: [],
      following: [],
      chain: undefined,
      until: { revision },
      lastRevision: revision,
    };
    return {
      plan,
      bumpBy: bumpBy ?? 0,
      name: `backup ${base.id} of ${base.manifest.createdAt}`,
      flags: `--to ${base.id}${bumpFlag}`,
      hint: moment && describeMoment(moment),
    };
  }
  const folder = deltasFolder(lab.paths.backups);
  const onDamage: OnDamage = ({ message }) => cli.ui.warning(message);
  await backups.segments?.pull(folder, onDamage);
  const plan = planRestore(target, await backups.list(), await listChains(folder, onDamage));
  if (plan.chain?.disproved !== undefined)
    cli.ui.warning(`a full backup has disproved this delta log: ${plan.chain.disproved}`);
  const what = target.kind === 'revision' ? `revision ${target.revision}` : `what was there at ${to}`;
  const name = `${what}, from backup ${plan.base.id} and its delta log`;
  return { plan, bumpBy: bumpBy ?? defaultBump, name, flags: `--to ${to}${bumpFlag}`, hint: undefined };
}

/** What was not written as a revision or a time was taken for a backup. */
function tellForms(error: unknown): never {
  if (!(error instanceof LabError) || error.code !== 'LAB_BACKUP_UNKNOWN') throw error;
  const forms = '--to takes a revision, too, such as r123, or a time such as 2026-11-20T14:30:00Z';
  throw new LabError(error.code, error.message, { advice: [...error.advice, forms], cause: error });
}

/** Makes the backup that is restored, unless it is there already. */
export async function materialize(cli: Cli, { plan, bumpBy }: RestoreSource, backups: Backups): Promise<Backup> {
  if (isBackupItself(plan, bumpBy)) return plan.base;
  let derived: Derived | undefined;
  const at = new Date();
  const backup = await backups.add(at, async (folder) => {
    derived = await derive(plan, folder, { bumpBy, at, signal: cli.signal, progress: tellProgress(cli) });
    return derived.manifest;
  });
  if (derived !== undefined) tellDerived(cli, plan, derived);
  return backup;
}

/** As `materialize`, but nothing is kept. */
export async function rehearse(
  cli: Cli,
  lab: Lab,
  { plan, bumpBy }: RestoreSource,
  look: (backup: Backup) => Promise<void>,
): Promise<void> {
  if (isBackupItself(plan, bumpBy)) return look(plan.base);
  const folder = await mkdtemp(path.join(lab.paths.reports, trialFolder));
  try {
    const derived = await derive(plan, folder, {
      bumpBy,
      at: new Date(),
      signal: cli.signal,
      progress: tellProgress(cli),
    });
    tellDerived(cli, plan, derived);
    const snapshot = path.join(folder, derived.manifest.file);
    await look({ id: 'that would be made', folder, snapshot, manifest: derived.manifest, proofs: [] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tellProgress(cli: Cli): (text: string) => void {
  return (text) => {
    cli.ui.event({ event: 'progress', text });
    cli.ui.line(`  ${text}`);
  };
}

/** What was used, and what is given up. */
function tellDerived(cli: Cli, plan: RestorePlan, { state, manifest }: Derived): void {
  const { base, segments, lastRevision } = plan;
  const { restoredRevision, restoredAtMs, nextAtMs, isNextLate, appliedRevisions, unknownLeases } = state;
  const givenUp = Math.max(0, lastRevision - restoredRevision);
  const { ui } = cli;
  const time = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  ui.event({
    event: 'derived',
    base: base.id,
    segments: segments.length,
    appliedRevisions,
    restoredRevision,
    restoredAt: time(restoredAtMs),
    nextAt: time(nextAtMs),
    givenUpRevisions: givenUp,
    manifest,
  });
  ui.line(
    `Backup ${base.id} at revision ${base.manifest.revision}, and ${appliedRevisions} revisions of its delta log.`,
  );
  const recorded = restoredAtMs === undefined ? 'in the backup' : `recorded at ${time(restoredAtMs)}`;
  // Recorded after a time without a connection, the next one may have happened before the moment that was asked for.
  const mayLack = isNextLate && 'atMs' in plan.until;
  const loss = mayLack ? '' : ': nothing before it is lost (RPO 0 revisions)';
  ui.line(`  up to revision ${restoredRevision}, ${recorded}${loss}`);
  const next = nextAtMs === undefined ? '' : `, the first of them recorded at ${time(nextAtMs)}`;
  if (givenUp > 0) ui.line(`  given up, as you asked: ${givenUp} later revisions${next}`);
  if (state.revision !== restoredRevision) {
    ui.line(`  the revision is raised to ${state.revision}: clients that watch are told that they must read anew`);
  }
  if (mayLack) {
    ui.warning(
      `revision ${restoredRevision + 1} was recorded at ${time(nextAtMs)}, after a time without a connection: it and others after it may have happened before the moment that you asked for (--to r${restoredRevision + 1} has it)`,
    );
  }
  if (unknownLeases.length > 0) {
    ui.warning(
      `of ${unknownLeases.length} leases nobody knows how long they were granted for: their keys stay until they are deleted`,
    );
  }
}

function parseBump(text: string): number {
  const value = /^[0-9]{1,13}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= maxBump) return value;
  throw new LabError('LAB_USAGE', `--bump-revision takes a whole number up to ${maxBump}, not '${text}'`);
}
