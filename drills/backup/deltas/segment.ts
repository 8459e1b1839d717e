/**
 * A segment of a delta log: a header, entries, and, once it is complete, a seal (docs/delta-log.md). Pure: bytes in,
 * bytes out.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LabError } from '../../../toolkit/errors.ts';
import {
  decodeEntry,
  type Entry,
  encodeEntry,
  type LeaseEntry,
  type MarkEntry,
  type RevisionEntry,
  type SealEntry,
  sealBytes,
} from './entry.ts';

export const segmentFormat = 'etcdlab-delta/1';

const sha256Pattern = /^[0-9a-f]{64}$/;
const wholeNumber = z.number().int().min(0);

const headerSchema = z.looseObject({
  format: z.literal(segmentFormat),
  /** Names the chain, as its folder does. */
  chain: z.string().min(1),
  /** From 1. */
  number: wholeNumber.min(1),
  /** In hex. */
  clusterId: z.string().regex(/^[0-9a-f]{1,16}$/),
  /** The first revision that the segment may hold. */
  fromRevision: wholeNumber,
  /** When the segment before ended, in milliseconds since 1970. */
  fromMs: wholeNumber,
  /** What the segment before has in its seal; null for the first. */
  previousSha256: z.string().regex(sha256Pattern).nullable(),
  /** The full backup that the chain begins with. */
  base: z.object({ backup: z.string(), sha256: z.string().regex(sha256Pattern), revision: wholeNumber }),
});
export type SegmentHeader = z.output<typeof headerSchema>;

/** What stands between header and seal. */
export type BodyEntry = RevisionEntry | LeaseEntry | MarkEntry;

export interface Segment {
  readonly header: SegmentHeader;
  readonly entries: readonly BodyEntry[];
  /** Undefined as long as it grows. */
  readonly seal: SealEntry | undefined;
  /** How many bytes the entries that are whole take, the header's and the seal's among them. */
  readonly wholeBytes: number;
  /** The last revision that it holds, or that was there before it. */
  readonly lastRevision: number;
  /** The last moment of which it tells. */
  readonly lastAtMs: number;
}

export function encodeHeader(header: SegmentHeader): Buffer {
  return encodeEntry({ kind: 'header', json: JSON.stringify(header) });
}

/** @returns the header, if the bytes begin with one @throws LabError LAB_DELTA_DAMAGED */
export function decodeHeader(bytes: Buffer, file: string): { header: SegmentHeader; end: number } {
  const first = decodeEntry(bytes, 0);
  if (first?.entry.kind !== 'header') throw damaged(file, 0, 'there is no header');
  const parsed = headerSchema.safeParse(parseJson(first.entry.json));
  if (!parsed.success) throw damaged(file, 0, `its header is not that of ${segmentFormat}`);
  return { header: parsed.data, end: first.end };
}

/** @returns the seal at the end, if there is one; whether the segment is as it says, only `readSegment` tells */
export function decodeSeal(tail: Buffer): SealEntry | undefined {
  const found = tail.length < sealBytes ? undefined : decodeEntry(tail, tail.length - sealBytes);
  return found?.entry.kind === 'seal' && found.end === tail.length ? found.entry : undefined;
}

/**
 * Reads a segment as far as it is whole. What follows in one that is not sealed was being written when the writer ended,
 * and counts for nothing.
 *
 * @param file for messages
 * @param mustBeSealed also refuses a segment whose end is missing
 * @throws LabError LAB_DELTA_DAMAGED with file and offset: no header, revisions out of order, a seal of other bytes,
 *   something behind the seal
 */
export function readSegment(bytes: Buffer, file: string, mustBeSealed = false): Segment {
  const { header, end } = decodeHeader(bytes, file);
  const entries: BodyEntry[] = [];
  let lastRevision = header.fromRevision - 1;
  let lastAtMs = header.fromMs;
  let offset = end;
  let seal: SealEntry | undefined;
  while (seal === undefined) {
    const found = decodeEntry(bytes, offset);
    if (found === undefined) break;
    const { entry } = found;
    if (entry.kind === 'seal') {
      checkSeal(entry, bytes.subarray(0, offset), { lastRevision, lastAtMs }, file);
      seal = entry;
    } else {
      const problem = outOfOrder(entry, lastRevision, lastAtMs);
      if (problem !== undefined) throw damaged(file, offset, problem);
      if (entry.kind === 'revision') lastRevision = entry.revision;
      if (entry.kind === 'revision' || entry.kind === 'mark') lastAtMs = entry.atMs;
      entries.push(entry as BodyEntry);
    }
    offset = found.end;
  }
  if (seal !== undefined && offset !== bytes.length) throw damaged(file, offset, 'something follows the seal');
  if (seal === undefined && mustBeSealed) throw damaged(file, offset, 'an entry is damaged, or the rest is missing');
  return { header, entries, seal, wholeBytes: offset, lastRevision, lastAtMs };
}

function checkSeal(
  seal: SealEntry,
  content: Buffer,
  last: Pick<Segment, 'lastRevision' | 'lastAtMs'>,
  file: string,
): void {
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (sha256 !== seal.sha256)
    throw damaged(file, content.length, `its SHA-256 is ${sha256}, its seal says ${seal.sha256}`);
  if (seal.lastRevision === last.lastRevision && seal.lastAtMs === last.lastAtMs) return;
  throw damaged(file, content.length, `it ends at revision ${last.lastRevision}, its seal says ${seal.lastRevision}`);
}

function outOfOrder(entry: Entry, lastRevision: number, lastAtMs: number): string | undefined {
  if (entry.kind === 'header') return 'a second header';
  if (entry.kind === 'revision' && entry.revision !== lastRevision + 1)
    return `revision ${entry.revision} follows ${lastRevision}`;
  if (entry.kind === 'mark' && entry.revision !== lastRevision) return `a mark of revision ${entry.revision}`;
  if ((entry.kind === 'revision' || entry.kind === 'mark') && entry.atMs < lastAtMs) return 'a time that went back';
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(file: string, offset: number, problem: string): LabError {
  return new LabError('LAB_DELTA_DAMAGED', `${file} is damaged at byte ${offset}: ${problem}`, {
    advice: 'restore to a moment before it, or take another copy of the file',
  });
}
