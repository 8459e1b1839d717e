/** What `--to` can mean. Pure. */
import { LabError } from '../../../toolkit/errors.ts';

export type RestoreTarget =
  | { readonly kind: 'backup'; readonly id: string }
  | { readonly kind: 'revision'; readonly revision: number }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly atMs: number };

const revisionPattern = /^r?([1-9][0-9]{0,15})$/;
const timePattern = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * @param text `r123` or `123`: a revision; `2026-11-20T14:30:00Z` (RFC 3339): a time; anything else names a backup
 * @throws LabError LAB_USAGE for a time that does not exist, or that does not say where
 */
export function parseTarget(text: string): RestoreTarget {
  const revision = revisionPattern.exec(text)?.[1];
  if (revision !== undefined && Number.isSafeInteger(Number(revision))) {
    return { kind: 'revision', revision: Number(revision) };
  }
  // No backup is named like a date or a time of day.
  if (/^\d{4}-\d{2}-\d{2}|^\d{1,2}:\d{2}/.test(text)) {
    const atMs = parseTime(text);
    if (!Number.isNaN(atMs)) return { kind: 'time', atMs };
    const example = Number.isNaN(parseTime(`${text}Z`)) ? '1970-01-01T00:00:00Z' : `${text}Z`;
    throw new LabError('LAB_USAGE', `'${text}' is no time`, {
      advice: `write it like ${example}, or with +01:00 instead of Z`,
    });
  }
  return { kind: 'backup', id: text };
}

/** @returns milliseconds since 1970, or NaN */
function parseTime(text: string): number {
  const isTime = timePattern.test(text) && isDay(text.slice(0, 10));
  return isTime ? Date.parse(text.toUpperCase().replace(' ', 'T')) : Number.NaN;
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const midnight = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
}
