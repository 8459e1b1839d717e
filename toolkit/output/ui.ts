/** Where a command writes, and in which form. */
import { styleText } from 'node:util';
import { Listr, type ListrTask } from 'listr2';
import { LabError, messageOf } from '../errors.ts';
import { describeError, type ErrorReport, formatError } from './error-report.ts';
import { EventRenderer, formatJson, formatPlain, type TaskEvent } from './task-events.ts';
import { terminalOptions } from './terminal.ts';

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Of a terminal, as it is at the moment. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** `terminal`: drawn and redrawn. `plain`: one line an event. `json`: one JSON object an event. */
export type UiMode = 'terminal' | 'plain' | 'json';

export class Ui {
  readonly mode: UiMode;
  private readonly stdout: OutputStream;
  private readonly stderr: OutputStream;
  private readonly now: () => Date;
  /** Makes the commands in a text for people such that they can be typed. */
  readonly complete: (text: string) => string;

  constructor(
    mode: UiMode,
    stdout: OutputStream,
    stderr: OutputStream,
    now: () => Date = () => new Date(),
    complete: (text: string) => string = (text) => text,
  ) {
    this.mode = mode;
    this.stdout = stdout;
    this.stderr = stderr;
    this.now = now;
    this.complete = complete;
  }

  /** @returns `json` if asked for, `terminal` on one, else `plain` */
  static modeFor(json: boolean, stdout: OutputStream): UiMode {
    if (json) return 'json';
    return stdout.isTTY === true ? 'terminal' : 'plain';
  }

  /** Writes a line for people; nothing in JSON mode. */
  line(text = ''): void {
    if (this.mode !== 'json') this.stdout.write(`${this.complete(text)}\n`);
  }

  /** Writes a warning for people, and an event for machines. */
  warning(text: string): void {
    const completed = this.complete(text);
    if (this.mode === 'json') this.event({ event: 'warning', text: completed });
    else this.stderr.write(`${this.style('yellow', 'warning:')} ${completed}\n`);
  }

  /** Writes one event; nothing unless in JSON mode. */
  event(event: object): void {
    if (this.mode === 'json') this.stdout.write(`${formatJson(event, this.now())}\n`);
  }

  /** Writes a listing: the text for people, or the value as one JSON document. */
  listing(text: string, value: unknown): void {
    this.stdout.write(this.mode === 'json' ? `${JSON.stringify(value, null, 2)}\n` : `${this.complete(text)}\n`);
  }

  /** @returns of the terminal at the moment; the usual size where there is none */
  size(): { columns: number; rows: number } {
    // A terminal that does not know its size says 0.
    return { columns: this.stdout.columns || 80, rows: this.stdout.rows || 24 };
  }

  /** Writes text as it is, in every mode. */
  raw(text: string): void {
    this.stdout.write(text);
  }

  error(error: unknown, debug: boolean): void {
    const told: ErrorReport = describeError(error);
    const message = this.complete(told.message);
    const [details, advice] = [told.details, told.advice].map((lines) => lines.map(this.complete)) as [
      string[],
      string[],
    ];
    const report = { ...told, message, details, advice };
    if (this.mode === 'json') this.event({ event: 'error', ...report });
    else this.stderr.write(formatError(report, (text) => this.style('red', text)));
    if (debug && error instanceof Error) this.stderr.write(`${error.stack ?? ''}\n`);
  }

  /** Colours on a terminal only, and not if NO_COLOR says so. */
  style(format: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string): string {
    return this.mode === 'terminal' && !process.env.NO_COLOR
      ? styleText(format, text, { validateStream: false })
      : text;
  }

  /**
   * Runs a task list in the form of this user interface.
   * @throws what the first failing task throws
   */
  async runTasks<Context extends object>(tasks: ListrTask<Context>[], context: Context): Promise<Context> {
    // Signals are heard by the program, which aborts the tasks: they clean up, and the cursor comes back.
    const common = { ctx: context, registerSignalListeners: false, exitOnError: true };
    try {
      if (this.mode === 'terminal') {
        return await new Listr(tasks, { ...common, renderer: 'default', rendererOptions: terminalOptions }).run();
      }
      const report = (event: TaskEvent) =>
        this.stdout.write(`${this.mode === 'json' ? formatJson(event, this.now()) : formatPlain(event)}\n`);
      const rendererOptions = { report, clock: () => performance.now() };
      return await new Listr(tasks, { ...common, renderer: EventRenderer, rendererOptions }).run();
    } catch (error) {
      throw error instanceof Error ? error : new LabError('LAB_FAILED', messageOf(error));
    }
  }
}
