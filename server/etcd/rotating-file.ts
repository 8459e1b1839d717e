/** A log file that is put aside when it has grown (`--enable-log-rotation`), named as upstream's rotation names it. */
import { closeSync, fstatSync, openSync, readdirSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface RotationRule {
  readonly maxSizeBytes: number;
  /** Files put aside and kept; 0 keeps all. */
  readonly maxBackups: number;
  /** Days after which a file put aside is removed; 0 is never. */
  readonly maxAgeDays: number;
}

/** Writes lines synchronously; a failing disk loses lines, never the process. */
export class RotatingFile {
  private readonly path: string;
  private readonly rule: RotationRule;
  private readonly now: () => Date;
  private fd: number;
  private sizeBytes: number;

  /**
   * @param now the clock that names and ages the files put aside
   * @throws the file system's error when the file cannot be opened
   */
  constructor(file: string, rule: RotationRule, now: () => Date = () => new Date()) {
    this.path = path.resolve(file);
    this.rule = rule;
    this.now = now;
    this.fd = openSync(this.path, 'a', 0o600);
    this.sizeBytes = fstatSync(this.fd).size;
  }

  write(line: string): void {
    const lineBytes = Buffer.byteLength(line);
    try {
      if (this.sizeBytes > 0 && this.sizeBytes + lineBytes > this.rule.maxSizeBytes) this.rotate();
      writeSync(this.fd, line);
      this.sizeBytes += lineBytes;
    } catch {
      // Nowhere to report it: this is the log.
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private rotate(): void {
    const stamp = this.now().toISOString().replaceAll(':', '-').slice(0, 23);
    const { dir, name, ext } = path.parse(this.path);
    renameSync(this.path, path.join(dir, `${name}-${stamp}${ext}`));
    const previous = this.fd;
    this.fd = openSync(this.path, 'a', 0o600);
    this.sizeBytes = 0;
    closeSync(previous);
    this.removeOld();
  }

  private removeOld(): void {
    const { dir, name, ext } = path.parse(this.path);
    const stamped = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/;
    const backups = readdirSync(dir)
      .filter((file) => file.startsWith(`${name}-`) && file.endsWith(ext))
      .map((file) => ({ file, stamp: file.slice(name.length + 1, file.length - ext.length) }))
      .filter(({ stamp }) => stamped.test(stamp))
      .sort((a, b) => (a.stamp < b.stamp ? 1 : -1));
    const oldest = new Date(this.now().getTime() - this.rule.maxAgeDays * 86_400_000)
      .toISOString()
      .replaceAll(':', '-');
    backups.forEach(({ file, stamp }, age) => {
      const tooMany = this.rule.maxBackups > 0 && age >= this.rule.maxBackups;
      const tooOld = this.rule.maxAgeDays > 0 && stamp < oldest;
      if (tooMany || tooOld) unlinkSync(path.join(dir, file));
    });
  }
}
