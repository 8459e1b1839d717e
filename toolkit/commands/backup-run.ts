/** `etcdlab backup run` and `backup deltas`: backups that go on by themselves, and the moments that they reach. */
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseMetricsAddress, serveMetrics, writeMetrics } from '../../drills/backup/continuous/publish-metrics.ts';
import { ContinuousBackup, type ContinuousOptions } from '../../drills/backup/continuous/service.ts';
import { type ServiceEvent, ServiceMetrics } from '../../drills/backup/continuous/watch-over.ts';
import { deltasFolder, listChains } from '../../drills/backup/deltas/chain.ts';
import { highestLevel } from '../../drills/backup/verify-backup.ts';
import { LabError, messageOf } from '../errors.ts';
import { parseDurationMs } from '../lab/config.ts';
import type { Lab } from '../lab/lab.ts';
import { formatSize, formatTable } from '../output/table.ts';
import { addCommand, type Cli, type CommonOptions, openLab, withLock } from './cli.ts';

interface RunOptions extends CommonOptions {
  readonly every: string;
  readonly verifyLevel: string;
  readonly once?: boolean;
  readonly keep?: string;
  readonly keepDaily?: string;
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
  addCommand<RunOptions>(
    group,
    cli,
    'run',
    'take backups on a schedule, and record every change between them',
    (options) => run(cli, options),
  )
    .option('--every <duration>', 'between two full backups, such as 30m or 6h', '1h')
    .option('--verify-level <0-5>', 'how far each is verified', '4')
    .option('--once', 'catch up with all changes, take one full backup, and end: for a timer')
    .option(
      '--keep <number>',
      'remove full backups beyond so many, and the changes that only they need (default: keep all)',
    )
    .option('--keep-daily <number>', 'with --keep: the newest of each of so many days stays as well')
    .option('--metrics <address:port>', 'serve metrics for Prometheus on this loopback address, such as 127.0.0.1:9120')
    .option('--metrics-file <path>', "write them into a file, for node_exporter's textfile collector");
  addCommand<CommonOptions>(group, cli, 'deltas', 'the moments that restore --to can reach', (options) =>
    deltas(cli, options),
  );
}

async function run(cli: Cli, options: RunOptions): Promise<undefined> {
  const settings = parseSettings(options);
  const address = options.metrics === undefined ? undefined : parseMetricsAddress(options.metrics);
  const lab = await openLab(cli, options);
  const metrics = new ServiceMetrics();
  const tell = teller(cli);
  const service = new ContinuousBackup(lab, {
    ...settings,
    signal: cli.signal,
    metrics,
    onEvent: tell,
    locked: (work) => withPatience(cli, lab, work),
  });
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
    if (options.once === true) await service.once();
    else await service.run();
  } finally {
    for (const close of closers) await close();
  }
  cli.ui.event({ event: 'finished' });
  cli.ui.line('Stopped: the delta log is sealed, and the next run goes on from there.');
}

async function deltas(cli: Cli, options: CommonOptions): Promise<undefined> {
  const lab = await openLab(cli, options);
  const chains = (await listChains(deltasFolder(lab.paths.backups))).toReversed();
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
    from.slice(0, 19),
    to.slice(0, 19),
    String(segments),
    formatSize(sizeBytes),
    clusterId,
  ]);
  cli.ui.listing(formatTable(['FROM', 'TO', 'FROM (UTC)', 'TO (UTC)', 'SEGMENTS', 'SIZE', 'CLUSTER'], rows), told);
}

/** @throws LabError LAB_USAGE */
function parseSettings(options: RunOptions): Pick<ContinuousOptions, 'everyMs' | 'verifyLevel' | 'retention'> {
  const everyMs = parseDurationMs(options.every);
  if (everyMs === undefined || everyMs < shortestIntervalMs) {
    throw new LabError('LAB_USAGE', `--every takes a duration of 10s or more, not '${options.every}'`, {
      advice: 'use a number and a unit (s, m, h, d), such as 30m',
    });
  }
  const verifyLevel = wholeNumber(options.verifyLevel, '--verify-level', 0, highestLevel);
  if (options.keep === undefined) {
    if (options.keepDaily !== undefined) throw new LabError('LAB_USAGE', '--keep-daily goes with --keep');
    return { everyMs, verifyLevel, retention: undefined };
  }
  const keep = wholeNumber(options.keep, '--keep', 1, 10_000);
  return {
    everyMs,
    verifyLevel,
    retention: { keep, keepDaily: wholeNumber(options.keepDaily ?? '0', '--keep-daily', 0, 10_000) },
  };
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
