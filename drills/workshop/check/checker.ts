/** Runs the check of an exercise, as often as it is asked to, in a process that can only look. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { LabError, messageOf } from '../../../toolkit/errors.ts';
import { projectRoot } from '../../../toolkit/lab/project.ts';
import { checkFile, type Exercise } from '../exercise.ts';
import { fromCheck, type ToCheck, type Verdict } from './messages.ts';

/** What a check can ask for, by name. */
export type Observations = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

interface Run {
  readonly id: number;
  resolve(verdicts: Verdict[]): void;
  reject(error: Error): void;
}

const program = path.join(import.meta.dirname, 'check-process.ts');
/** Every observation has a deadline of its own; this one is for a check that never comes to an end. */
const defaultTimeoutMs = 30_000;

export class Checker {
  private readonly exercise: Exercise;
  private observations: Observations = {};
  private child: ChildProcess | undefined;
  private run: Run | undefined;
  private runs = 0;

  constructor(exercise: Exercise) {
    this.exercise = exercise;
  }

  /**
   * Looks once. One run at a time.
   *
   * @param observations what the check may ask for
   * @returns what was seen of each condition
   * @throws LabError LAB_EXERCISE_CHECK when the check itself is broken or does not end
   */
  async check(observations: Observations, timeoutMs = defaultTimeoutMs): Promise<Verdict[]> {
    this.observations = observations;
    const child = this.start();
    this.runs += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Verdict[]>();
    this.run = { id: this.runs, resolve, reject };
    const timer = setTimeout(() => this.fail(`did not come to an end within ${timeoutMs / 1000} s`), timeoutMs);
    this.send(child, { type: 'run', run: this.runs, observations: Object.keys(observations) });
    return promise.finally(() => {
      clearTimeout(timer);
      this.run = undefined;
    });
  }

  close(): void {
    this.child?.removeAllListeners();
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private start(): ChildProcess {
    if (this.child !== undefined) return this.child;
    const readable = [path.dirname(program), path.join(projectRoot, 'package.json'), this.exercise.folder];
    const child = fork(program, [checkFile(this.exercise)], {
      execArgv: ['--permission', ...readable.map((file) => `--allow-fs-read=${file}`)],
      env: {},
      // What it prints would disturb the screen; what it says, it says to us.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on('message', (message) => void this.take(child, message));
    child.on('error', (error) => this.fail(error.message));
    child.on('exit', () => this.fail(`ended by itself: ${/^\w*Error.*$/m.exec(complaint)?.[0] ?? complaint}`));
    this.child = child;
    return child;
  }

  private async take(child: ChildProcess, message: unknown): Promise<void> {
    const parsed = fromCheck.safeParse(message);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.fail(`says what no check may say: ${issue?.path.join('.')}: ${issue?.message}`);
      return;
    }
    const { data } = parsed;
    if (data.type === 'broken') this.fail(`is broken: ${data.reason}`);
    else if (data.type === 'verdicts' && data.run === this.run?.id) this.run.resolve(data.verdicts);
    else if (data.type === 'look') this.send(child, { type: 'seen', call: data.call, ...(await this.look(data)) });
  }

  private async look({
    name,
    args,
  }: {
    name: string;
    args: unknown[];
  }): Promise<{ value: unknown } | { error: string }> {
    const observation = Object.hasOwn(this.observations, name) ? this.observations[name] : undefined;
    if (observation === undefined) return { error: `there is no observation '${name}'` };
    try {
      return { value: await observation(...(args as never[])) };
    } catch (error) {
      return { error: messageOf(error) };
    }
  }

  private send(child: ChildProcess, message: ToCheck): void {
    // A process that ends while it is told something is noticed when it has ended.
    if (child.connected) child.send(message, () => undefined);
  }

  private fail(reason: string): void {
    this.close();
    this.run?.reject(new LabError('LAB_EXERCISE_CHECK', `${checkFile(this.exercise)} ${reason}`));
  }
}
