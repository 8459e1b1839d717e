/** The database as one transaction left it. Never changes: a reader keeps one, a writer starts from one. */
import type { BoltError } from './bolt-error.ts';
import type { Bucket } from './bucket.ts';
import type { Meta } from './format.ts';
import type { Page } from './page.ts';
import type { Pager } from './pager.ts';
import { ReadAhead } from './read-ahead.ts';
import type { PageSource } from './tree.ts';

export class State implements PageSource {
  readonly pager: Pager;
  readonly meta: Meta;
  /** By name (see `bucketName`); in no particular order. */
  readonly buckets: ReadonlyMap<string, Bucket>;

  constructor(pager: Pager, meta: Meta, buckets: ReadonlyMap<string, Bucket>) {
    this.pager = pager;
    this.meta = meta;
    this.buckets = buckets;
  }

  page(id: number): Page {
    return this.pager.page(id, this.meta.highWater);
  }

  /** The same pages for a walk over all of them, read around the cache; a leaf is good until the next page. The state must be durable. */
  readAhead(): PageSource {
    const { pager, meta } = this;
    const ahead = new ReadAhead(pager.file);
    return {
      page: (id) => {
        const page = pager.load(id, meta.highWater, ahead);
        return page.isLeaf ? page : page.copy();
      },
      corrupt: (page, reason) => pager.corrupt(page, reason),
    };
  }

  corrupt(page: number, reason: string): BoltError {
    return this.pager.corrupt(page, reason);
  }

  /** Bytes of the file up to the last page that was ever in use. */
  get sizeBytes(): number {
    return this.meta.highWater * this.meta.pageSize;
  }
}
