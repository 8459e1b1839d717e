/**
 * Runs a drill: its steps in order, then the verification that no drill can leave out. Whatever goes wrong before the
 * verification is undone, so that a drill that cannot be carried through leaves the lab as it found it.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { interrupted, LabError, messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { buildReport, type DrillReport, type TimelineEntry } from '../report/report.ts';
import type { Observation } from '../verification/evidence.ts';
import { observe } from '../verification/observe.ts';
import { type Verdict, verify } from '../verification/verify.ts';
import { type DrillContext, required } from './context.ts';
import type { DrillDefinition } from './definition.ts';
import type { DrillEvent, DrillResult, Phase } from './events.ts';
import { Journal } from './journal.ts';
import { type PlannedStep, type PlanOptions, planDrill } from './plan.ts';

export interface DrillOptions extends PlanOptions {
  lab: Lab;
  drill: DrillDefinition;
  /** Names the run; letters, digits and hyphens. */
  runId: string;
  signal: AbortSignal;
  onEvent(event: DrillEvent): void;
  /** Starts all members and waits until they are healthy: after a drill was undone. */
  startAndWait(lab: Lab, signal: AbortSignal): Promise<void>;
  now?: () => Date;
}

export interface DrillOutcome {
  result: DrillResult;
  report: DrillReport;
  /** Absolute paths of the report's files. */
  files: string[];
  /** Why the drill could not be carried through; only with result `error`. */
  error?: unknown;
}

/**
 * @returns what came out, also when the drill failed or could not be carried through; the reports are written in any case
 * @throws LabError as `planDrill`, before anything is done
 */
export async function runDrill(options: DrillOptions): Promise<DrillOutcome> {
  const plan = planDrill(options.drill, options);
  return new Run(options, plan).carryOut();
}

/** What is said when a drill that was interrupted has been undone. */
export const drillUndone = 'an interrupted drill was undone: the members have their data from before it again';

/**
 * Undoes a drill that was interrupted, if there is one; one that had proved its result is ended instead.
 *
 * @returns whether the members have their data from before the drill again; they are not started
 */
export async function undoInterruptedDrill(lab: Lab): Promise<boolean> {
  const journal = await Journal.open(lab);
  if (!journal.isOpen) return false;
  if (journal.isSettled) {
    await journal.discard(lab);
    return false;
  }
  await journal.rollBack(lab);
  return true;
}

class Run {
  private readonly options: DrillOptions;
  private readonly plan: PlannedStep[];
  private readonly now: () => Date;
  private readonly timeline: TimelineEntry[] = [];
  private readonly directory: string;
  private observations: Observation[] = [];
  private verdict: Verdict | undefined;
  private keptData: Record<string, string> | undefined;

  constructor(options: DrillOptions, plan: PlannedStep[]) {
    this.options = options;
    this.plan = plan;
    this.now = options.now ?? (() => new Date());
    this.directory = path.join(options.lab.paths.reports, `${options.drill.name}-${options.runId}`);
  }

  async carryOut(): Promise<DrillOutcome> {
    const { lab, drill, runId, onEvent, signal } = this.options;
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const startedAt = this.now();
    const context: DrillContext = {
      lab,
      runId,
      seed: runId,
      signal,
      journal: await Journal.open(lab),
      directory: this.directory,
      now: this.now,
      progress: () => undefined,
      found: { restoredFrom: {} },
    };
    const titles = this.plan.map(({ phase, step, parameters }) => ({ phase, title: step.title(parameters, { lab }) }));
    const verification = { phase: 'verify' as const, title: 'Prove it: every member, every key' };
    onEvent({ type: 'drill-started', drill: drill.name, runId, lab: lab.name, steps: [...titles, verification] });

    let error: unknown;
    try {
      for (const [i, planned] of this.plan.entries()) {
        await this.step(i, planned.phase, titles[i]?.title ?? planned.step.name, (progress) =>
          planned.step.run({ ...context, progress }, planned.parameters),
        );
      }
      await this.step(this.plan.length, 'verify', verification.title, (progress) => this.prove(context, progress));
    } catch (thrown) {
      // Whatever an interruption cut short fails in its own words.
      error = signal.aborted ? interrupted('the drill starts over') : thrown;
    }
    const result: DrillResult = error !== undefined ? 'error' : this.verdict?.passed ? 'passed' : 'failed';
    await this.settle(context.journal, result);
    return this.conclude(context, result, error, startedAt);
  }

  private async step(
    index: number,
    phase: Phase,
    title: string,
    work: (progress: (text: string) => void) => Promise<string>,
  ): Promise<void> {
    const { signal, onEvent } = this.options;
    throwIfInterrupted(signal);
    const startedAt = this.now();
    const entry = (outcome: TimelineEntry['outcome'], summary: string): TimelineEntry => ({
      phase,
      title,
      startedAt: startedAt.toISOString(),
      durationMs: this.now().getTime() - startedAt.getTime(),
      outcome,
      summary,
    });
    onEvent({ type: 'step-started', step: index, phase, title });
    try {
      const summary = await work((text) => onEvent({ type: 'step-progress', step: index, text }));
      const done = entry('done', summary);
      this.timeline.push(done);
      onEvent({ type: 'step-finished', step: index, durationMs: done.durationMs, summary });
    } catch (error) {
      const failed = entry('failed', messageOf(error));
      this.timeline.push(failed);
      onEvent({ type: 'step-failed', step: index, durationMs: failed.durationMs, error: failed.summary });
      throw error;
    }
  }

  private async prove({ lab, found, signal }: DrillContext, progress: (text: string) => void): Promise<string> {
    const reference = required(found.reference, 'snapshot');
    this.observations = await observe(lab, reference, found.restoredFrom, { signal, progress });
    // A reading that an interruption cut short is no finding about the cluster.
    throwIfInterrupted(signal);
    this.verdict = verify(reference, required(found.recovery, 'recovery'), this.observations);
    this.options.onEvent({ type: 'verified', verdict: this.verdict });
    const passed = this.verdict.checks.filter((check) => check.passed).length;
    return `${passed} of ${this.verdict.checks.length} checks passed on ${this.observations.length} members`;
  }

  /** Proved: the old data may go. Disproved: both are kept to be looked at. Not carried through: the old data returns. */
  private async settle(journal: Journal, result: DrillResult): Promise<void> {
    const { lab, onEvent, signal, startAndWait } = this.options;
    if (!journal.isOpen) return;
    if (result === 'passed') {
      await journal.discard(lab);
    } else if (result === 'failed') {
      this.keptData = journal.asideByNode;
      await journal.close();
    } else {
      const kept = journal.asideByNode;
      onEvent({
        type: 'rolling-back',
        reason: signal.aborted ? 'interrupted' : 'the drill could not be carried through',
      });
      try {
        await journal.rollBack(lab);
        // The drill's own signal may have fired: that is one of the reasons to be here.
        await startAndWait(lab, AbortSignal.timeout(60_000));
        onEvent({
          type: 'rolled-back',
          ok: true,
          detail: 'all members run on their data from before the drill',
        });
      } catch (error) {
        this.keptData = journal.isOpen ? kept : undefined;
        onEvent({ type: 'rolled-back', ok: false, detail: messageOf(error) });
      }
    }
  }

  private async conclude(
    { found, lab }: DrillContext,
    result: DrillResult,
    error: unknown,
    startedAt: Date,
  ): Promise<DrillOutcome> {
    const { drill, runId, onEvent } = this.options;
    const report = buildReport({
      drill,
      runId,
      lab: lab.name,
      engine: lab.state.engine.kind,
      result,
      error: error === undefined ? undefined : describe(error),
      startedAt,
      finishedAt: this.now(),
      timeline: this.timeline,
      reference: found.reference,
      manifest: found.snapshot?.manifest,
      loss: found.loss,
      disasterAt: found.disasterAt,
      recoveredAt: found.recovery?.at,
      observations: this.observations,
      verdict: this.verdict,
      keptData: this.keptData,
    });
    const files = [path.join(this.directory, 'report.md'), path.join(this.directory, 'report.json')] as const;
    await writeFileAtomically(files[0], renderMarkdown(report), 0o600);
    await writeFileAtomically(files[1], `${JSON.stringify(report, undefined, 2)}\n`, 0o600);
    onEvent({ type: 'drill-finished', result, reports: [...files] });
    return { result, report, files: [...files], ...(error === undefined ? {} : { error }) };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof LabError)) return messageOf(error);
  return [`${error.code}: ${error.message}`, ...error.details, ...error.advice.map((line) => `→ ${line}`)].join('\n');
}
