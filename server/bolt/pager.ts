/**
 * Pages by id: those of sealed transactions that are not in the file yet, then a bounded cache, then the file.
 *
 * Reading is synchronous: the file is very likely in the operating system's cache, and a read that waited for the
 * event loop would cost more than the read. Buffers are never written to after they have become a page, so that views
 * of keys and values stay what they are for as long as somebody holds them.
 */
import type { StorageFile } from '../base/file-system.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { maxPageRunBytes } from './format.ts';
import { type Page, type PageHeader, parsePage, readPageHeader } from './page.ts';
import type { ReadAhead } from './read-ahead.ts';

/** A page's bytes without its overflow, its header checked against its place. */
export interface FirstPage {
  readonly bytes: Buffer;
  readonly header: PageHeader;
}

interface CachedPage {
  readonly page: Page;
  /** Read since the clock hand passed last. */
  used: boolean;
}

export class Pager {
  path: string;
  readonly pageSize: number;
  readonly file: StorageFile;
  /** Pages of sealed transactions until they are durable. */
  private readonly pinned = new Map<number, Page>();
  private readonly cache = new Map<number, CachedPage>();
  private readonly cacheLimitBytes: number;
  private cachedBytes = 0;

  constructor(path: string, file: StorageFile, pageSize: number, cacheLimitBytes: number) {
    this.path = path;
    this.file = file;
    this.pageSize = pageSize;
    this.cacheLimitBytes = cacheLimitBytes;
  }

  /**
   * @param highWater page count of the transaction that asks; everything must lie below
   * @throws BoltError BOLT_CORRUPT, BOLT_IO
   */
  page(id: number, highWater: number): Page {
    const cached = this.cache.get(id);
    if (cached !== undefined) {
      cached.used = true;
      return cached.page;
    }
    const pinned = this.pinned.get(id);
    if (pinned !== undefined) return pinned;
    const page = this.load(id, highWater);
    this.keep(page);
    return page;
  }

  /**
   * Reads a page around the cache, for walks over the whole file. Pages that are not in the file yet come from memory.
   *
   * @param ahead reads for this walk; by default each page is read for itself
   */
  load(id: number, highWater: number, ahead?: ReadAhead): Page {
    return this.complete(id, this.firstPage(id, highWater, ahead), highWater, ahead);
  }

  /** Reads a page without its overflow. */
  firstPage(id: number, highWater: number, ahead?: ReadAhead): FirstPage {
    const pinned = this.pinned.get(id);
    if (pinned !== undefined) return { bytes: pinned.bytes, header: readPageHeader(pinned.bytes) };
    if (id < 2 || id >= highWater) throw this.corrupt(id, `there are ${highWater} pages`);
    const bytes = this.read(id, this.pageSize, ahead);
    const header = readPageHeader(bytes);
    if (header.id !== id) throw this.corrupt(id, `its header says page ${header.id}`);
    if (id + header.overflow >= highWater || (1 + header.overflow) * this.pageSize > maxPageRunBytes) {
      throw this.corrupt(id, `its overflow of ${header.overflow} pages goes beyond page ${highWater - 1}`);
    }
    return { bytes, header };
  }

  /** @returns the bytes of a page with its overflow, whatever its kind */
  run(id: number, first: FirstPage, ahead?: ReadAhead): Buffer {
    const sizeBytes = (1 + first.header.overflow) * this.pageSize;
    return first.bytes.length >= sizeBytes ? first.bytes : this.read(id, sizeBytes, ahead);
  }

  /** Adds the overflow and checks the page. */
  complete(id: number, first: FirstPage, highWater: number, ahead?: ReadAhead): Page {
    const page = parsePage(this.run(id, first, ahead), highWater);
    if (typeof page === 'string') throw this.corrupt(id, page);
    return page;
  }

  /** Makes a sealed transaction's page readable, in place of what had this id before. */
  pin(page: Page): void {
    this.forget(page.id);
    this.pinned.set(page.id, page);
  }

  /** The page is in the file: from now on it may be dropped from memory. */
  unpin(page: Page): void {
    if (this.pinned.get(page.id) !== page) return;
    this.pinned.delete(page.id);
    this.keep(page);
  }

  corrupt(page: number, reason: string): BoltError {
    return new BoltError(BoltCode.Corrupt, this.path, reason, { page });
  }

  private read(id: number, sizeBytes: number, ahead: ReadAhead | undefined): Buffer {
    const position = id * this.pageSize;
    let bytes: Buffer;
    try {
      bytes = ahead?.read(position, sizeBytes) ?? this.readAlone(position, sizeBytes);
    } catch (cause) {
      const reason = `reading ${sizeBytes} bytes failed: ${cause instanceof Error ? cause.message : cause}`;
      throw new BoltError(BoltCode.InputOutput, this.path, reason, { page: id, cause });
    }
    if (bytes.length < sizeBytes)
      throw new BoltError(BoltCode.Truncated, this.path, 'the file ends here', { page: id });
    return bytes;
  }

  private readAlone(position: number, sizeBytes: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    return bytes.subarray(0, this.file.readSync(bytes, position));
  }

  private keep(page: Page): void {
    this.forget(page.id);
    this.cache.set(page.id, { page, used: false });
    this.cachedBytes += page.bytes.length;
    if (this.cachedBytes > this.cacheLimitBytes) this.evict();
  }

  private forget(id: number): void {
    const cached = this.cache.get(id);
    if (cached === undefined) return;
    this.cache.delete(id);
    this.cachedBytes -= cached.page.bytes.length;
  }

  /**
   * Second chance: oldest first, but what has been used meanwhile goes round once more. An eighth goes at a time,
   * because each walk from the front of a Map passes what has been deleted there.
   */
  private evict(): void {
    for (const [id, cached] of this.cache) {
      if (this.cachedBytes <= (this.cacheLimitBytes * 7) / 8) return;
      this.cache.delete(id);
      if (cached.used) {
        cached.used = false;
        this.cache.set(id, cached);
      } else {
        this.cachedBytes -= cached.page.bytes.length;
      }
    }
  }
}
