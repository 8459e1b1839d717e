/** How far a long transfer has come, on one line of a terminal; nothing where nobody looks. */
import type { CliIo } from './io.ts';

const redrawMs = 100;

export class ProgressLine {
  private readonly io: CliIo;
  private drawnMs = Number.NEGATIVE_INFINITY;
  private isDrawn = false;

  constructor(io: CliIo) {
    this.io = io;
  }

  /** Shows `text` in place of what was shown before, ten times a second at most. */
  show(text: () => string): void {
    const now = performance.now();
    if (this.io.stderr.isTTY !== true || now - this.drawnMs < redrawMs) return;
    this.drawnMs = now;
    this.isDrawn = true;
    this.io.stderr.write(`\r\u001b[K${text()}`);
  }

  /** Takes the line away, so that what is said next begins on a clean one. */
  clear(): void {
    if (this.isDrawn) this.io.stderr.write('\r\u001b[K');
    this.isDrawn = false;
  }
}

/** `[=====>    ] 42 %`. @param fraction done, from 0 to 1 */
export function progressBar(fraction: number, width = 30): string {
  const done = Math.min(Math.max(fraction, 0), 1);
  const filled = Math.floor(done * width);
  const bar = filled === width ? '='.repeat(width) : `${'='.repeat(filled)}>`.padEnd(width);
  return `[${bar}] ${String(Math.floor(done * 100)).padStart(3)} %`;
}
