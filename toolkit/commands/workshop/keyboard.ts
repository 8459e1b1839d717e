/** Single keys from a terminal, without Enter. */
import type { CliIo } from '../cli.ts';

/** Somebody who leans on the keyboard must not be waited for. */
const maxWaiting = 16;
const ctrlC = '\x03';

export class Keyboard {
  private readonly stdin: CliIo['stdin'] & { setRawMode?: (isRaw: boolean) => unknown };
  private readonly waiting: string[] = [];
  private wake: ((key?: string) => void) | undefined;

  constructor(stdin: CliIo['stdin']) {
    this.stdin = stdin;
    this.resume();
  }

  /** @returns the next key in lower case, or undefined if none comes in time; `q` for Ctrl-C, which is no signal here */
  next(timeoutMs: number): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const key = this.waiting.shift();
    if (key !== undefined) return Promise.resolve(key);
    const timer = setTimeout(() => this.wake?.(), timeoutMs);
    this.wake = (key) => {
      clearTimeout(timer);
      this.wake = undefined;
      resolve(key);
    };
    return promise;
  }

  /** Lets the terminal be as it was, for a question that is answered with Enter. */
  pause(): void {
    this.stdin.off('data', this.take);
    this.stdin.setRawMode?.(false);
    this.stdin.pause();
  }

  resume(): void {
    this.stdin.setRawMode?.(true);
    this.stdin.on('data', this.take);
    this.stdin.resume();
  }

  [Symbol.dispose](): void {
    this.pause();
  }

  private readonly take = (data: Buffer | string): void => {
    for (const character of String(data)) {
      const key = character === ctrlC ? 'q' : character.toLowerCase();
      if (this.wake !== undefined) this.wake(key);
      else if (this.waiting.length < maxWaiting) this.waiting.push(key);
    }
  };
}
