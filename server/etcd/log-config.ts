/** What `--log-level`, `--log-outputs` and the flags of rotation ask for. */
import { type LogLevel, logLevels } from '../base/logger.ts';
import type { FlagValues } from './flags.ts';

export interface LogConfig {
  readonly level: LogLevel;
  /** `stderr`, `stdout` or paths of files; at least one. */
  readonly outputs: readonly string[];
  /** Undefined: never rotated. */
  readonly rotation?: { readonly maxSizeBytes: number; readonly maxBackups: number; readonly maxAgeDays: number };
}

/** @throws UnknownLogLevel; Error when the rotation's JSON cannot be read */
export function logConfig(values: FlagValues): LogConfig {
  const level = values.string('log-level') as LogLevel;
  const outputs = values.list('log-outputs').map((output) => (output === 'default' ? 'stderr' : output));
  if (!logLevels.includes(level)) throw new UnknownLogLevel(level);
  if (!values.boolean('enable-log-rotation')) return { level, outputs };
  return { level, outputs, rotation: logRotation(values.string('log-rotation-config-json')) };
}

/** Upstream panics over this one; its exit code is 2 where other values end with 1. */
export class UnknownLogLevel extends Error {
  override readonly name = 'UnknownLogLevel';

  constructor(level: string) {
    super(`unrecognized level: "${level}"`);
  }
}

function logRotation(json: string): NonNullable<LogConfig['rotation']> {
  let read: { maxsize?: unknown; maxbackups?: unknown; maxage?: unknown };
  try {
    read = JSON.parse(json);
  } catch (error) {
    throw new Error(`improper log rotation configuration: ${(error as Error).message}`);
  }
  const number = (key: 'maxsize' | 'maxbackups' | 'maxage', fallback: number): number => {
    const value = read[key] ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
      throw new Error(
        `improper log rotation configuration: ${key} must be a whole number, got ${JSON.stringify(value)}`,
      );
    }
    return value === 0 ? fallback : value;
  };
  return {
    maxSizeBytes: number('maxsize', 100) * 1024 * 1024,
    maxBackups: number('maxbackups', 0),
    maxAgeDays: number('maxage', 0),
  };
}
