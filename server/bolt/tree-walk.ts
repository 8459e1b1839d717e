/**
 * Visits every page that can be reached from a meta page, and checks on the way all that the tree promises: each page
 * is reached once and is where its header says, keys ascend within and across pages, a branch names each child's
 * first key, all leaves of a tree lie equally deep.
 *
 * `open` runs it to learn which pages are free, so a file that it has opened holds no loops and no surprises.
 */
import type { Steps } from '../base/slices.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { type Bucket, bucketName, parseBucket } from './bucket.ts';
import { bucketElementFlag, type Meta, maxDepth } from './format.ts';
import type { Page } from './page.ts';
import type { Pager } from './pager.ts';
import { ReadAhead } from './read-ahead.ts';

/** Pages by what they hold; `overflow` are the ones behind a large page's first. */
export interface PageCounts {
  total: number;
  branch: number;
  leaf: number;
  overflow: number;
  freeList: number;
  free: number;
}

/** One tree: a bucket's, or the tree of all buckets. */
interface Tree {
  /** Undefined: the tree of all buckets. */
  readonly bucket: string | undefined;
  leafDepth: number | undefined;
}

interface Bounds {
  /** The parent's key for the page: its first key. Undefined for a root. */
  readonly first: Buffer | undefined;
  /** All keys are less. */
  readonly below: Buffer | undefined;
}

/** Goes along with a walk. */
export interface LeafVisitor {
  /** The pages that follow are those of this bucket. Buckets come in byte order of their names. */
  bucket(name: string): void;
  /** @param page in key order, and good until this returns */
  leaf(page: Page): void;
}

const unbounded: Bounds = { first: undefined, below: undefined };

export class TreeWalk {
  readonly buckets = new Map<string, Bucket>();
  /** `lone`: branches with a single child, which upstream's rebalancing does not expect. */
  readonly counts = { branch: 0, leaf: 0, overflow: 0, lone: 0 };
  private readonly pager: Pager;
  private readonly meta: Meta;
  private readonly report: (error: BoltError) => void;
  private readonly reached: Uint8Array;
  private readonly visitor: LeafVisitor | undefined;
  private readonly ahead: ReadAhead;

  /**
   * @param report gets each fault; the walk goes on behind it unless this throws
   * @param visitor sees the leaves of all buckets
   */
  constructor(pager: Pager, meta: Meta, report: (error: BoltError) => void, visitor?: LeafVisitor) {
    this.pager = pager;
    this.meta = meta;
    this.report = report;
    this.visitor = visitor;
    this.reached = new Uint8Array((meta.highWater >>> 3) + 1);
    this.ahead = new ReadAhead(pager.file);
    this.mark(0, 2);
  }

  /** The whole walk, page by page. */
  *steps(): Steps<void> {
    yield* this.visit(this.meta.root, { bucket: undefined, leafDepth: undefined }, 0, unbounded);
  }

  isReached(id: number): boolean {
    return ((this.reached[id >>> 3] as number) & (1 << (id & 7))) !== 0;
  }

  /** Takes pages that belong to something outside of the trees. @returns false if one of them was taken already */
  mark(id: number, count: number): boolean {
    for (let i = id; i < id + count; i++) {
      if (this.isReached(i)) return false;
      this.reached[i >>> 3] = (this.reached[i >>> 3] as number) | (1 << (i & 7));
    }
    return true;
  }

  /** The pages that nothing has taken. */
  *unreached(): Generator<number> {
    for (let id = 2; id < this.meta.highWater; id++) if (!this.isReached(id)) yield id;
  }

  private fault(page: number, reason: string, code: BoltCode = BoltCode.Corrupt): void {
    this.report(new BoltError(code, this.pager.path, reason, { page }));
  }

  private *visit(id: number, tree: Tree, depth: number, bounds: Bounds): Steps<void> {
    yield;
    const page = this.take(id, tree, depth);
    if (page === undefined) return;
    this.checkOrder(page, id, bounds);
    if (page.isLeaf) {
      this.counts.leaf++;
      tree.leafDepth ??= depth;
      if (tree.leafDepth !== depth) this.fault(id, `a leaf at depth ${depth} in a tree of depth ${tree.leafDepth}`);
      if (page.count === 0 && bounds.first !== undefined) this.fault(id, 'an empty leaf below a branch');
      if (tree.bucket !== undefined) this.visitor?.leaf(page);
      yield* this.visitElements(page, id, tree);
      return;
    }
    this.counts.branch++;
    if (page.count === 1) this.counts.lone++;
    for (let i = 0; i < page.count; i++) {
      const below = i + 1 < page.count ? page.key(i + 1) : bounds.below;
      yield* this.visit(page.child(i), tree, depth + 1, { first: page.key(i), below });
    }
  }

  /** Reads a page, unless it has been reached before: that ends every loop. */
  private take(id: number, tree: Tree, depth: number): Page | undefined {
    try {
      if (depth > maxDepth) throw this.pager.corrupt(id, `the tree is deeper than ${maxDepth} levels`);
      const first = this.pager.firstPage(id, this.meta.highWater, this.ahead);
      if (!this.mark(id, 1 + first.header.overflow)) throw this.pager.corrupt(id, 'the page is reached twice');
      this.counts.overflow += first.header.overflow;
      const page = this.pager.complete(id, first, this.meta.highWater, this.ahead);
      // All but leaves of buckets are needed while pages below them are read.
      return page.isLeaf && tree.bucket !== undefined ? page : page.copy();
    } catch (error) {
      if (!(error instanceof BoltError)) throw error;
      this.report(error);
      return undefined;
    }
  }

  private checkOrder(page: Page, id: number, { first, below }: Bounds): void {
    for (let i = 1; i < page.count; i++) {
      const order = page.compareKey(i - 1, page.bytes, page.keyStart(i), page.keySize(i));
      if (order >= 0) this.fault(id, `key ${i} does not come after key ${i - 1}`);
    }
    if (page.count === 0) return;
    if (first !== undefined && page.compareKey(0, first, 0, first.length) !== 0) {
      this.fault(id, 'its first key is not the one that its parent has for it');
    }
    if (below !== undefined && page.compareKey(page.count - 1, below, 0, below.length) >= 0) {
      this.fault(id, 'its last key belongs to the next page');
    }
  }

  private *visitElements(page: Page, id: number, tree: Tree): Steps<void> {
    for (let i = 0; i < page.count; i++) {
      const isBucket = page.flags(i) === bucketElementFlag;
      if (!isBucket && page.flags(i) !== 0) this.fault(id, `element ${i} has flags ${page.flags(i)}`);
      if (tree.bucket === undefined) {
        if (isBucket) yield* this.visitBucket(page, id, i);
        else this.fault(id, `element ${i} is a pair outside of any bucket`);
      } else if (isBucket) {
        this.fault(
          id,
          `element ${i} is a bucket within bucket ${tree.bucket}, which etcd never makes`,
          BoltCode.Unsupported,
        );
      }
    }
  }

  private *visitBucket(page: Page, id: number, index: number): Steps<void> {
    const name = bucketName(page.key(index));
    const bucket = parseBucket(page.value(index), this.meta.highWater);
    if (typeof bucket === 'string') {
      this.fault(id, `bucket ${name}: ${bucket}`);
      return;
    }
    this.buckets.set(name, bucket);
    this.visitor?.bucket(name);
    const tree: Tree = { bucket: name, leafDepth: undefined };
    if (bucket.inline === undefined) {
      yield* this.visit(bucket.rootId, tree, 0, unbounded);
    } else {
      this.checkOrder(bucket.inline, id, unbounded);
      this.visitor?.leaf(bucket.inline);
      yield* this.visitElements(bucket.inline, id, tree);
    }
  }
}
