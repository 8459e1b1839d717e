/** `etcdlab backup`: snapshots that are kept, and how far each can be trusted. */
import path from 'node:path';
import {
  type Backup,
  type Backups,
  bestProof,
  isDisproved,
  isProven,
  type Proof,
} from '../../drills/backup/backup-store.ts';
import { createBackup } from '../../drills/backup/create-backup.ts';
import { liveLevel, proveLive } from '../../drills/backup/live-proof.ts';
import { decidePrune } from '../../drills/backup/prune.ts';
import { describeTrust } from '../../drills/backup/restore-backup.ts';
import { exportBackup, importBackup } from '../../drills/backup/transport.ts';
import { highestLevel, verifyStored } from '../../drills/backup/verify-backup.ts';
import { undoInterruptedDrill } from '../../drills/engine/interrupted.ts';
import { ExitCode, LabError } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import { formatSpan, formatTable } from '../output/table.ts';
import { requireHealthy } from '../provision/require-healthy.ts';
import { registerBackupRun } from './backup-run.ts';
import { readIdentity, type StoreOptions, withBackups, withStoreOptions } from './backup-stores.ts';
import { addCommand, type Cli, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { tellUndone } from './undone-drill.ts';

interface RetentionFlags {
  readonly keep?: string;
  readonly keepHourly?: string;
  readonly keepDaily?: string;
  readonly keepWeekly?: string;
  readonly keepMonthly?: string;
}

interface BackupOptions extends StoreOptions, RetentionFlags {
  readonly reason?: string;
  readonly level?: string;
  readonly yes?: boolean;
  readonly recipient?: string;
}

export const registerBackup: RegisterCommand = (program, cli) => {
  const group = program.command('backup').description('snapshots that are kept, and how far each can be trusted');
  const add = (
    usage: string,
    summary: string,
    run: (options: BackupOptions, args: string[]) => Promise<ExitCode | undefined>,
  ) => withStoreOptions(addCommand<BackupOptions>(group, cli, usage, summary, run));
  add('create', 'take a backup, and check it', (options) => create(cli, options)).option(
    '--reason <text>',
    'why, for whoever finds it later',
  );
  add('list', 'the backups there are, and what is proved of each', (options) => list(cli, options));
  add('show <id>', 'all that is known of a backup', (options, [id = '']) => show(cli, options, id));
  add('verify [id]', 'prove that a backup (default: the newest) can be restored', (options, [id]) =>
    verify(cli, options, id),
  )
    .option(
      '--level <0-6>',
      'how far: 2 reads the file, 4 (default) starts a member on it, 5 a whole cluster; 6 replaces the data of the lab itself',
    )
    .option('-y, --yes', 'do not ask before level 6');
  add('keep <id>', 'mark a backup to stay, whatever is pruned', (options, [id = '']) => keep(cli, options, id)).option(
    '--reason <text>',
    'why, for whoever wants to remove it later',
  );
  add('unkeep <id>', 'take that mark away', (options, [id = '']) => unkeep(cli, options, id));
  add('prune', 'show which backups would be removed; --yes removes them', (options) => prune(cli, options))
    .option('--keep <number>', 'how many of the newest stay (default: 5)')
    .option('--keep-hourly <number>', 'the newest of each of so many hours stays as well')
    .option('--keep-daily <number>', 'and of so many days')
    .option('--keep-weekly <number>', 'and of so many weeks')
    .option('--keep-monthly <number>', 'and of so many months')
    .option('-y, --yes', 'remove them');
  add('export <id> <folder>', 'write a backup compressed, to be carried elsewhere', (options, [id = '', folder = '']) =>
    exportTo(cli, options, id, folder),
  ).option('--recipient <public-key>', 'encrypt it to this age public key (age1...)');
  add('import <file.json>', 'take a backup that was exported', (options, [file = '']) =>
    importFrom(cli, options, file),
  );
  registerBackupRun(group, cli);
};

/** Does something with the backups, while nobody else does. */
async function working<T>(
  cli: Cli,
  options: BackupOptions,
  verb: string,
  work: (backups: Backups, lab: Lab) => Promise<T>,
): Promise<T> {
  const lab = await openLab(cli, options);
  return withLock(lab.paths, verb, () => withBackups(cli, options, lab, (backups) => work(backups, lab)));
}

async function create(cli: Cli, options: BackupOptions): Promise<undefined> {
  const { reason } = options;
  const backup = await working(cli, options, 'backup create', async (backups, lab) => {
    await requireHealthy(lab, 'a backup records what all members hold');
    return createBackup(lab, backups, { signal: cli.signal, reason });
  });
  const { revision, keys, sha256 } = backup.manifest;
  cli.ui.event({ event: 'finished', id: backup.id, manifest: backup.manifest });
  cli.ui.line(`Backup ${backup.id}: revision ${revision}, ${keys} keys, SHA-256 ${sha256.slice(0, 16)}…`);
  cli.ui.line(`  etcdlab backup verify ${backup.id}   proves that it can be restored`);
}

async function list(cli: Cli, options: BackupOptions): Promise<undefined> {
  const lab = await openLab(cli, options);
  const now = Date.now();
  const backups = await withBackups(cli, options, lab, (all) => all.list());
  const rows = backups.map((backup) => {
    const { id, manifest } = backup;
    const best = bestProof(backup);
    const proved = isDisproved(backup) ? 'DAMAGED' : best === undefined ? '-' : `L${best.level}`;
    return [
      id,
      formatSpan(now - Date.parse(manifest.createdAt)),
      String(manifest.revision),
      String(manifest.keys),
      `${(manifest.sizeBytes / 1024 ** 2).toFixed(1)} MiB`,
      proved,
      best === undefined ? '-' : best.at.slice(0, 16),
      backup.kept === undefined ? '' : (backup.kept.reason ?? 'yes'),
    ];
  });
  const header = ['BACKUP', 'AGE', 'REVISION', 'KEYS', 'SIZE', 'PROVED', 'AT (UTC)', 'KEPT'];
  const told = backups.map((backup) => ({
    id: backup.id,
    proven: isProven(backup),
    ...backup.manifest,
    proofs: backup.proofs,
    ...(backup.kept !== undefined && { kept: backup.kept }),
  }));
  cli.ui.listing(formatTable(header, rows), told);
}

async function show(cli: Cli, options: BackupOptions, id: string): Promise<undefined> {
  const lab = await openLab(cli, options);
  const backup = await withBackups(cli, options, lab, (all) => all.find(id));
  const { manifest, proofs, folder, kept } = backup;
  const rows: [string, string][] = [
    ['Folder', folder],
    ['Taken', `${manifest.createdAt} from ${manifest.takenFrom}, etcd ${manifest.serverVersion}`],
    ...(manifest.reason === undefined ? [] : ([['Reason', manifest.reason]] as [string, string][])),
    ['Revision', String(manifest.revision)],
    [
      'Keys',
      Object.entries(manifest.keysByPrefix)
        .map(([prefix, count]) => `${prefix} ${count}`)
        .join(', ') || '0',
    ],
    ['HashKV', String(manifest.hashKv ?? 'not recorded')],
    ['SHA-256', manifest.sha256],
    ...(kept === undefined
      ? []
      : ([['Kept', `since ${kept.at}${kept.reason ? `: ${kept.reason}` : ''}`]] as [string, string][])),
    ['Trust', describeTrust(backup)],
    ...(proofs.at(-1)?.evidence ?? []).map((line): [string, string] => ['', line]),
    ['Also needed', manifest.alsoNeeded.join('; ')],
  ];
  cli.ui.listing(formatTable(['', ''], rows), { id, ...manifest, proofs, ...(kept !== undefined && { kept }) });
}

async function verify(cli: Cli, options: BackupOptions, id: string | undefined): Promise<ExitCode> {
  const level = wholeNumber(options.level ?? '4', '--level', 0, liveLevel);
  const chosen = level === liveLevel ? await confirmLive(cli, options, id) : id;
  return working(cli, options, 'backup verify', async (backups, lab) => {
    const backup = await chosenOrNewest(backups, chosen);
    const settings = { engine: lab.state.engine, workFolder: lab.paths.reports, signal: cli.signal };
    if (level === liveLevel) tellUndone(cli, await undoInterruptedDrill(lab));
    let proof = await verifyStored(backups, backup, { ...settings, level: Math.min(level, highestLevel) });
    // What was proved stands, whatever comes of what follows.
    const known = await backups.addProof(backup, proof);
    if (level === liveLevel && proof.passed) {
      proof = await proveLive(lab, backups, known, proof, {
        signal: cli.signal,
        progress: (text) => tellStep(cli, text),
      });
      await backups.addProof(known, proof);
    }
    return tellProof(cli, backup, proof);
  });
}

/** @returns the backup that was meant when the user said yes: a newer one may come while he thinks */
async function confirmLive(cli: Cli, options: BackupOptions, id: string | undefined): Promise<string> {
  const lab = await openLab(cli, options);
  const backup = await withBackups(cli, options, lab, (backups) => chosenOrNewest(backups, id));
  if (options.yes === true) return backup.id;
  await confirm(cli, {
    action: `Level 6 replaces the data of lab '${lab.name}' by backup ${backup.id} of ${backup.manifest.createdAt}; what was written since is moved aside, and is not put back`,
    word: lab.name,
    command: `etcdlab backup verify ${backup.id} --level 6 --yes`,
  });
  return backup.id;
}

async function chosenOrNewest(backups: Backups, id: string | undefined): Promise<Backup> {
  const backup = id === undefined ? (await backups.list())[0] : await backups.find(id);
  if (backup !== undefined) return backup;
  throw new LabError('LAB_BACKUP_UNKNOWN', 'there is no backup', { advice: 'etcdlab backup create' });
}

function tellStep({ ui }: Cli, text: string): void {
  ui.event({ event: 'progress', text });
  ui.line(`  ${text}`);
}

function tellProof(cli: Cli, { id }: Backup, proof: Proof): ExitCode {
  const { ui } = cli;
  ui.event({ event: 'finished', id, proof });
  for (const line of proof.evidence) ui.line(line);
  const took = `${(proof.durationMs / 1000).toFixed(1)} s`;
  const verdict = proof.passed
    ? ui.style('green', `Backup ${id} is proven at level ${proof.level} (${took}).`)
    : ui.style('red', `Backup ${id} does NOT hold at level ${proof.level} (${took}): do not rely on it.`);
  ui.line(verdict);
  return proof.passed ? ExitCode.ok : ExitCode.failed;
}

async function keep(cli: Cli, options: BackupOptions, id: string): Promise<undefined> {
  const { reason } = options;
  if (reason !== undefined && (reason.length > 1000 || reason.trim() === ''))
    throw new LabError('LAB_USAGE', '--reason takes 1 to 1000 characters');
  const at = new Date().toISOString();
  const { kept } = await working(cli, options, 'backup keep', async (backups) =>
    backups.mark(await backups.find(id), { at, ...(reason !== undefined && { reason }) }),
  );
  cli.ui.event({ event: 'finished', id, kept });
  cli.ui.line(`Backup ${id} stays, whatever is pruned, until: etcdlab backup unkeep ${id}`);
}

async function unkeep(cli: Cli, options: BackupOptions, id: string): Promise<undefined> {
  await working(cli, options, 'backup unkeep', async (backups) => backups.mark(await backups.find(id), undefined));
  cli.ui.event({ event: 'finished', id });
  cli.ui.line(`Backup ${id} may be pruned.`);
}

async function prune(cli: Cli, options: BackupOptions): Promise<undefined> {
  const most = (text: string | undefined, flag: string) => wholeNumber(text ?? '0', flag, 0, 10_000);
  const retention = {
    keep: wholeNumber(options.keep ?? '5', '--keep', 1, 10_000),
    keepHourly: most(options.keepHourly, '--keep-hourly'),
    keepDaily: most(options.keepDaily, '--keep-daily'),
    keepWeekly: most(options.keepWeekly, '--keep-weekly'),
    keepMonthly: most(options.keepMonthly, '--keep-monthly'),
  };
  await working(cli, options, 'backup prune', async (backups) => {
    const decisions = decidePrune(await backups.list(), retention);
    const going = decisions.filter(({ stays }) => !stays).map(({ backup }) => backup);
    if (options.yes === true) for (const backup of going) await backups.remove(backup);
    const rows = decisions.map(({ backup, stays, reason }) => [backup.id, stays ? 'stays' : 'goes', reason]);
    const told = decisions.map(({ backup, stays, reason }) => ({
      id: backup.id,
      stays,
      reason,
      removed: !stays && options.yes === true,
    }));
    cli.ui.listing(formatTable(['BACKUP', '', 'WHY'], rows), told);
    if (options.yes !== true && going.length > 0) cli.ui.line(`Nothing was removed: ${pruneCommand(options)} does it.`);
  });
}

/** @returns the command that removes what was shown, and nothing else */
export function pruneCommand({ keep, keepHourly, keepDaily, keepWeekly, keepMonthly }: RetentionFlags): string {
  const flags = {
    '--keep': keep,
    '--keep-hourly': keepHourly,
    '--keep-daily': keepDaily,
    '--keep-weekly': keepWeekly,
    '--keep-monthly': keepMonthly,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return ['etcdlab backup prune', ...given, '--yes'].join(' ');
}

async function exportTo(cli: Cli, options: BackupOptions, id: string, folder: string): Promise<undefined> {
  const target = path.resolve(cli.io.workingDirectory, folder);
  const files = await working(cli, options, 'backup export', async (backups) =>
    backups.borrow(await backups.find(id), (backup) => exportBackup(backup, target, options.recipient, cli.signal)),
  );
  cli.ui.event({ event: 'finished', id, files });
  for (const file of files) cli.ui.line(file);
}

async function importFrom(cli: Cli, options: BackupOptions, file: string): Promise<undefined> {
  const identity = options.identityFile === undefined ? undefined : await readIdentity(cli, options.identityFile);
  const about = path.resolve(cli.io.workingDirectory, file);
  const backup: Backup = await working(cli, options, 'backup import', (backups) =>
    importBackup(backups, about, identity, cli.signal),
  );
  cli.ui.event({ event: 'finished', id: backup.id });
  cli.ui.line(
    `Backup ${backup.id}: its bytes are those of its manifest. etcdlab backup verify ${backup.id} proves more.`,
  );
}

function wholeNumber(text: string, flag: string, least: number, most: number): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new LabError('LAB_USAGE', `${flag} takes a whole number from ${least} to ${most}, not '${text}'`);
}
