/** What happened in a simulated world, line by line: the last of it to read, and a digest of all of it to compare. */
import { createHash } from 'node:crypto';

export class Trace {
  private readonly hash = createHash('sha256');
  private readonly keep: number;
  private lines: string[] = [];
  count = 0;

  /** @param keep lines at the end to keep */
  constructor(keep = 200) {
    this.keep = keep;
  }

  line(text: string): void {
    this.count++;
    this.hash.update(text).update('\n');
    this.lines.push(text);
    if (this.lines.length > 2 * this.keep) this.lines = this.tail();
  }

  /** The last lines. */
  tail(count = this.keep): string[] {
    return this.lines.slice(Math.max(0, this.lines.length - count));
  }

  /** Of all lines so far; equal digests, equal runs. */
  digest(): string {
    return this.hash.copy().digest('hex').slice(0, 16);
  }
}
