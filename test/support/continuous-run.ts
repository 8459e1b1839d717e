/** `etcdlab backup run` as a process that a test starts, listens to and ends. */
import type { TestLab } from './test-lab.ts';

/** One line of what it tells. */
export type RunEvent = { event: string; [field: string]: unknown };

export class ContinuousRun {
  readonly events: RunEvent[] = [];
  private readonly process: ReturnType<TestLab['spawn']>;
  private readonly ended: Promise<void>;
  private onEvent: () => void = () => undefined;
  private hasEnded = false;

  /** @param flags beside `--json` */
  constructor(lab: TestLab, ...flags: string[]) {
    this.process = lab.spawn('backup', 'run', '--json', ...flags);
    this.ended = this.listen();
  }

  /**
   * @returns the first event of that kind behind those that were there before
   * @throws Error with all that it told when it ends without one
   */
  async told(event: string, isMeant: (event: RunEvent) => boolean = () => true): Promise<RunEvent> {
    for (let next = 0; ; ) {
      const found = this.events.slice(next).find((each) => each.event === event && isMeant(each));
      if (found !== undefined) return found;
      if (this.hasEnded) throw new Error(`it ended without '${event}': ${JSON.stringify(this.events)}`);
      next = this.events.length;
      await new Promise<void>((resolve) => {
        this.onEvent = resolve;
      });
    }
  }

  /** @returns its exit code; undefined if the signal ended it */
  async end(signal: NodeJS.Signals): Promise<number | undefined> {
    this.process.kill(signal);
    await this.ended;
    return (await this.process).exitCode;
  }

  private async listen(): Promise<void> {
    for await (const line of this.process) {
      this.events.push(JSON.parse(String(line)) as RunEvent);
      this.onEvent();
    }
    await this.process;
    this.hasEnded = true;
    this.onEvent();
  }
}
