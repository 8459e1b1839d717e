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
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const atMs = timePattern.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : Number.NaN;
    if (!Number.isNaN(atMs)) return { kind: 'time', atMs };
    throw new LabError('LAB_USAGE', `'${text}' is no time`, {
      advice: `write it like ${new Date(0).toISOString().slice(0, 19)}Z, or with +01:00 instead of Z`,
    });
  }
  return { kind: 'backup', id: text };
}
