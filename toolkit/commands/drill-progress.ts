/** A running drill on the screen. */
import type { ListrTask } from 'listr2';
import type { DrillEvent } from '../../drills/engine/events.ts';
import { LabError } from '../errors.ts';
import type { Cli } from './cli.ts';

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
export class DrillProgress {
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
        this.cli.ui.warning(`${event.reason}: ${event.how}`);
        break;
      case 'rolled-back':
        this.cli.ui.warning(event.ok ? event.detail : `it could not be undone: ${event.detail}`);
        break;
      case 'evidence-missing':
        this.cli.ui.warning(`the evidence beside the report is not complete: ${event.reason}`);
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
    // A drill that ends before a step was begun never tells of that step: nobody must wait for it.
    void running.catch(() => undefined).then(() => this.endAll());
    const tasks = await Promise.race([this.started.promise, running.then(() => [])]);
    await this.cli.ui.runTasks(tasks, {}).catch(() => undefined);
  }

  private endAll(): void {
    for (const { done } of this.steps) done.reject(new LabError('LAB_DRILL', 'not begun'));
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
