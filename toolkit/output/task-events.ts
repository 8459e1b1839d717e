/**
 * What a task list tells while it runs, as plain data: listr2 draws it on a terminal; everywhere else, each event
 * becomes one line.
 */
import {
  type ListrRenderer,
  type ListrRendererFactory,
  ListrTaskEventType,
  type ListrTaskObject,
  ListrTaskState,
} from 'listr2';

export type TaskEventType = 'task-started' | 'task-output' | 'task-done' | 'task-skipped' | 'task-failed';

export interface TaskEvent {
  readonly event: TaskEventType;
  /** Titles from the outermost task to this one. */
  readonly path: readonly string[];
  /** What the task says, or why it was skipped. */
  readonly text?: string;
  /** Of a task that has ended. */
  readonly durationMs?: number;
}

type Task = ListrTaskObject<unknown, ListrRendererFactory, ListrRendererFactory>;

export interface EventRendererOptions {
  readonly report: (event: TaskEvent) => void;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
}

/** A listr2 renderer that reports events instead of drawing. */
export class EventRenderer implements ListrRenderer {
  static rendererOptions: EventRendererOptions;
  static rendererTaskOptions: never;
  static nonTTY = true;
  private readonly tasks: Task[];
  private readonly options: EventRendererOptions;

  constructor(tasks: Task[], options: EventRendererOptions) {
    this.tasks = tasks;
    this.options = options;
  }

  render(): void {
    this.watch(this.tasks);
  }

  end(): void {
    // Every task has reported its own end.
  }

  private watch(tasks: readonly Task[]): void {
    for (const task of tasks) this.watchTask(task);
  }

  private watchTask(task: Task): void {
    const { report, clock } = this.options;
    const path = task.path.filter((title) => title !== undefined);
    let startedAt = clock();
    task.on(ListrTaskEventType.SUBTASK, (subtasks) => this.watch(subtasks));
    task.on(ListrTaskEventType.OUTPUT, (text) => report({ event: 'task-output', path, text: text.trimEnd() }));
    task.on(ListrTaskEventType.STATE, (state) => {
      if (!task.hasTitle()) return;
      const durationMs = Math.round(clock() - startedAt);
      if (state === ListrTaskState.STARTED) {
        startedAt = clock();
        report({ event: 'task-started', path });
      } else if (state === ListrTaskState.COMPLETED) {
        report({ event: 'task-done', path, durationMs });
      } else if (state === ListrTaskState.SKIPPED) {
        // listr2 sets the state first and the reason right after it.
        queueMicrotask(() => report({ event: 'task-skipped', path, text: task.message.skip ?? '' }));
      } else if (state === ListrTaskState.FAILED) {
        // Why it failed is told once, by whoever runs the list.
        report({ event: 'task-failed', path, durationMs });
      }
    });
  }
}

const verbs: Readonly<Record<TaskEventType, string>> = {
  'task-started': 'start',
  'task-output': 'info ',
  'task-done': 'done ',
  'task-skipped': 'skip ',
  'task-failed': 'FAIL ',
};

/** @returns `done   Start the members › node1  (0.12 s)` */
export function formatPlain({ event, path, text, durationMs }: TaskEvent): string {
  const title = path.join(' › ');
  const duration = durationMs === undefined ? '' : `  (${(durationMs / 1000).toFixed(2)} s)`;
  return `${verbs[event]}  ${title}${text ? `: ${text}` : ''}${duration}`;
}

/** @param time when it happened @returns one JSON object on one line */
export function formatJson(event: object, time: Date): string {
  return JSON.stringify({ time: time.toISOString(), ...event });
}
