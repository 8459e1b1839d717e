/** `etcdlab backup run` and `backup deltas`: backups that go on by themselves, and the moments that they reach. */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseMetricsAddress, serveMetrics, writeMetrics } from '../../drills/backup/continuous/publish-metrics.ts';
import { ContinuousBackup, type ContinuousOptions } from '../../drills/backup/continuous/service.ts';
import type { ServiceEvent } from '../../drills/backup/continuous/watch-over.ts';
import { deltasFolder, listChains, type OnDamage } from '../../drills/backup/deltas/chain.ts';
import { hasBase, missingBaseAdvice } from '../../drills/backup/point-in-time/plan.ts';
import type { Retention } from '../../drills/backup/prune.ts';
import { highestLevel } from '../../drills/backup/verify-backup.ts';
import { LabError, messageOf } from '../errors.ts';
import { parseDurationMs } from '../lab/config.ts';
import type { Lab } from '../lab/lab.ts';
import { formatSize, formatTable } from '../output/table.ts';
import { type StoreOptions, withBackups, withStoreOptions } from './backup-stores.ts';
import { addCommand, type Cli, openLab, withLock } from './cli.ts';

export interface RunOptions extends StoreOptions {
  readonly every: string;
  readonly verifyLevel: string;
  readonly once?: boolean;
  readonly keep?: string;
  readonly keepHourly?: string;
  readonly keepDaily?: string;
  readonly keepWeekly?: string;
  readonly keepMonthly?: string;
  readonly metrics?: string;
  readonly metricsFile?: string;
}

const shortestIntervalMs = 10_000;
/** How long a full backup waits for another command to be done with the lab. */
const lockPatienceMs = 120_000;
/** The same trouble is told once in so long. */
const repeatTroubleMs = 60_000;

/** Adds the commands to `etcdlab backup`. */
export function registerBackupRun(group: Command, cli: Cli): void {
  const summary = 'take backups on a schedule, and record every change between them';
  withRunOptions(addCommand<RunOptions>(group, cli, 'run', summary, (options) => run(cli, options)));
  const moments = 'the moments that restore --to can reach';
  withStoreOptions(addCommand<StoreOptions>(group, cli, 'deltas', moments, (options) => deltas(cli, options)));
}

export function withRunOptions(command: Command): Command {
  return withStoreOptions(command)
    .option('--every <duration>', 'between two full backups, such as 30m or 6h', '1h')
    .option('--verify-level <0-5>', 'how far each is verified', '4')
    .option('--once', 'catch up with all changes, take one full backup, and end: for a timer')
    .option(
      '--keep <number>',
      'remove full backups beyond so many, and the changes that only they need (default: keep all)',
    )
    .option('--keep-hourly <number>', 'with --keep: the newest of each of so many hours stays as well')
    .option('--keep-daily <number>', 'of so many days')
    .option('--keep-weekly <number>', 'of so many weeks')
    .option('--keep-monthly <number>', 'of so many months')
    .option('--metrics <address:port>', 'serve metrics for Prometheus on this loopback address, such as 127.0.0.1:9120')
    .option('--metrics-file <path>', "write them into a file, for node_exporter's textfile collector");
}

async function run(cli: Cli, options: RunOptions): Promise<undefined> {
  const settings = parseSettings(options);
  const address = options.metrics === undefined ? undefined : parseMetricsAddress(options.metrics);
  const lab = await openLab(cli, options);
  // The library of metrics is large, and no other command needs it.
  const { ServiceMetrics } = await import('../../drills/backup/continuous/watch-over.ts');
  const metrics = new ServiceMetrics();
  const closers: (() => Promise<void>)[] = [];
  try {
    if (options.metricsFile !== undefined) {
      const file = resolve(cli.io.workingDirectory, options.metricsFile);
      closers.push(await writeMetrics(file, metrics, (error) => cli.ui.warning(`${file}: ${messageOf(error)}`)));
    }
    if (address !== undefined) {
      const { url, close } = await serveMetrics(address, metrics);
      closers.push(close);
      cli.ui.event({ event: 'metrics', url });
      cli.ui.line(`Metrics: ${url}`);
    }
    await withBackups(cli, options, lab, (backups) => {
      const locked = <T>(work: () => Promise<T>) => withPatience(cli, lab, work);
      const service = new ContinuousBackup(lab, backups, {
        ...settings,
        metrics,
        locked,
        onEvent: teller(cli),
        signal: cli.signal,
      });
      return options.once === true ? service.once() : service.run();
    });
  } finally {
    for (const close of closers) await close();
  }
  cli.ui.event({ event: 'finished' });
  cli.ui.line('Stopped: the delta log is sealed, and the next run goes on from there.');
}

async function deltas(cli: Cli, options: StoreOptions): Promise<undefined> {
  const lab = await openLab(cli, options);
  const folder = deltasFolder(lab.paths.backups);
  const onDamage: OnDamage = ({ message }) => cli.ui.warning(message);
  const backups = await withBackups(cli, options, lab, async (all) => {
    await all.segments?.pull(folder, onDamage);
    return all.list();
  });
  const chains = (await listChains(folder, onDamage)).toReversed();
  const told = chains.map((chain) => ({
    id: chain.id,
    clusterId: chain.clusterId,
    base: chain.base,
    revisions: [chain.fromRevision - 1, chain.lastRevision],
    from: new Date(chain.fromMs).toISOString(),
    to: new Date(chain.lastAtMs).toISOString(),
    segments: chain.segments.length,
    sizeBytes: chain.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }));
  const rows = told.map(({ revisions, from, to, segments, sizeBytes, clusterId }) => [
    `r${revisions[0]}`,
    `r${revisions[1]}`,
    from,
    to,
    String(segments),
    formatSize(sizeBytes),
    clusterId,
  ]);
  const table = formatTable(['FROM', 'TO', 'FROM (UTC)', 'TO (UTC)', 'SEGMENTS', 'SIZE', 'CLUSTER'], rows);
  const notes = chains
    .filter((chain) => !hasBase(chain, backups))
    .map(({ fromRevision, lastRevision }) => `r${fromRevision - 1} to r${lastRevision}: ${missingBaseAdvice}`);
  cli.ui.listing([table, ...notes].join('\n'), told);
}

/** @throws LabError LAB_USAGE */
export function parseSettings(options: RunOptions): Pick<ContinuousOptions, 'everyMs' | 'verifyLevel' | 'retention'> {
  const everyMs = parseDurationMs(options.every);
  if (everyMs === undefined || everyMs < shortestIntervalMs) {
    throw new LabError('LAB_USAGE', `--every takes a duration of 10s or more, not '${options.every}'`, {
      advice: 'use a number and a unit (s, m, h, d), such as 30m',
    });
  }
  const verifyLevel = wholeNumber(options.verifyLevel, '--verify-level', 0, highestLevel);
  return { everyMs, verifyLevel, retention: parseRetention(options) };
}

/** @returns undefined when nothing is to be removed @throws LabError LAB_USAGE */
function parseRetention(options: RunOptions): Retention | undefined {
  const { keepHourly, keepDaily, keepWeekly, keepMonthly } = options;
  const spans = { keepHourly, keepDaily, keepWeekly, keepMonthly };
  const named = Object.entries(spans).flatMap(([name, text]): [string, number][] => {
    const flag = name.replace('keep', '--keep-').toLowerCase();
    return text === undefined ? [] : [[name, wholeNumber(text, flag, 0, 10_000)]];
  });
  if (options.keep !== undefined) {
    return { keep: wholeNumber(options.keep, '--keep', 1, 10_000), ...Object.fromEntries(named) };
  }
  if (named.length === 0) return undefined;
  throw new LabError('LAB_USAGE', '--keep-hourly, -daily, -weekly and -monthly go with --keep');
}

function wholeNumber(text: string, flag: string, least: number, most: number): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new LabError('LAB_USAGE', `${flag} takes a whole number from ${least} to ${most}, not '${text}'`);
}

/** Another command that works on the lab is waited for. @throws LabError LAB_LOCKED when it takes too long */
async function withPatience<T>(cli: Cli, lab: Lab, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + lockPatienceMs;
  for (;;) {
    let isMine = false;
    try {
      return await withLock(lab.paths, 'backup run', () => {
        isMine = true;
        return work();
      });
    } catch (error) {
      const isBusy = !isMine && error instanceof LabError && error.code === 'LAB_LOCKED';
      if (!isBusy || cli.signal.aborted || performance.now() > deadline) throw error;
    }
    await delay(500, undefined, { signal: cli.signal }).catch(() => undefined);
  }
}

function teller(cli: Cli): (event: ServiceEvent) => void {
  const toldAt = new Map<string, number>();
  return (event) => {
    cli.ui.event(event);
    if (cli.ui.mode === 'json') return;
    if (event.event !== 'trouble') {
      cli.ui.line(`${new Date().toISOString().slice(0, 19)}Z ${describe(event)}`);
      return;
    }
    const now = performance.now();
    if (now - (toldAt.get(event.problem) ?? Number.NEGATIVE_INFINITY) < repeatTroubleMs) return;
    if (toldAt.size > 100) toldAt.clear();
    toldAt.set(event.problem, now);
    cli.ui.warning(`${event.step}: ${event.problem}`);
  };
}

function describe(event: Exclude<ServiceEvent, { event: 'trouble' }>): string {
  switch (event.event) {
    case 'backup':
      return `backup ${event.id} at revision ${event.revision}`;
    case 'proved':
      return event.passed
        ? `backup ${event.id} is proven at level ${event.level}`
        : `backup ${event.id} does NOT hold at level ${event.level}`;
    case 'replayed':
      return `the delta log, ${event.revisions} revisions replayed, comes to the HashKV of backup ${event.id}`;
    case 'chain':
      return `a new delta log begins: ${event.reason}`;
    case 'following':
      return `following the cluster from revision ${event.revision} on`;
    case 'caught-up':
      return `every change up to revision ${event.revision} is recorded`;
    case 'pruned':
      return `removed ${event.backups.length} backups and ${event.segments} segments`;
  }
}
