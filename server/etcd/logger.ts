/**
 * The log: one JSON object a line with upstream's keys (contract: api.md §5.4).
 *
 * The lines are laid out here because pino puts the message behind the fields and has no `panic` level; its
 * destination writes them: synchronously, so that the last words before an exit are never lost, and with patience for
 * a pipe that is full.
 */
import { pino } from 'pino';
import { type LogFields, Logger, type LogLevel, type LogRecord, type LogSink, logLevels } from '../base/logger.ts';
import type { LogConfig } from './log-config.ts';
import { RotatingFile } from './rotating-file.ts';

/** One place that lines are written to. */
export interface LogOutput {
  write(line: string): void;
  close(): void;
}

/** The process's log with the files behind it. */
export interface OpenLog {
  readonly logger: Logger;
  close(): void;
}

/**
 * Opens the log's outputs.
 *
 * @throws Error `open sink "/dir/file": open /dir/file: no such file or directory`
 */
export function openLog(config: LogConfig): OpenLog {
  const outputs: LogOutput[] = [];
  try {
    for (const name of new Set(config.outputs)) outputs.push(openOutput(name, config.rotation));
  } catch (error) {
    for (const output of outputs) output.close();
    throw error;
  }
  return {
    logger: new Logger(new LineSink(config.level, outputs), 'etcd/logger'),
    close: () => {
      for (const output of outputs) output.close();
    },
  };
}

/** A logger to stderr, for what has to be said before the configuration is known. */
export function stderrLogger(): Logger {
  return openLog({ level: 'info', outputs: ['stderr'] }).logger;
}

function openOutput(name: string, rotation: LogConfig['rotation']): LogOutput {
  if (name === 'stdout') return new PinoOutput(1);
  // Under systemd stderr is the journal.
  if (name === 'stderr' || name === 'systemd/journal') return new PinoOutput(2);
  const path = name.startsWith('file://') ? new URL(name).pathname : name;
  try {
    return rotation === undefined ? new PinoOutput(path) : new RotatingFile(path, rotation);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `open ${path}: no such file or directory` : message;
    throw new Error(`open sink "${name}": ${reason}`);
  }
}

class PinoOutput implements LogOutput {
  private readonly destination: ReturnType<typeof pino.destination>;
  private readonly isFile: boolean;

  constructor(destination: number | string) {
    this.isFile = typeof destination === 'string';
    this.destination = pino.destination({ dest: destination, sync: true, append: true });
    // A log that cannot be written (a full disk, a closed pipe) is no reason to stop serving.
    this.destination.on('error', () => {});
  }

  write(line: string): void {
    this.destination.write(line);
  }

  close(): void {
    if (this.isFile) this.destination.end();
  }
}

class LineSink implements LogSink {
  private readonly least: number;
  private readonly outputs: readonly LogOutput[];

  constructor(level: LogLevel, outputs: readonly LogOutput[]) {
    this.least = logLevels.indexOf(level);
    this.outputs = outputs;
  }

  enabled(level: LogLevel): boolean {
    return logLevels.indexOf(level) >= this.least;
  }

  write(record: LogRecord): void {
    const line = formatLine(record, wallClockMicroseconds());
    for (const output of this.outputs) output.write(line);
  }
}

/**
 * One line of the log, with its line feed.
 *
 * @param microseconds since 1970, UTC
 */
export function formatLine(record: LogRecord, microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000);
  const ts = `${new Date(milliseconds).toISOString().slice(0, 23)}${String(microseconds % 1000).padStart(3, '0')}Z`;
  const head = JSON.stringify({ level: record.level, ts, caller: record.caller, msg: record.msg });
  const fields = record.fields === undefined ? '{}' : formatFields(record.fields, record.level);
  return fields === '{}' ? `${head}\n` : `${head.slice(0, -1)},${fields.slice(1)}\n`;
}

function formatFields(fields: LogFields, level: LogLevel): string {
  const { error } = fields;
  const withTrace = logLevels.indexOf(level) >= logLevels.indexOf('error') && error instanceof Error;
  try {
    return JSON.stringify(withTrace ? { ...fields, stacktrace: error.stack } : fields, loggable);
  } catch {
    // A value that refers to itself: better a poor line than none, and no exception out of logging.
    return JSON.stringify({ fields: Object.keys(fields), 'log-error': 'a field cannot be written as JSON' });
  }
}

/** ES2026 has it, TypeScript's library not yet: a number with all its digits. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

function loggable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJson(String(value));
  if (value instanceof Error) return value.message;
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

let anchorMs = performance.timeOrigin;

/** Microseconds since 1970: the monotonic clock's resolution on the wall clock's time, which may be set meanwhile. */
function wallClockMicroseconds(): number {
  const now = performance.now();
  const wall = Date.now();
  if (Math.abs(anchorMs + now - wall) > 2) anchorMs = wall - now;
  return Math.floor((anchorMs + now) * 1000);
}
