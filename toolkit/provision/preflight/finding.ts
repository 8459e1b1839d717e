/** What a check of the machine found. */

/** `error`: `up` would fail, and is refused. `warning`: it will work, but not well. */
export type Severity = 'ok' | 'warning' | 'error';

export interface Finding {
  /** Stable identifier of the check, such as `port-free`. */
  readonly check: string;
  readonly severity: Severity;
  /** What was looked at: a port, a folder, a file. */
  readonly subject: string;
  /** What is there, and for a problem also what is wanted. */
  readonly found: string;
  /** What to do about a problem. */
  readonly advice?: string;
}

export const ok = (check: string, subject: string, found: string): Finding => ({
  check,
  severity: 'ok',
  subject,
  found,
});

export const problem = (
  severity: 'warning' | 'error',
  check: string,
  subject: string,
  found: string,
  advice: string,
): Finding => ({ check, severity, subject, found, advice });
