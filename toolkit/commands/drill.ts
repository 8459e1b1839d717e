/** `etcdlab drill`: the catalogue, and running one on the lab. */
import path from 'node:path';
import { findDrill, listDrills } from '../../drills/engine/catalog.ts';
import type { DrillDefinition } from '../../drills/engine/definition.ts';
import { undoInterruptedDrill } from '../../drills/engine/interrupted.ts';
import {
  type PlannedStep,
  type PlanOptions,
  planDrill,
  type StepParameters,
  unmetNeed,
} from '../../drills/engine/plan.ts';
import { type DrillOptions, type DrillOutcome, runDrill } from '../../drills/engine/runner.ts';
import { loseAuthorityKeys } from '../../drills/steps/lose-authority-keys.ts';
import type { Check } from '../../drills/verification/check.ts';
import { ExitCode, LabError, messageOf } from '../errors.ts';
import type { EngineConfig } from '../lab/config.ts';
import type { Lab } from '../lab/lab.ts';
import { formatTable } from '../output/table.ts';
import { waitUntilHealthy } from '../provision/health/mod.ts';
import { requireHealthy } from '../provision/require-healthy.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { type ExportOptions, exportRun } from './drill-export.ts';
import { history } from './drill-history.ts';
import { DrillProgress } from './drill-progress.ts';
import { selftest } from './drill-selftest.ts';
import { tellUndone } from './undone-drill.ts';

interface DrillRunOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly keys?: string;
  readonly all?: boolean;
  readonly otherEngine?: string;
}

export const registerDrill: RegisterCommand = (program, cli) => {
  const group = program.command('drill').description('run a drill, and prove what came out');
  addCommand<CommonOptions>(group, cli, 'list', 'the drills there are', () => list(cli));
  addCommand<DrillRunOptions>(group, cli, 'run [drill]', 'run a drill, or --all, on the lab', (options, [name]) =>
    runCommand(cli, options, name),
  )
    .option('-y, --yes', 'do not ask')
    .option('--all', 'run every drill of the catalogue, one after the other')
    .option('--keys <number>', 'size of the data set, instead of the one in the drill')
    .option(
      '--other-engine <engine>',
      "for drills that change it: 'built-in', or a folder (default: $ETCDLAB_UPSTREAM)",
    );
  addCommand<CommonOptions>(
    group,
    cli,
    'selftest',
    'damage evidence and backups: the checks must find each',
    (options) => selftest(cli, options),
  );
  addCommand<ExportOptions>(
    group,
    cli,
    'export [run]',
    'pack the evidence of a run into one archive (default: of the newest)',
    (options, [run]) => exportRun(cli, options, run),
  ).option('-o, --output <file>', 'the archive (default: RUN.tar.gz here)');
  addCommand<CommonOptions>(group, cli, 'history', 'what came out of the runs so far, the newest first', (options) =>
    history(cli, options),
  );
};

async function list(cli: Cli): Promise<undefined> {
  const drills = await listDrills();
  const rows = drills.map(({ name, title }) => [name, title]);
  cli.ui.listing(
    formatTable(['NAME', 'WHAT IT DOES'], rows),
    drills.map(({ name, title, teaches }) => ({ name, title, teaches })),
  );
}

async function runCommand(cli: Cli, options: DrillRunOptions, name: string | undefined): Promise<ExitCode> {
  if ((name === undefined) !== (options.all === true)) {
    throw new LabError('LAB_USAGE', 'name one drill, or give --all', { advice: 'etcdlab drill list' });
  }
  // Whatever can be wrong with the command is found before anything is asked or done.
  const drills = name === undefined ? await listDrills() : [await findDrill(name)];
  const overrides = keysOverride(options.keys);
  const steps = drills.flatMap((drill) => planDrill(drill, { overrides }));
  const lab = await openLab(cli, options);
  const planned = { overrides, otherEngine: otherEngine(cli, lab, options.otherEngine) };
  if (options.yes !== true) {
    const what = name === undefined ? `All ${drills.length} drills together` : `Drill '${drills[0]?.name}'`;
    await confirm(cli, {
      action: `${what} hurts the members of lab '${lab.name}', and may replace their data by a snapshot's${forGood(steps)}`,
      word: lab.name,
      command: `etcdlab drill run ${name ?? '--all'} --yes`,
    });
  }
  return withLock(lab.paths, 'drill run', () =>
    name === undefined ? runAll(cli, lab, drills, planned) : runOnLab(cli, lab, drills[0] as DrillDefinition, planned),
  );
}

/** @returns what the steps do that no later step and no undoing takes back, to go on with the sentence */
function forGood(steps: readonly PlannedStep[]): string {
  const isRotated = steps.some(({ step }) => step.name === loseAuthorityKeys.name);
  return isRotated ? '. Its certificate authorities are replaced by new ones for good' : '';
}

/** @returns the engine that the lab does not run on, as far as anybody has said where it is */
function otherEngine(cli: Cli, lab: Lab, chosen: string | undefined): EngineConfig | undefined {
  if (chosen === 'built-in') return { kind: 'built-in' };
  const folder = chosen ?? cli.io.environment.ETCDLAB_UPSTREAM;
  if (chosen === undefined && lab.state.engine.kind === 'upstream') return { kind: 'built-in' };
  return folder === undefined ? undefined : { kind: 'upstream', path: path.resolve(cli.io.workingDirectory, folder) };
}

/** Runs one after the other. A drill that this lab has not what it needs for is left out, and said to be. */
async function runAll(
  cli: Cli,
  lab: Lab,
  drills: readonly DrillDefinition[],
  planned: RunOnLabOptions,
): Promise<ExitCode> {
  const rows: string[][] = [];
  let worst: ExitCode = ExitCode.ok;
  for (const drill of drills) {
    const unmet = unmetNeed(planDrill(drill, planned), { lab, otherEngine: planned.otherEngine });
    if (unmet !== undefined) {
      rows.push([drill.name, 'not run', '-', unmet]);
      continue;
    }
    const startedAt = performance.now();
    let verdict = 'passed';
    try {
      const exitCode = await runOnLab(cli, lab, drill, planned);
      if (exitCode !== ExitCode.ok) [worst, verdict] = [exitCode, 'failed'];
    } catch (error) {
      if (cli.signal.aborted) throw error;
      [worst, verdict] = [ExitCode.failed, `inconclusive: ${messageOf(error)}`];
      cli.ui.error(error, false);
    }
    rows.push([drill.name, verdict, `${((performance.now() - startedAt) / 1000).toFixed(1)} s`, drill.title]);
  }
  cli.ui.line();
  cli.ui.line(formatTable(['DRILL', 'RESULT', 'TOOK', 'WHAT IT DOES'], rows));
  cli.ui.event({ event: 'finished', drills: rows.map(([name, result]) => ({ name, result })) });
  return worst;
}

function keysOverride(keys: string | undefined): StepParameters {
  if (keys === undefined) return {};
  if (!/^[1-9][0-9]{0,6}$/.test(keys))
    throw new LabError('LAB_USAGE', `--keys takes a whole number from 1 to 9999999, not '${keys}'`);
  return { 'write-dataset': { keys: Number(keys) } };
}

type RunOnLabOptions = PlanOptions & Pick<DrillOptions, 'otherEngine'>;

/**
 * Runs a drill on a lab whose lock the caller holds, and shows it.
 *
 * @throws what stopped the drill, when it could not be carried through
 */
export async function runOnLab(
  cli: Cli,
  lab: Lab,
  drill: DrillDefinition,
  planned: RunOnLabOptions = {},
): Promise<ExitCode> {
  const undone = await undoInterruptedDrill(lab);
  if (undone !== undefined) {
    tellUndone(cli, undone);
    await startAndWait(lab, cli.signal);
  } else {
    await requireHealthy(lab, 'a drill starts from a healthy one');
  }
  cli.ui.line(cli.ui.style('bold', `Drill '${drill.name}' on lab '${lab.name}'`));
  const progress = new DrillProgress(cli);
  const running = runDrill({
    lab,
    drill,
    ...planned,
    runId: newRunId(new Date()),
    signal: cli.signal,
    onEvent: (event) => progress.take(event),
    startAndWait,
  });
  await progress.show(running);
  return conclude(cli, await running);
}

async function startAndWait(lab: Lab, signal: AbortSignal): Promise<void> {
  await Promise.all(lab.nodes.map((node) => node.host.service.start()));
  await waitUntilHealthy(lab, { signal });
}

/** Such as `20261120-081500`: sorts by time, and is safe in file names, keys and tokens. */
function newRunId(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
}

function conclude(cli: Cli, { result, report, files, error }: DrillOutcome): ExitCode {
  const { ui } = cli;
  const failed = report.checks.filter((check) => !check.passed);
  ui.line();
  if (result === 'inconclusive') {
    ui.line(`Report: ${shown(cli, files[0])}`);
    throw error;
  }
  if (result === 'passed') {
    ui.line(
      ui.style('green', `PASSED: ${report.checks.length} checks, all proved on ${report.members?.length} members.`),
    );
  } else {
    ui.line(ui.style('red', `FAILED: ${failed.length} of ${report.checks.length} checks do not hold.`));
    for (const check of failed) ui.line(describe(check));
  }
  ui.line();
  for (const line of summary(report)) ui.line(`  ${line}`);
  const kept = Object.entries(report.keptData ?? {});
  for (const [node, folder] of kept) ui.line(`  Kept     ${node}: ${shown(cli, folder)}`);
  // Keys of authorities lie there too; those of a rotation that has not come to its end.
  const isMember = ([name]: readonly [string, string]) =>
    report.members?.some((member) => member.name === name) === true;
  if (kept.some((each) => !isMember(each))) ui.line('  Go on    etcdlab certs rotate-ca');
  if (kept.some(isMember))
    ui.line("  Go back  etcdlab down; put each of these in the place of 'data' beside it; etcdlab up");
  ui.line(`  Report   ${shown(cli, files[0])}`);
  return result === 'passed' ? ExitCode.ok : ExitCode.failed;
}

function describe({ name, member, expected, observed }: Check): string {
  const seen = observed.replaceAll('\n', '\n              ');
  return `  ${name}${member ? ` on ${member}` : ''}\n    expected  ${expected}\n    seen      ${seen}`;
}

function summary({ result, rto, rpo, watches, snapshot, members = [] }: DrillOutcome['report']): string[] {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const read = members.filter(({ keys }) => keys !== undefined).length;
  const where = read === members.length ? `${read} members` : `${read} of ${members.length} members`;
  const proved = result === 'passed' ? `, ${seconds(rto?.provenMs ?? 0)} to proved` : '';
  return [
    ...(snapshot ? [`Keys     ${snapshot.keys} compared on ${where}, HashKV ${snapshot.hashKv}`] : []),
    ...(rto ? [`RTO      ${seconds(rto.healthyMs)} from the disaster to healthy${proved}`] : []),
    ...(rpo
      ? [`RPO      ${rpo.revisions} revisions, ${rpo.keys.length} keys: written after the snapshot, lost by design`]
      : []),
    ...(watches?.missed
      ? [
          `Watches  that were told of revision ${watches.heldRevision} miss ${watches.missed.from} to ${watches.missed.to}: restart such clients`,
        ]
      : []),
  ];
}

function shown(cli: Cli, file = ''): string {
  const relative = path.relative(cli.io.workingDirectory, file);
  return relative.startsWith('..') ? file : relative;
}
