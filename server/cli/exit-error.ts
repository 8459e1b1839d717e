/** A command's failure: what it prints and the status that it exits with. */

/** Exit codes of etcdctl and etcdutl (contract: cli §1.3). */
export const ExitCode = {
  Success: 0,
  Error: 1,
  BadConnection: 2,
  /** Malformed input to `txn` or `watch`. */
  InvalidInput: 3,
  /** A valid flag with an unsupported value. */
  BadFeature: 4,
  Interrupted: 5,
  BadArgs: 128,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Printed as `Error: <message>`; an empty message prints nothing, for commands that have said it all. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

export function badArgs(message: string): ExitError {
  return new ExitError(ExitCode.BadArgs, message);
}
