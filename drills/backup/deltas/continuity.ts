/**
 * What makes a row of revisions one history: each follows the one before, and what is seen twice is the same both times.
 * Pure.
 */
import { createHash } from 'node:crypto';
import { LabError } from '../../../toolkit/errors.ts';
import type { RevisionEntry } from './entry.ts';
import type { SegmentHeader } from './segment.ts';

/** So many revisions back an overlap can be compared. */
const rememberedRevisions = 100_000;

/**
 * Takes revisions in order, from one source or from several that overlap: after a change of leader, or from a second
 * writer.
 */
export class Continuity {
  private last: number;
  /** Digests of those that were taken last. */
  private readonly seen = new Map<number, string>();

  /** @param base the revision after which the history goes on */
  constructor(base: number) {
    this.last = base;
  }

  get lastRevision(): number {
    return this.last;
  }

  /**
   * @returns whether the revision is new; one that was there already, with the same content, is not
   * @throws LabError LAB_DELTA_FORK when it was there with another content: this is another history, such as that of a
   *   cluster that was restored meanwhile; LAB_DELTA_GAP when there are revisions missing before it
   */
  accept(entry: Pick<RevisionEntry, 'revision' | 'events'>): boolean {
    const { revision } = entry;
    if (revision > this.last + 1) throw gap(this.last + 1, revision);
    const digest = digestOf(entry);
    if (revision <= this.last) {
      const before = this.seen.get(revision);
      if (before !== undefined && before !== digest) throw fork(revision, 'is there with another content');
      return false;
    }
    this.last = revision;
    this.seen.set(revision, digest);
    this.seen.delete(revision - rememberedRevisions);
    return true;
  }
}

/** @throws LabError LAB_DELTA_DAMAGED when a segment is not the one that follows another */
export function requireSuccessor(
  before: { header: SegmentHeader; sha256: string; lastRevision: number },
  { header, file }: { header: SegmentHeader; file: string },
): void {
  const problem = successorProblem(before, header);
  if (problem === undefined) return;
  throw new LabError(
    'LAB_DELTA_DAMAGED',
    `${file} does not go on where segment ${before.header.number} ends: ${problem}`,
    {
      advice: 'a segment was lost or exchanged: restore to a moment before it',
    },
  );
}

function successorProblem(
  before: { header: SegmentHeader; sha256: string; lastRevision: number },
  header: SegmentHeader,
): string | undefined {
  if (header.chain !== before.header.chain || header.clusterId !== before.header.clusterId) return 'another chain';
  if (header.number !== before.header.number + 1) return `it is segment ${header.number}`;
  if (header.previousSha256 !== before.sha256) return 'it follows other bytes';
  if (header.fromRevision > before.lastRevision + 1) return `revision ${before.lastRevision + 1} is missing`;
  return undefined;
}

function digestOf({ events }: Pick<RevisionEntry, 'events'>): string {
  const hash = createHash('sha256');
  const length = Buffer.alloc(4);
  for (const event of events) {
    length.writeUInt32BE(event.length);
    hash.update(length).update(event);
  }
  return hash.digest('base64');
}

export function fork(revision: number, what: string): LabError {
  return new LabError('LAB_DELTA_FORK', `revision ${revision} ${what}: the cluster was restored, or is another one`, {
    advice: 'etcdlab backup create starts anew from what the cluster holds',
  });
}

function gap(from: number, found: number): LabError {
  const missing = from === found - 1 ? `revision ${from} is` : `revisions ${from} to ${found - 1} are`;
  return new LabError('LAB_DELTA_GAP', `${missing} missing: after ${from - 1} comes ${found}`);
}
