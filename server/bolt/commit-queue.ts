/**
 * Writes sealed transactions into the file, one after the other, so that they become durable in order.
 *
 * Each is its data pages, a sync, its meta page, a sync. Two transactions never share a meta write: their metas go to
 * alternate pages, and the other page must stay the anchor of the last durable state until the new one is durable.
 */
import type { StorageFile } from '../base/file-system.ts';
import { encodeMetaPage, metaPageOf } from './format.ts';
import type { Page } from './page.ts';
import type { SealedTransaction } from './seal.ts';

/** Data of one write call. */
const writeBytes = 1024 * 1024;

interface Waiting {
  readonly transaction: SealedTransaction;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitQueueOptions {
  readonly file: StorageFile;
  /** Size of the file now. */
  readonly fileBytes: number;
  /** The file grows in steps of this size. */
  readonly growthBytes: number;
  /** False: never sync. A crash may then lose the file. */
  readonly sync: boolean;
  /** Runs when a transaction is durable, before its commit resolves. */
  readonly onDurable: (transaction: SealedTransaction) => void;
  /** Runs once, when a write or sync has failed. What the file holds is unknown from then on. */
  readonly onFailure: (cause: unknown) => unknown;
}

export class CommitQueue {
  private readonly options: CommitQueueOptions;
  private readonly waiting: Waiting[] = [];
  private fileBytes: number;
  private running: Promise<void> | undefined;

  constructor(options: CommitQueueOptions) {
    this.options = options;
    this.fileBytes = options.fileBytes;
  }

  /** @returns when the transaction is durable */
  push(transaction: SealedTransaction): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ transaction, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** @returns when nothing is being written; never rejects */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      try {
        await this.write(next.transaction);
        this.options.onDurable(next.transaction);
        next.resolve();
      } catch (cause) {
        const error = this.options.onFailure(cause);
        next.reject(error);
        for (const { reject } of this.waiting.splice(0)) reject(error);
      }
    }
    // In the same turn as the last resolve, so that a commit that follows on it finds nothing running.
    this.running = undefined;
  }

  private async write({ state, pages }: SealedTransaction): Promise<void> {
    const { file, growthBytes, sync } = this.options;
    const { meta } = state;
    if (state.sizeBytes > this.fileBytes) {
      const sizeBytes = Math.ceil(state.sizeBytes / growthBytes) * growthBytes;
      await file.truncate(sizeBytes);
      this.fileBytes = sizeBytes;
    }
    for (const run of contiguousRuns(pages, meta.pageSize)) {
      await file.write(
        run.map((page) => page.bytes),
        (run[0] as Page).id * meta.pageSize,
      );
    }
    if (sync) await file.datasync();
    const metaPage = metaPageOf(meta.txid);
    await file.write([encodeMetaPage(meta, metaPage)], metaPage * meta.pageSize);
    if (sync) await file.datasync();
  }
}

/** Groups pages that lie behind one another in the file, up to a megabyte. */
function* contiguousRuns(pages: readonly Page[], pageSize: number): Iterable<Page[]> {
  let run: Page[] = [];
  let end = 0;
  let size = 0;
  for (const page of pages) {
    if (run.length > 0 && (page.id !== end || size >= writeBytes)) {
      yield run;
      run = [];
      size = 0;
    }
    run.push(page);
    end = page.id + page.bytes.length / pageSize;
    size += page.bytes.length;
  }
  if (run.length > 0) yield run;
}
