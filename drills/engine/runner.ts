/**
 * Runs a drill: its steps in order, then the verification that no drill can leave out. Whatever goes wrong before the
 * verification is undone, so that a drill that cannot be carried through leaves the lab as it found it.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { interrupted, LabError, messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { EngineConfig } from '../../toolkit/lab/config.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { clearDrillKeys } from '../dataset/clear.ts';
import { writeEvidence } from '../report/evidence-files.ts';
import { writeReports } from '../report/files.ts';
import { buildReport } from '../report/report.ts';
import type { DrillReport, TimelineEntry } from '../report/report-schema.ts';
import { pruneRuns } from '../report/retention.ts';
import type { Observation } from '../verification/evidence.ts';
import type { Verdict } from '../verification/verify.ts';
import { watchReport } from '../verification/watches.ts';
import type { DrillContext, RecoveryPart } from './context.ts';
import type { DrillDefinition } from './definition.ts';
import type { DrillEvent, DrillResult, Phase } from './events.ts';
import { undoDeadlineMs } from './interrupted.ts';
import { Journal } from './journal.ts';
import { type PlannedStep, type PlanOptions, planDrill, unmetNeed } from './plan.ts';
import { prove } from './prove.ts';

export interface DrillOptions extends PlanOptions {
  lab: Lab;
  drill: DrillDefinition;
  /** Names the run; letters, digits and hyphens. */
  runId: string;
  signal: AbortSignal;
  /** The engine that the lab does not run on, if it is known: some drills change from one to the other. */
  otherEngine?: EngineConfig | undefined;
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
  /** Why the drill could not be carried through; only with result `inconclusive`. */
  error?: unknown;
}

/** What is cleared away after a drill has no use for the drill's own signal, which may have fired. */
const afterwardsDeadlineMs = 120_000;

/**
 * @returns what came out, also when the drill failed or could not be carried through; the reports are written in any case
 * @throws LabError as `planDrill`, LAB_PREFLIGHT when the drill needs what is not there; before anything is done
 */
export async function runDrill(options: DrillOptions): Promise<DrillOutcome> {
  const plan = planDrill(options.drill, options);
  const unmet = unmetNeed(plan, { lab: options.lab, otherEngine: options.otherEngine });
  if (unmet !== undefined) throw new LabError('LAB_PREFLIGHT', `drill ${options.drill.name} cannot be run: ${unmet}`);
  return new Run(options, plan).carryOut();
}

class Run {
  private readonly options: DrillOptions;
  private readonly plan: PlannedStep[];
  private readonly now: () => Date;
  private readonly timeline: TimelineEntry[] = [];
  private readonly directory: string;
  private readonly parts = new Map<RecoveryPart, number>();
  private readonly atTheEnd: (() => Promise<void>)[] = [];
  private observations: readonly Observation[] = [];
  private verdict: Verdict | undefined;
  private keptData: Record<string, string> | undefined;
  private journalText: string | undefined;

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
    const context = await this.newContext();
    const titles = this.plan.map(({ phase, step, parameters }) => ({ phase, title: step.title(parameters, { lab }) }));
    const verification = { phase: 'verify' as const, title: 'Prove it: every member, every key' };
    onEvent({ type: 'drill-started', drill: drill.name, runId, lab: lab.name, steps: [...titles, verification] });

    let error: unknown;
    try {
      await this.clearKeys();
      for (const [i, planned] of this.plan.entries()) {
        await this.step(i, planned.phase, titles[i]?.title ?? planned.step.name, (progress) =>
          planned.step.run({ ...context, progress }, planned.parameters),
        );
      }
      await this.step(this.plan.length, 'verify', verification.title, (progress) =>
        context.measured('verify', () => this.prove({ ...context, progress })),
      );
    } catch (thrown) {
      // Whatever an interruption cut short fails in its own words.
      error = signal.aborted ? interrupted('the drill starts over') : thrown;
    }
    const finishedAt = this.now();
    const result: DrillResult = error !== undefined ? 'inconclusive' : this.verdict?.passed ? 'passed' : 'failed';
    await this.settle(context.journal, result);
    return this.conclude(context, result, error, { startedAt, finishedAt });
  }

  private async newContext(): Promise<DrillContext> {
    const { lab, runId, signal, otherEngine } = this.options;
    return {
      lab,
      runId,
      seed: runId,
      signal,
      journal: await Journal.open(lab),
      directory: this.directory,
      otherEngine,
      now: this.now,
      progress: () => undefined,
      measured: async (part, work) => {
        const startedAt = performance.now();
        try {
          return await work();
        } finally {
          this.parts.set(part, (this.parts.get(part) ?? 0) + Math.round(performance.now() - startedAt));
        }
      },
      onEnd: (clean) => this.atTheEnd.unshift(clean),
      found: { restoredFrom: {}, written: [], checks: [] },
    };
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

  private async prove(context: DrillContext): Promise<string> {
    const { verdict, observations } = await prove(context, this.options.drill.assert);
    this.verdict = verdict;
    this.observations = observations;
    this.options.onEvent({ type: 'verified', verdict });
    const passed = verdict.checks.filter((check) => check.passed).length;
    return `${passed} of ${verdict.checks.length} checks passed on ${observations.length} members`;
  }

  /** Proved: the old data may go. Disproved: both are kept to be looked at. Not carried through: the old data returns. */
  private async settle(journal: Journal, result: DrillResult): Promise<void> {
    this.journalText = journal.text;
    for (const clean of this.atTheEnd) await clean();
    if (result === 'failed') {
      this.keptData = await this.keepAside(journal);
      return;
    }
    if (result === 'passed') await journal.discard(this.options.lab);
    else if (journal.isOpen) await this.undo(journal);
    // A cluster that does not serve keeps them until the next drill.
    await this.clearKeys().catch(() => undefined);
  }

  /** @returns where the data and keys lie that were moved aside, without those that had none to be moved */
  private async keepAside(journal: Journal): Promise<Record<string, string>> {
    const kept: Record<string, string> = {};
    for (const [name, aside] of Object.entries(journal.asideByNode)) {
      if (await this.options.lab.node(name).host.exists(aside)) kept[name] = aside;
    }
    for (const [name, aside] of Object.entries(journal.keysAside)) if (existsSync(aside)) kept[name] = aside;
    await journal.close();
    return kept;
  }

  private async undo(journal: Journal): Promise<void> {
    const { lab, onEvent, signal, startAndWait } = this.options;
    const kept = { ...journal.asideByNode, ...journal.keysAside };
    const detail = journal.putsBack
      ? 'all members run on their data from before the drill'
      : 'the cluster is repaired, and has all that was written';
    onEvent({
      type: 'rolling-back',
      reason: signal.aborted ? 'interrupted' : 'the drill could not be carried through',
      how: journal.putsBack ? 'putting back the data from before it' : 'repairing the cluster',
    });
    try {
      // The drill's own signal may have fired: that is one of the reasons to be here.
      const deadline = AbortSignal.timeout(undoDeadlineMs);
      await journal.rollBack(lab, false, deadline);
      await startAndWait(lab, deadline);
      onEvent({ type: 'rolled-back', ok: true, detail });
    } catch (error) {
      this.keptData = journal.isOpen ? kept : undefined;
      onEvent({ type: 'rolled-back', ok: false, detail: messageOf(error) });
    }
  }

  private async clearKeys(): Promise<void> {
    const client = this.options.lab.client();
    try {
      await clearDrillKeys(client, AbortSignal.timeout(afterwardsDeadlineMs));
    } finally {
      client.close();
    }
  }

  private async conclude(
    { found, lab }: DrillContext,
    result: DrillResult,
    error: unknown,
    times: { startedAt: Date; finishedAt: Date },
  ): Promise<DrillOutcome> {
    const { drill, runId, onEvent } = this.options;
    const report = buildReport({
      drill,
      runId,
      lab: lab.name,
      engine: lab.state.engine.kind,
      result,
      error: error === undefined ? undefined : describe(error),
      ...times,
      timeline: this.timeline,
      parts: Object.fromEntries(this.parts),
      manifest: found.snapshot?.manifest,
      loss: found.reference?.outcome === 'restored' ? found.loss : undefined,
      disasterAt: found.disasterAt,
      recoveredAt: found.recovery?.at,
      observations: this.observations,
      watches: found.reference && watchReport(found.reference, this.observations),
      verdict: this.verdict,
      keptData: this.keptData,
    });
    const since = times.startedAt;
    const files = await writeReports(this.directory, report);
    const evidence = { observations: this.observations, since, journal: this.journalText };
    await writeEvidence(lab, this.directory, evidence).catch((error: unknown) =>
      onEvent({ type: 'evidence-missing', reason: messageOf(error) }),
    );
    await pruneRuns(lab.paths.reports);
    onEvent({ type: 'drill-finished', result, reports: files });
    return { result, report, files, ...(error === undefined ? {} : { error }) };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof LabError)) return messageOf(error);
  return [`${error.code}: ${error.message}`, ...error.details, ...error.advice.map((line) => `→ ${line}`)].join('\n');
}
