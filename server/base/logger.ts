/** Logging as every room sees it: levels, a message that never changes, and fields. `etcd/logger.ts` writes the lines. */

/** In rising order; the names of upstream's logger. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Values are written as JSON; bigints as numbers, errors as their message. Never secrets: no keys, tokens, values. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What a log line is made of, apart from its time. */
export interface LogRecord {
  readonly level: LogLevel;
  /** The area and file that speaks, such as `etcd/config`. */
  readonly caller: string;
  readonly msg: string;
  readonly fields?: LogFields;
}

/** Takes log lines of one caller. */
export class Logger {
  private readonly sink: LogSink;
  private readonly caller: string;

  /** @param caller the area and file that speaks, such as `peer/stream` */
  constructor(sink: LogSink, caller: string) {
    this.sink = sink;
    this.caller = caller;
  }

  /** The same log, spoken to by another caller. */
  at(caller: string): Logger {
    return new Logger(this.sink, caller);
  }

  /** Whether lines of this level are written: asked before an expensive line is put together. */
  enabled(level: LogLevel): boolean {
    return this.sink.enabled(level);
  }

  debug(msg: string, fields?: LogFields): void {
    this.write('debug', msg, fields);
  }

  info(msg: string, fields?: LogFields): void {
    this.write('info', msg, fields);
  }

  warn(msg: string, fields?: LogFields): void {
    this.write('warn', msg, fields);
  }

  error(msg: string, fields?: LogFields): void {
    this.write('error', msg, fields);
  }

  /** The line before the process ends; ending it is the caller's business. */
  fatal(msg: string, fields?: LogFields): void {
    this.write('fatal', msg, fields);
  }

  private write(level: LogLevel, msg: string, fields: LogFields | undefined): void {
    if (!this.sink.enabled(level)) return;
    this.sink.write(
      fields === undefined ? { level, caller: this.caller, msg } : { level, caller: this.caller, msg, fields },
    );
  }
}

/** Where lines go. */
export interface LogSink {
  enabled(level: LogLevel): boolean;
  write(record: LogRecord): void;
}

/** For those who have nobody to tell. */
export const silentLogger = new Logger({ enabled: () => false, write: () => {} }, '');
