/** The consistency check: of an open database, or of a file. */
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { atOnce } from '../base/slices.ts';
import { BoltDatabase } from './bolt-database.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { type Meta, PageFlag, pageHeaderBytes } from './format.ts';
import type { FreePages } from './free-pages.ts';
import { readMeta } from './open-meta.ts';
import { readPageHeader } from './page.ts';
import { Pager } from './pager.ts';
import { type PageCounts, TreeWalk } from './tree-walk.ts';

export interface CheckResult {
  /** What is wrong, the first hundred of it. Empty: the file is sound. */
  errors: string[];
  /** What is unusual in a sound file: a meta page torn by a crash, a branch with a single child. */
  warnings: string[];
  pages: PageCounts;
}

export interface CheckOptions {
  fs?: FileSystem;
  /** How much of the file counts, when something follows the database in it. */
  sizeBytes?: number;
}

const maxErrors = 100;
const noPages: PageCounts = { total: 0, branch: 0, leaf: 0, overflow: 0, freeList: 0, free: 0 };

/**
 * Reads every page in use and tells what is wrong. Never throws for damage.
 *
 * @param target an open database (its last sealed transaction is checked), or the path of a file
 */
export async function check(target: BoltDatabase | string, options: CheckOptions = {}): Promise<CheckResult> {
  if (target instanceof BoltDatabase) {
    const { state, free } = target.inspect();
    const report = new Report();
    checkPages(state.pager, state.meta, report, free);
    return report;
  }
  return checkFile(target, options);
}

class Report implements CheckResult {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  pages: PageCounts = noPages;

  add(message: string): void {
    if (this.errors.length < maxErrors) this.errors.push(message);
  }

  /** Notes what is wrong with the file; anything but damage is thrown on. */
  addThrown(error: unknown): void {
    if (!(error instanceof BoltError)) throw error;
    this.add(error.page === undefined ? error.reason : `page ${error.page}: ${error.reason}`);
  }
}

async function checkFile(path: string, options: CheckOptions): Promise<CheckResult> {
  const fs = options.fs ?? nodeFileSystem;
  if (!(await fs.exists(path))) throw new BoltError(BoltCode.NotFound, path, 'there is no such file');
  const file = await fs.open(path, 'read');
  const report = new Report();
  try {
    const { meta, other } = await readMeta(path, file, options.sizeBytes ?? (await file.size()));
    if (other !== undefined) report.warnings.push(`meta page ${other.page} is not valid: ${other.reason}`);
    checkPages(new Pager(path, file, meta.pageSize, 0), meta, report, undefined);
  } catch (error) {
    report.addThrown(error);
  } finally {
    await file.close();
  }
  return report;
}

/** @param free which pages a running database takes for free; undefined: a file, whose list may be stored in it */
function checkPages(pager: Pager, meta: Meta, report: Report, free: FreePages | undefined): void {
  const walk = new TreeWalk(pager, meta, (error) => report.addThrown(error));
  atOnce(walk.steps());
  const stored = storedFreeList(pager, meta, walk, report);
  const unreached = [...walk.unreached()];
  if (stored !== undefined) checkStoredList(stored, unreached, report);
  if (free !== undefined) checkFree(free, walk, unreached, report);
  const { branch, leaf, lone, overflow } = walk.counts;
  if (lone > 0) report.warnings.push(`${lone} branches have a single child`);
  const freeListPages = stored?.pageCount ?? 0;
  const counts = { branch, leaf, overflow, freeList: freeListPages, free: unreached.length };
  report.pages = { total: meta.highWater, ...counts };
}

/** Every page is in use, free, or waiting to be, and only one of them. */
function checkFree(free: FreePages, walk: TreeWalk, unreached: readonly number[], report: Report): void {
  const waiting = new Set<number>();
  for (const id of free.pendingPages()) {
    if (waiting.has(id) || free.has(id)) report.add(`page ${id}: is freed twice`);
    if (walk.isReached(id)) report.add(`page ${id}: is in use and freed`);
    waiting.add(id);
  }
  let known = 0;
  for (const id of unreached) {
    if (free.has(id)) known++;
    else if (!waiting.has(id)) report.add(`page ${id}: is neither in use nor free`);
  }
  if (known !== free.count) report.add(`${free.count - known} pages are in use and free`);
}

/** Takes the stored free list's pages out of the unreached ones and reads it. @returns undefined when there is none to read */
function storedFreeList(pager: Pager, meta: Meta, walk: TreeWalk, report: Report): StoredFreeList | undefined {
  if (meta.freeList === undefined) return undefined;
  try {
    const first = pager.firstPage(meta.freeList, meta.highWater);
    const pageCount = 1 + first.header.overflow;
    if (!walk.mark(meta.freeList, pageCount)) throw pager.corrupt(meta.freeList, 'the free list is on a page in use');
    return { page: meta.freeList, pageCount, ids: decodeFreeList(pager.run(meta.freeList, first)) };
  } catch (error) {
    report.addThrown(error);
    return undefined;
  }
}

interface StoredFreeList {
  readonly page: number;
  readonly pageCount: number;
  /** Or what is wrong with it. */
  readonly ids: readonly number[] | string;
}

/** Contract: disk-and-peer §4.5. A count of 0xFFFF means that the true one comes first. */
function decodeFreeList(bytes: Buffer): number[] | string {
  const { flags, count } = readPageHeader(bytes);
  if (flags !== PageFlag.FreeList) return `flags 0x${flags.toString(16)} instead of a free list's`;
  const isLong = count === 0xffff;
  const start = pageHeaderBytes + (isLong ? 8 : 0);
  if (start > bytes.length) return 'it has no room for its count';
  const length = isLong ? Number(bytes.readBigUInt64LE(pageHeaderBytes)) : count;
  if (start + length * 8 > bytes.length) return `${length} ids do not fit ${bytes.length} bytes`;
  return Array.from({ length }, (_, i) => Number(bytes.readBigUInt64LE(start + i * 8)));
}

function checkStoredList({ page, ids }: StoredFreeList, unreached: readonly number[], report: Report): void {
  if (typeof ids === 'string') {
    report.add(`page ${page}: ${ids}`);
    return;
  }
  const listed = new Set(ids);
  if (listed.size < ids.length) report.add(`page ${page}: the free list names a page twice`);
  for (const id of unreached) {
    if (!listed.delete(id)) report.add(`page ${id}: is neither in use nor in the free list`);
  }
  for (const id of listed) report.add(`page ${id}: is in the free list and in use`);
}
