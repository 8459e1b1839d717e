/** `etcdlab restore`: the data of a backup in the place of the lab's own. */
import type { Backup, Backups } from '../../drills/backup/backup-store.ts';
import { tryBackup } from '../../drills/backup/create-backup.ts';
import { describeMissed, heldRevision } from '../../drills/backup/missed-revisions.ts';
import {
  describeTrust,
  newRunId,
  type RestoredBackup,
  restoreBackup,
  resumeRestore,
} from '../../drills/backup/restore-backup.ts';
import { verifyBackup } from '../../drills/backup/verify-backup.ts';
import { undoInterruptedDrill } from '../../drills/engine/interrupted.ts';
import { Journal } from '../../drills/engine/journal.ts';
import { requireHostSpace } from '../../drills/recovery/host-space.ts';
import { removeScratchLabs } from '../../drills/scratch/scratch-lab.ts';
import { LabError } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import { type StoreOptions, withBackups, withStoreOptions } from './backup-stores.ts';
import { addCommand, type Cli, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { chooseSource, defaultBump, materialize, type RestoreSource, rehearse } from './restore-source.ts';
import { tellUndone } from './undone-drill.ts';

interface RestoreOptions extends StoreOptions {
  readonly to?: string;
  readonly bumpRevision?: string;
  readonly dryRun?: boolean;
  readonly resume?: boolean;
  readonly yes?: boolean;
}

export const registerRestore: RegisterCommand = (program, cli) => {
  const summary = 'replace the data of the lab by that of a backup, and go back if that fails';
  withStoreOptions(addCommand<RestoreOptions>(program, cli, 'restore', summary, (options) => restore(cli, options)))
    .option(
      '--to <backup|revision|time>',
      'a backup, a revision such as r123, or a time such as 2026-11-20T14:30:00Z (default: the newest backup that is proven restorable)',
    )
    .option(
      '--bump-revision <number>',
      `raise the revision by so much and mark all below as compacted, so that clients which watch start anew (default: ${defaultBump} with --to REVISION or TIME, else 0)`,
    )
    .option('--resume', 'go on with a restore that was killed; `etcdlab up` undoes it instead')
    .option('--dry-run', 'check the backup, say what would be done, and change nothing')
    .option('-y, --yes', 'do not ask');
};

/** A file that cannot be restored is found out here, before a member is stopped. */
const preflightLevel = 3;

async function restore(cli: Cli, options: RestoreOptions): Promise<undefined> {
  if (options.resume === true) return resume(cli, options);
  const lab = await openLab(cli, options);
  await withBackups(cli, options, lab, async (backups) => {
    const source = await chooseSource(cli, lab, backups, options.to, options.bumpRevision);
    if (source.hint !== undefined) cli.ui.line(source.hint);
    if (options.dryRun !== true && options.yes !== true) {
      const missed = await foreseeMissed(cli, lab, source);
      await confirm(cli, {
        action: `The data of lab '${lab.name}' is replaced by ${source.name}; what was written since is moved aside${missed}`,
        word: lab.name,
        command: `etcdlab restore ${source.flags} --yes`,
      });
    }
    await withLock(lab.paths, 'restore', async () => {
      tellUndone(cli, await undoInterruptedDrill(lab));
      if (options.dryRun === true) await dryRun(cli, lab, source, backups);
      else await restoreFrom(cli, lab, source, backups);
    });
  });
}

/** Where no member answers, a raise is far beyond what the delta log knows of. */
async function heldBefore(cli: Cli, lab: Lab, { plan, bumpBy }: RestoreSource): Promise<number | undefined> {
  return (await heldRevision(lab, cli.signal)) ?? (bumpBy > 0 ? plan.lastRevision : undefined);
}

/** @returns what clients that watch would miss, as far as the revision is known before the work: for the question */
async function foreseeMissed(cli: Cli, lab: Lab, source: RestoreSource): Promise<string> {
  const { plan, bumpBy } = source;
  if (!('revision' in plan.until)) return '';
  const held = await heldBefore(cli, lab, source);
  const missed = describeMissed(held, plan.until.revision + bumpBy, defaultBump);
  return missed === undefined ? '' : `; ${missed}`;
}

/** What is restored was confirmed when it was begun. */
async function resume(cli: Cli, options: RestoreOptions): Promise<undefined> {
  if ([options.to, options.bumpRevision, options.dryRun].some((option) => option !== undefined)) {
    throw new LabError('LAB_USAGE', '--resume goes on with what was begun, and takes no other target');
  }
  const lab = await openLab(cli, options);
  await withBackups(cli, options, lab, (backups) =>
    withLock(lab.paths, 'restore', async () => {
      const journal = await Journal.open(lab);
      if (journal.restoring === undefined) {
        throw new LabError(
          'LAB_PREFLIGHT',
          `no restore of lab '${lab.name}' was killed: there is nothing to go on with`,
          {
            advice: 'etcdlab restore',
          },
        );
      }
      await removeScratchLabs(lab.paths.reports);
      await backups.borrow(await backups.find(journal.restoring), async (backup) => {
        if (!journal.hasServed) await preflight(cli, lab, backup, backups);
        tellRestored(
          cli,
          backup,
          await resumeRestore(lab, backup, journal, { signal: cli.signal, progress: teller(cli) }),
        );
      });
    }),
  );
}

async function dryRun(cli: Cli, lab: Lab, source: RestoreSource, backups: Backups): Promise<void> {
  const { base } = source.plan;
  await backups.borrow(base, () =>
    rehearse(cli, lab, source, async (backup) => {
      await preflight(cli, lab, backup, backup === base ? backups : undefined);
      tellPlan(cli, lab, backup);
      tellMissed(cli, await heldBefore(cli, lab, source), backup);
    }),
  );
}

async function restoreFrom(cli: Cli, lab: Lab, source: RestoreSource, backups: Backups): Promise<void> {
  const { base } = source.plan;
  const work = async (backup: Backup): Promise<void> => {
    await preflight(cli, lab, backup, backups);
    await carryOut(cli, lab, backup, backups, source);
  };
  await backups.borrow(base, async () => {
    const chosen = await materialize(cli, source, backups);
    await (chosen === base ? work(base) : backups.borrow(chosen, work));
  });
}

/** @param backups where it is written down that the backup does not hold */
async function preflight(cli: Cli, lab: Lab, backup: Backup, backups: Backups | undefined): Promise<void> {
  cli.ui.line(`Backup ${backup.id}: ${describeTrust(backup)}`);
  await requireHostSpace(lab, backup.manifest.sizeBytes, cli.signal);
  const proof = await verifyBackup(backup, {
    level: preflightLevel,
    engine: lab.state.engine,
    workFolder: lab.paths.reports,
    signal: cli.signal,
  });
  if (proof.passed) return;
  await backups?.addProof(backup, proof);
  throw new LabError('LAB_PREFLIGHT', `backup ${backup.id} cannot be restored; nothing was touched`, {
    details: proof.evidence,
    advice: 'etcdlab backup list shows the others',
  });
}

function tellPlan(cli: Cli, lab: Lab, backup: Backup): void {
  const steps = lab.nodes.map(({ name, paths, binaries }) => ({
    node: name,
    stop: name,
    moveAside: paths.data,
    run: `${binaries.etcdutl} snapshot restore ... --name ${name} --data-dir ${paths.data}`,
    start: name,
  }));
  cli.ui.event({ event: 'planned', backup: backup.id, steps });
  for (const { node, moveAside, run } of steps) {
    cli.ui.line(`${node}: stop; move ${moveAside} aside; ${run}; start`);
  }
  cli.ui.line('Then every member is compared with the manifest. Nothing was changed.');
}

async function carryOut(cli: Cli, lab: Lab, backup: Backup, backups: Backups, source: RestoreSource): Promise<void> {
  const { signal, ui } = cli;
  const before = await tryBackup(lab, backups, { signal, reason: `before the restore of ${backup.id}` });
  if ('backup' in before) ui.line(`What the lab holds now is backup ${before.backup.id}.`);
  else ui.warning(`no backup of what the lab holds now: ${before.problem}; its data is moved aside all the same`);
  const held = await heldBefore(cli, lab, source);
  tellRestored(cli, backup, await restoreBackup(lab, backup, { runId: newRunId(), signal, progress: teller(cli) }));
  tellMissed(cli, held, backup);
}

function tellMissed({ ui }: Cli, held: number | undefined, { manifest }: Backup): void {
  const missed = describeMissed(held, manifest.revision, defaultBump);
  if (missed !== undefined) ui.warning(missed);
}

function teller({ ui }: Cli): (text: string) => void {
  return (text) => {
    ui.event({ event: 'progress', text });
    ui.line(`  ${text}`);
  };
}

function tellRestored({ ui }: Cli, backup: Backup, { aside, proof }: RestoredBackup): void {
  ui.event({ event: 'finished', backup: backup.id, aside, proof });
  ui.line(ui.style('green', `Restored backup ${backup.id}: ${proof}.`));
  ui.line('The data of before stays, until you remove it:');
  for (const folder of Object.values(aside)) ui.line(`  ${folder}`);
}
