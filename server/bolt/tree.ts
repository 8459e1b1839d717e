/** Reading of one bucket's tree: a key, or all keys from a key on. */
import type { BoltError } from './bolt-error.ts';
import type { Bucket } from './bucket.ts';
import { bucketElementFlag, maxDepth } from './format.ts';
import type { Page } from './page.ts';

/** The pages of one state of the database. */
export interface PageSource {
  /** @throws BoltError when the page cannot be read or is damaged */
  page(id: number): Page;
  corrupt(page: number, reason: string): BoltError;
}

export function rootPage(source: PageSource, bucket: Bucket): Page {
  return bucket.inline ?? source.page(bucket.rootId);
}

/** @returns the key's value in place, or undefined */
export function getFromTree(source: PageSource, root: Page, key: Uint8Array): Buffer | undefined {
  let page = root;
  for (let depth = 0; !page.isLeaf; depth++) {
    if (depth === maxDepth) throw source.corrupt(page.id, `the tree is deeper than ${maxDepth} levels`);
    page = source.page(page.child(page.childFor(key, 0, key.length)));
  }
  const at = page.lowerBound(key, 0, key.length);
  if (at === page.count || page.compareKey(at, key, 0, key.length) !== 0) return undefined;
  return page.flags(at) === bucketElementFlag ? undefined : page.value(at);
}

/** Walks the pairs of a tree in key order. `page` and `index` are where it stands, while `valid`. */
export class TreeCursor {
  page: Page;
  index = 0;
  valid = false;
  private readonly source: PageSource;
  private readonly root: Page;
  /** The branches above `page`, and the child that was taken in each. */
  private readonly branches: Page[] = [];
  private readonly taken: number[] = [];

  constructor(source: PageSource, root: Page) {
    this.source = source;
    this.root = root;
    this.page = root;
  }

  /** Goes to the first pair whose key is not less than `key`. */
  seek(key: Uint8Array): void {
    this.branches.length = 0;
    this.taken.length = 0;
    let page = this.root;
    while (!page.isLeaf) page = this.down(page, page.childFor(key, 0, key.length));
    this.page = page;
    this.index = page.lowerBound(key, 0, key.length);
    this.valid = true;
    if (this.index === page.count) this.nextLeaf();
  }

  /** Goes to the last pair. */
  seekLast(): void {
    this.branches.length = 0;
    this.taken.length = 0;
    let page = this.root;
    while (!page.isLeaf) page = this.down(page, page.count - 1);
    this.page = page;
    this.index = page.count - 1;
    this.valid = page.count > 0;
  }

  next(): void {
    this.index++;
    if (this.index === this.page.count) this.nextLeaf();
  }

  private down(branch: Page, child: number): Page {
    if (this.branches.length === maxDepth) {
      throw this.source.corrupt(branch.id, `the tree is deeper than ${maxDepth} levels`);
    }
    this.branches.push(branch);
    this.taken.push(child);
    return this.source.page(branch.child(child));
  }

  /** Goes to the first pair of the next leaf. No leaf below a branch is empty. */
  nextLeaf(): void {
    for (;;) {
      const branch = this.branches.pop();
      const child = this.taken.pop();
      if (branch === undefined || child === undefined) {
        this.valid = false;
        return;
      }
      if (child + 1 === branch.count) continue;
      let page = this.down(branch, child + 1);
      while (!page.isLeaf) page = this.down(page, 0);
      this.page = page;
      this.index = 0;
      return;
    }
  }
}
