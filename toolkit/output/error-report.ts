/** The one place where errors become words. */
import { LabError, messageOf } from '../errors.ts';

/** An error as data, for machines. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  /** The messages of the errors that led to it, outermost first. */
  readonly causes: readonly string[];
  readonly details: readonly string[];
  readonly advice: readonly string[];
}

/** More would be a circle. */
const maxCauses = 5;

export function describeError(error: unknown): ErrorReport {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < maxCauses; depth++) {
    const message = messageOf(cause).split('\n')[0] as string;
    // Messages often repeat the one of their cause.
    if (!messageOf(error).includes(message)) causes.push(message);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  if (error instanceof LabError) {
    return { code: error.code, message: error.message, causes, details: error.details, advice: error.advice };
  }
  const { code, advice } = (error ?? {}) as { code?: unknown; advice?: unknown };
  return {
    code: typeof code === 'string' ? code : 'LAB_UNEXPECTED',
    message: messageOf(error),
    causes,
    details: [],
    advice: typeof advice === 'string' ? [advice] : ['DEBUG=etcdlab shows where this comes from'],
  };
}

/**
 * @param emphasise colours a word on a terminal
 * @returns what happened, why, the evidence, and what to do; ends with a line feed
 */
export function formatError(report: ErrorReport, emphasise: (text: string) => string = (text) => text): string {
  const lines = [`${emphasise('error:')} ${report.message} (${report.code})`];
  for (const cause of report.causes) lines.push(`  because: ${cause}`);
  for (const detail of report.details) lines.push(`    ${detail}`);
  for (const advice of report.advice) lines.push(`  try: ${advice}`);
  return `${lines.join('\n')}\n`;
}
