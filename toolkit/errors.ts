/**
 * The one error type of the toolkit. Programs match on `code`; people read message, cause and advice, in that order.
 */

/**
 * Exit codes of every command.
 *
 * | code | meaning |
 * |---|---|
 * | 0 | done, or already as wanted |
 * | 1 | failed: something did not work |
 * | 2 | usage: unknown command, flag or value; bad lab.yaml or drill file |
 * | 3 | refused: a preflight check, a lock or a safety rule said no, and nothing was touched |
 * | 4 | `certs check`: all works now, and something is due for renewal |
 * | 130 | interrupted |
 */
export const ExitCode = { ok: 0, failed: 1, usage: 2, refused: 3, renewalDue: 4, interrupted: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Codes that do not exit with 1. Everything else is a failure. */
const exitCodes: Readonly<Record<string, ExitCode>> = {
  LAB_USAGE: ExitCode.usage,
  LAB_CONFIG: ExitCode.usage,
  LAB_NODE_UNKNOWN: ExitCode.usage,
  LAB_NOT_YET: ExitCode.usage,
  LAB_DRILL_FILE: ExitCode.usage,
  LAB_DRILL_UNKNOWN: ExitCode.usage,
  LAB_EXERCISE_FILE: ExitCode.usage,
  LAB_EXERCISE_UNKNOWN: ExitCode.usage,
  LAB_BACKUP_UNKNOWN: ExitCode.usage,
  LAB_PREFLIGHT: ExitCode.refused,
  LAB_BACKUP_UNPROVEN: ExitCode.refused,
  LAB_CLUSTER_LOST: ExitCode.refused,
  LAB_EXERCISE_KEYS: ExitCode.refused,
  LAB_EXERCISE_NONE: ExitCode.refused,
  LAB_EXERCISE_NOT_SET_UP: ExitCode.refused,
  LAB_EXERCISE_OPEN: ExitCode.refused,
  LAB_LOCKED: ExitCode.refused,
  LAB_NOT_CONFIRMED: ExitCode.refused,
  LAB_PKI_REFUSED: ExitCode.refused,
  LAB_PASSPHRASE: ExitCode.refused,
  LAB_TOPOLOGY_CHANGED: ExitCode.refused,
  LAB_NOT_A_LAB: ExitCode.refused,
  LAB_HOST_KEY_UNKNOWN: ExitCode.refused,
  LAB_HOST_KEY_CHANGED: ExitCode.refused,
  LAB_NOT_SUPPORTED: ExitCode.usage,
  LAB_INTERRUPTED: ExitCode.interrupted,
};

export interface LabErrorOptions {
  /** What to do about it: one line each, as commands where possible. */
  readonly advice?: string | readonly string[];
  /** Lines of evidence, printed indented between message and advice: log tails, lists of findings. */
  readonly details?: readonly string[];
  readonly cause?: unknown;
}

/** An error that is shown to people without a stack: what happened, to what, and what to do. */
export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: `LAB_${string}`;
  readonly advice: readonly string[];
  readonly details: readonly string[];

  /**
   * @param code stable identifier, `LAB_` and a condition
   * @param message what happened, naming the file, host or member; no full stop
   */
  constructor(code: `LAB_${string}`, message: string, options: LabErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.advice = typeof options.advice === 'string' ? [options.advice] : (options.advice ?? []);
    this.details = options.details ?? [];
  }

  get exitCode(): ExitCode {
    return exitCodes[this.code] ?? ExitCode.failed;
  }
}

/**
 * @param again what happens when the command is run again
 * @returns the refusal of a command that was interrupted by a signal or an aborted caller
 */
export function interrupted(again = 'it goes on from here'): LabError {
  return new LabError('LAB_INTERRUPTED', 'interrupted', { advice: `run the same command again: ${again}` });
}

/** @throws LabError LAB_INTERRUPTED if the signal has fired */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

/** @returns the message of anything that can be thrown, without its stack */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
