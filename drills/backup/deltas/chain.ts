/**
 * A chain of segments in its folder: one history, from a full backup on.
 *
 *     CHAIN/00000001.delta    sealed, and never changed again
 *     CHAIN/active.delta      grows; only its writer touches it
 */
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../../toolkit/errors.ts';
import { writeFileAtomically } from '../../../toolkit/hosts/atomic-file.ts';
import { Continuity, requireSuccessor } from './continuity.ts';
import { sealBytes } from './entry.ts';
import { decodeHeader, decodeSeal, readSegment, type Segment, type SegmentHeader } from './segment.ts';

export const activeName = 'active.delta';
const disprovedName = 'disproved';
export const sealedPattern = /^\d{8}\.delta$/;
export const chainPattern = /^\d{8}-\d{6}-[0-9a-f]{1,16}(-\d+)?$/;
/** No header is longer. */
const maxHeaderBytes = 64 * 1024;

/** What is known of a segment without reading all of it. */
export interface SegmentFile {
  /** Absolute. */
  readonly file: string;
  readonly header: SegmentHeader;
  readonly lastRevision: number;
  readonly lastAtMs: number;
  readonly sizeBytes: number;
  /** What its seal says; undefined as long as it grows. */
  readonly sha256: string | undefined;
}

export interface Chain {
  readonly id: string;
  /** Absolute. */
  readonly folder: string;
  readonly clusterId: string;
  /** The full backup that it begins with. */
  readonly base: SegmentHeader['base'];
  /** Ascending, without a hole: what follows one that is missing is not here. */
  readonly segments: readonly SegmentFile[];
  /** Revisions from `fromRevision` on, up to `lastRevision`, can be applied. */
  readonly fromRevision: number;
  readonly lastRevision: number;
  /** From when and until when the log tells what happened, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly lastAtMs: number;
  /** What was found when a full backup disproved it. */
  readonly disproved?: string | undefined;
}

/** @returns a name for a chain that begins now; two in one second are told apart by a number */
export function newChainId(at: Date, clusterId: string, taken: readonly string[] = []): string {
  const stamp = at.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  for (let n = 1; ; n++) {
    const id = n === 1 ? `${stamp}-${clusterId}` : `${stamp}-${clusterId}-${n}`;
    if (!taken.includes(id)) return id;
  }
}

/** @returns the name of a segment's file once it is sealed */
export function sealedName(number: number): string {
  return `${String(number).padStart(8, '0')}.delta`;
}

/** Told of what cannot be read; by default it is thrown. */
export type OnDamage = (error: LabError) => void;

const throwIt: OnDamage = (error) => {
  throw error;
};

/**
 * A segment that is damaged or missing ends its chain: what is before it can be restored all the same.
 *
 * @param folder that of all chains; need not be there
 * @returns the chains that have a segment, the oldest first
 * @throws LabError LAB_DELTA_DAMAGED, unless `onDamage` takes it
 */
export async function listChains(folder: string, onDamage: OnDamage = throwIt): Promise<Chain[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => chainPattern.test(name)).sort();
  const chains = await Promise.all(names.map((name) => describeChain(path.join(folder, name), onDamage)));
  return chains.filter((chain) => chain !== undefined);
}

/**
 * @returns undefined for a folder without a segment: its writer was killed before the first
 * @throws LabError as `listChains`
 */
export async function describeChain(folder: string, onDamage: OnDamage = throwIt): Promise<Chain | undefined> {
  const segments: SegmentFile[] = [];
  try {
    for await (const next of describeSegments(folder)) segments.push(next);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    onDamage(error);
  }
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const { chain: id, clusterId, base, fromRevision, fromMs } = first.header;
  const { lastRevision, lastAtMs } = last;
  const disproved = await readDisproof(folder);
  return { id, folder, clusterId, base, segments, fromRevision, lastRevision, fromMs, lastAtMs, disproved };
}

/** Writes down, for whoever restores, that a chain does not lead where the cluster was. @param folder the chain's own */
export async function markDisproved(folder: string, problem: string): Promise<void> {
  await writeFileAtomically(disproofFile(folder), `${problem}\n`, 0o600);
}

/** @param folder the chain's own @returns where it stands that the chain is disproved, if it is */
export function disproofFile(folder: string): string {
  return path.join(folder, disprovedName);
}

/** @returns what was found; undefined for a chain that nothing speaks against */
export async function readDisproof(folder: string): Promise<string | undefined> {
  const text = await readFile(disproofFile(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text?.trim();
}

async function* describeSegments(folder: string): AsyncGenerator<SegmentFile> {
  // Before the sealed ones: sealed meanwhile, it is among them, and nothing is missing between them and it.
  const [growing] = await Promise.allSettled([describeActive(path.join(folder, activeName))]);
  const names = (await readdir(folder)).filter((name) => sealedPattern.test(name)).sort();
  let before: SegmentFile | undefined;
  for (const name of names) {
    const next = await describeSealed(path.join(folder, name));
    if (before !== undefined) requireSuccessor({ ...before, sha256: before.sha256 ?? '' }, next);
    yield next;
    before = next;
  }
  if (growing.status === 'rejected') throw growing.reason;
  const active = growing.value;
  if (active === undefined || active.header.number <= (before?.header.number ?? 0)) return;
  if (before !== undefined) requireSuccessor({ ...before, sha256: before.sha256 ?? '' }, active);
  yield active;
}

/**
 * Reads the segments of a chain one after the other, each checked as a whole, and as the one that follows the one before.
 *
 * @throws LabError LAB_DELTA_DAMAGED, LAB_DELTA_FORK, LAB_DELTA_GAP
 */
export async function* readSegments(segments: readonly SegmentFile[]): AsyncGenerator<Segment> {
  let before: { header: SegmentHeader; sha256: string; lastRevision: number } | undefined;
  let continuity: Continuity | undefined;
  for (const {
    file,
    sha256,
    header: { number },
  } of segments) {
    const segment = readSegment(await readEvenIfSealed(file, number), file, sha256 !== undefined);
    const { header, seal, lastRevision } = segment;
    if (before !== undefined) requireSuccessor(before, { header, file });
    continuity ??= new Continuity(header.fromRevision - 1);
    const entries = segment.entries.filter((entry) => entry.kind !== 'revision' || continuity?.accept(entry));
    before = { header, sha256: seal?.sha256 ?? '', lastRevision };
    yield { ...segment, entries };
  }
}

/** The one that grows gets another name when its writer seals it. */
async function readEvenIfSealed(file: string, number: number): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || path.basename(file) !== activeName) throw error;
    return readFile(path.join(path.dirname(file), sealedName(number)));
  });
}

async function describeSealed(file: string): Promise<SegmentFile> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, maxHeaderBytes));
    const tail = Buffer.alloc(Math.min(size, sealBytes));
    await handle.read(head, 0, head.length, 0);
    await handle.read(tail, 0, tail.length, size - tail.length);
    const { header } = decodeHeader(head, file);
    const seal = decodeSeal(tail);
    if (seal === undefined)
      throw new LabError('LAB_DELTA_DAMAGED', `${file} has no seal at its end: it was cut or changed`);
    const { lastRevision, lastAtMs, sha256 } = seal;
    return { file, header, lastRevision, lastAtMs, sizeBytes: size, sha256 };
  } finally {
    await handle.close();
  }
}

async function describeActive(file: string): Promise<SegmentFile | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const { header, lastRevision, lastAtMs, wholeBytes, seal } = readSegment(bytes, file);
  return { file, header, lastRevision, lastAtMs, sizeBytes: wholeBytes, sha256: seal?.sha256 };
}

/** @param backups the folder of a lab's backups @returns that of its chains */
export function deltasFolder(backups: string): string {
  return path.join(backups, 'deltas');
}
