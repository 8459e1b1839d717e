/** `etcdlab drill`: the catalogue, and running one on the lab. */
import path from 'node:path';
import type { ListrTask } from 'listr2';
import { findDrill, listDrills } from '../../drills/engine/catalog.ts';
import type { DrillDefinition } from '../../drills/engine/definition.ts';
import type { DrillEvent } from '../../drills/engine/events.ts';
import { type PlanOptions, planDrill, type StepParameters } from '../../drills/engine/plan.ts';
import { type DrillOutcome, drillUndone, runDrill, undoInterruptedDrill } from '../../drills/engine/runner.ts';
import type { Check } from '../../drills/verification/verify.ts';
import { ExitCode, LabError } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import { formatTable } from '../output/table.ts';
import { waitUntilHealthy } from '../provision/health/mod.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { requireHealthy } from './require-healthy.ts';

interface DrillRunOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly keys?: string;
}

export const registerDrill: RegisterCommand = (program, cli) => {
  const group = program.command('drill').description('run a drill, and prove what came out');
  addCommand<CommonOptions>(group, cli, 'list', 'the drills there are', () => list(cli));
  addCommand<DrillRunOptions>(group, cli, 'run <drill>', 'run a drill on the lab', (options, [name = '']) =>
    runCommand(cli, options, name),
  )
    .option('-y, --yes', 'do not ask')
    .option('--keys <number>', 'size of the data set, instead of the one in the drill');
};

async function list(cli: Cli): Promise<undefined> {
  const drills = await listDrills();
  const rows = drills.map(({ name, title }) => [name, title]);
  cli.ui.listing(
    formatTable(['NAME', 'WHAT IT DOES'], rows),
    drills.map(({ name, title, teaches }) => ({ name, title, teaches })),
  );
}

async function runCommand(cli: Cli, options: DrillRunOptions, name: string): Promise<ExitCode> {
  // Whatever can be wrong with the command is found before anything is asked or done.
  const drill = await findDrill(name);
  const overrides = keysOverride(options.keys);
  planDrill(drill, { overrides });
  const lab = await openLab(cli, options);
  if (options.yes !== true) {
    await confirm(cli, {
      action: `Drill '${drill.name}' kills the members of lab '${lab.name}' and replaces their data by a snapshot's`,
      word: lab.name,
      command: `etcdlab drill run ${name} --yes`,
    });
  }
  return withLock(lab.paths, 'drill run', () => runOnLab(cli, lab, drill, { overrides }));
}

function keysOverride(keys: string | undefined): StepParameters {
  if (keys === undefined) return {};
  if (!/^[1-9][0-9]{0,6}$/.test(keys)) throw new LabError('LAB_USAGE', `--keys takes a whole number, not '${keys}'`);
  return { 'write-dataset': { keys: Number(keys) } };
}

/**
 * Runs a drill on a lab whose lock the caller holds, and shows it.
 *
 * @throws what stopped the drill, when it could not be carried through
 */
export async function runOnLab(
  cli: Cli,
  lab: Lab,
  drill: DrillDefinition,
  planned: PlanOptions = {},
): Promise<ExitCode> {
  if (await undoInterruptedDrill(lab)) {
    cli.ui.warning(drillUndone);
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

/** One step on the screen. What it says before its task is drawn is kept until then. */
interface ShownStep {
  readonly done: PromiseWithResolvers<void>;
  latest: string | undefined;
  output: ((text: string) => void) | undefined;
}

function newStep(): ShownStep {
  const done = Promise.withResolvers<void>();
  // Nobody may be looking, as in JSON mode; an unheard rejection would end the program before the drill is undone.
  done.promise.catch(() => undefined);
  return { done, latest: undefined, output: undefined };
}

/** Draws a drill's steps as a task list while it runs; in JSON mode, hands on its events. */
class DrillProgress {
  private readonly cli: Cli;
  private readonly started = Promise.withResolvers<ListrTask<object>[]>();
  private steps: ShownStep[] = [];

  constructor(cli: Cli) {
    this.cli = cli;
  }

  take(event: DrillEvent): void {
    if (this.cli.ui.mode === 'json') this.cli.ui.event(forJson(event));
    switch (event.type) {
      case 'drill-started':
        this.steps = event.steps.map(newStep);
        this.started.resolve(event.steps.map(({ title }, i) => this.task(title, i)));
        break;
      case 'step-progress':
        this.say(event.step, event.text);
        break;
      case 'step-finished':
        this.say(event.step, event.summary);
        this.steps[event.step]?.done.resolve();
        break;
      case 'step-failed':
        this.steps[event.step]?.done.reject(new LabError('LAB_DRILL', event.error));
        break;
      case 'rolling-back':
        this.cli.ui.warning(`${event.reason}: putting back the data from before it`);
        break;
      case 'rolled-back':
        this.cli.ui.warning(event.ok ? event.detail : `it could not be undone: ${event.detail}`);
        break;
    }
  }

  private say(step: number, text: string): void {
    const shown = this.steps[step];
    if (shown === undefined) return;
    shown.latest = text;
    shown.output?.(text);
  }

  /** Shows the steps until the last has ended or one has failed; what failed is told by the outcome. */
  async show(running: Promise<unknown>): Promise<void> {
    if (this.cli.ui.mode === 'json') return;
    const tasks = await Promise.race([this.started.promise, running.then(() => [])]);
    await this.cli.ui.runTasks(tasks, {}).catch(() => undefined);
  }

  private task(title: string, i: number): ListrTask<object> {
    return {
      title,
      rendererOptions: { persistentOutput: true },
      task: (_, task) => {
        const step = this.steps[i] as (typeof this.steps)[number];
        step.output = (text) => {
          task.output = text;
        };
        if (step.latest !== undefined) step.output(step.latest);
        return step.done.promise;
      },
    };
  }
}

/** Events without what JSON cannot hold; key differences are in the report. */
function forJson(event: DrillEvent): object {
  const { type, ...rest } = event;
  if (event.type === 'verified') return { event: type, passed: event.verdict.passed, checks: event.verdict.checks };
  return { event: type, ...rest };
}

function conclude(cli: Cli, { result, report, files, error }: DrillOutcome): ExitCode {
  const { ui } = cli;
  const failed = report.checks.filter((check) => !check.passed);
  ui.line();
  if (result === 'error') {
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
  if (kept.length > 0)
    ui.line("  Go back  etcdlab down; put each of these in the place of 'data' beside it; etcdlab up");
  ui.line(`  Report   ${shown(cli, files[0])}`);
  return result === 'passed' ? ExitCode.ok : ExitCode.failed;
}

function describe({ name, member, expected, observed }: Check): string {
  const seen = observed.replaceAll('\n', '\n              ');
  return `  ${name}${member ? ` on ${member}` : ''}\n    expected  ${expected}\n    seen      ${seen}`;
}

function summary({ result, rto, rpo, snapshot, members = [] }: DrillOutcome['report']): string[] {
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
  ];
}

function shown(cli: Cli, file = ''): string {
  const relative = path.relative(cli.io.workingDirectory, file);
  return relative.startsWith('..') ? file : relative;
}
