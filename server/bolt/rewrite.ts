/**
 * Applies sorted changes to a tree without touching a page of it (copy-on-write, contract: disk-and-peer §4.7).
 *
 * One walk from the root down visits the nodes that have changes below them, and on its way back up each becomes a
 * list of entries: a leaf its pairs, a branch its children. Lists that have become too small are joined with a
 * neighbour, lists that are too large are cut, and what results is written to new pages.
 */
import { type Bucket, inlineBucket, mayBeInline } from './bucket.ts';
import { compareEntries } from './change-set.ts';
import type { Entry } from './entry.ts';
import { maxDepth } from './format.ts';
import type { Page } from './page.ts';
import { cutIntoPages, imageBytes } from './page-writer.ts';
import { type PageSource, rootPage } from './tree.ts';

/** Where a transaction takes pages from and leaves them. */
export interface PageSpace extends PageSource {
  readonly pageSize: number;
  /** The page is no longer part of the tree. */
  free(page: Page): void;
  /** Writes entries `from <= i < to` to a new page. @returns the branch entry that leads to it */
  write(entries: readonly Entry[], isLeaf: boolean, from: number, to: number): Entry;
}

/** A node with its changes applied, not on a page yet. */
interface Node {
  entries: Entry[];
  /**
   * The only child of a branch, when it is so small that it has to be joined with a neighbour: it has none below this
   * branch, but will find one when this branch, which is too small as well, is joined with a neighbour of its own.
   */
  lone: Node | undefined;
  isLeaf: boolean;
  /** Has fewer entries than before: the only reason to look for a neighbour to join. */
  shrunk: boolean;
  /** Everything new lies behind everything old, at the end of the whole tree. */
  appended: boolean;
}

/** A child that has not changed, by its entry in the parent, or one that has. */
type Child = Entry | Node;

function isNode(child: Child): child is Node {
  return 'entries' in child;
}

interface Range {
  /** The changes of the node: `changes[from..to)`. */
  from: number;
  to: number;
  /** Nothing of the tree lies right of the node. */
  rightmost: boolean;
  depth: number;
}

/**
 * @param changes sorted by key, each key once
 * @returns the bucket's new header; the same object when nothing has changed
 */
export function rewriteBucket(space: PageSpace, bucket: Bucket, changes: readonly Entry[]): Bucket {
  const { sequence } = bucket;
  const node = rewriteTree(space, rootPage(space, bucket), changes);
  if (node === undefined) return bucket;
  if (node.isLeaf && mayBeInline(node.entries, space.pageSize)) return inlineBucket(node.entries, sequence);
  if (node.isLeaf || node.entries.length > 1) {
    return { rootId: writeTop(space, node).child, inline: undefined, sequence };
  }
  const below = lowestSingle(space, (node.entries[0] as Entry).child);
  if (below.isLeaf && mayBeInline(entriesOf(below), space.pageSize)) {
    space.free(below);
    return inlineBucket(entriesOf(below), sequence);
  }
  return { rootId: below.id, inline: undefined, sequence };
}

/**
 * As `rewriteBucket` for the tree of all buckets, whose root is always on a page of its own.
 *
 * @returns the root page's id
 */
export function rewriteRoot(space: PageSpace, rootId: number, changes: readonly Entry[]): number {
  const node = rewriteTree(space, space.page(rootId), changes);
  if (node === undefined) return rootId;
  if (node.isLeaf || node.entries.length > 1) return writeTop(space, node).child;
  return lowestSingle(space, (node.entries[0] as Entry).child).id;
}

/** @returns the new root, not on a page yet: a leaf, or a branch of one child or more; undefined if nothing has changed */
function rewriteTree(space: PageSpace, root: Page, changes: readonly Entry[]): Node | undefined {
  let node = rewriteNode(space, root, changes, { from: 0, to: changes.length, rightmost: true, depth: 0 });
  while (node?.lone !== undefined) node = node.lone;
  if (node?.entries.length === 0) node.isLeaf = true;
  return node;
}

/** Goes down from a page while it is a branch with one child; those on the way are freed. */
function lowestSingle(space: PageSpace, id: number): Page {
  let page = space.page(id);
  for (let depth = 0; !page.isLeaf && page.count === 1; depth++) {
    if (depth === maxDepth) throw space.corrupt(page.id, `the tree is deeper than ${maxDepth} levels`);
    space.free(page);
    page = space.page(page.child(0));
  }
  return page;
}

/** Writes a node and as many levels of branches above it as it takes to end in one page. */
function writeTop(space: PageSpace, node: Node): Entry {
  let pages = writeNode(space, node);
  while (pages.length > 1) {
    const { appended } = node;
    pages = writeNode(space, { entries: pages, lone: undefined, isLeaf: false, shrunk: false, appended });
  }
  return pages[0] as Entry;
}

function writeNode(space: PageSpace, node: Node): Entry[] {
  let start = 0;
  return cutIntoPages(node.entries, node.isLeaf, space.pageSize, node.appended).map((end) => {
    const entry = space.write(node.entries, node.isLeaf, start, end);
    start = end;
    return entry;
  });
}

/** @returns undefined when none of the changes makes a difference */
function rewriteNode(space: PageSpace, page: Page, changes: readonly Entry[], range: Range): Node | undefined {
  if (range.depth > maxDepth) throw space.corrupt(page.id, `the tree is deeper than ${maxDepth} levels`);
  const node = page.isLeaf ? rewriteLeaf(page, changes, range) : rewriteBranch(space, page, changes, range);
  if (node !== undefined) space.free(page);
  return node;
}

function rewriteLeaf(page: Page, changes: readonly Entry[], range: Range): Node | undefined {
  const entries: Entry[] = [];
  let next = 0;
  let changed = false;
  let appended = range.rightmost;
  for (let i = range.from; i < range.to; i++) {
    const change = changes[i] as Entry;
    const at = page.lowerBound(change.bytes, change.start, change.keySize, next);
    while (next < at) entries.push(page.entry(next++));
    const exists = at < page.count && page.compareKey(at, change.bytes, change.start, change.keySize) === 0;
    if (exists) next++;
    if (at < page.count) appended = false;
    if (!change.deleted) entries.push(change);
    if (exists || !change.deleted) changed = true;
  }
  if (!changed) return undefined;
  while (next < page.count) entries.push(page.entry(next++));
  return { entries, lone: undefined, isLeaf: true, shrunk: entries.length < page.count, appended };
}

function rewriteBranch(space: PageSpace, page: Page, changes: readonly Entry[], range: Range): Node | undefined {
  const children: Child[] = [];
  let next = 0;
  let rewritten = 0;
  let appended = range.rightmost;
  for (let from = range.from; from < range.to; ) {
    const change = changes[from] as Entry;
    const index = page.childFor(change.bytes, change.start, change.keySize);
    const last = index === page.count - 1;
    const to = last ? range.to : firstNotBelow(changes, page.entry(index + 1), from, range.to);
    while (next < index) children.push(page.entry(next++));
    const below = { from, to, rightmost: range.rightmost && last, depth: range.depth + 1 };
    const node = rewriteNode(space, space.page(page.child(index)), changes, below);
    children.push(node ?? page.entry(index));
    if (node !== undefined) {
      rewritten++;
      appended &&= node.appended;
    }
    next = index + 1;
    from = to;
  }
  if (rewritten === 0) return undefined;
  while (next < page.count) children.push(page.entry(next++));
  const node = branchOf(space, children, page.id, appended);
  node.shrunk ||= node.entries.length < page.count;
  return node;
}

/** Puts children on pages, those that are too small joined with a neighbour first. */
function branchOf(space: PageSpace, children: readonly Child[], parentId: number, appended: boolean): Node {
  const joined = joinSmall(space, children, parentId);
  const only = joined.length === 1 ? joined[0] : undefined;
  if (only !== undefined && isNode(only) && isSmall(space, only)) {
    return { entries: [], lone: only, isLeaf: false, shrunk: true, appended: false };
  }
  const entries = joined.flatMap((child) => (isNode(child) ? writeNode(space, child) : [child]));
  return { entries, lone: undefined, isLeaf: false, shrunk: false, appended };
}

/** @returns the first index in `from..to` whose key is not less than `bound`'s; more than `from` */
function firstNotBelow(changes: readonly Entry[], bound: Entry, from: number, to: number): number {
  let low = from + 1;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(changes[middle] as Entry, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Joins nodes that have shrunk below a quarter of a page with a neighbour, and drops the empty ones. */
function joinSmall(space: PageSpace, children: readonly Child[], parentId: number): Child[] {
  const joined: Child[] = [];
  for (const child of children) {
    if (isNode(child) && isEmpty(child)) continue;
    const previous = joined.at(-1);
    const wanted = previous !== undefined && (isSmall(space, previous) || isSmall(space, child));
    if (!wanted) {
      joined.push(child);
      continue;
    }
    const left = nodeOf(space, joined.pop() as Child);
    const right = nodeOf(space, child);
    if (left.isLeaf !== right.isLeaf) throw space.corrupt(parentId, 'a leaf and a branch are neighbours below it');
    joined.push(join(space, left, right, parentId));
  }
  return joined;
}

function isSmall(space: PageSpace, child: Child): boolean {
  if (!isNode(child)) return false;
  if (!child.isLeaf && child.entries.length < 2) return true;
  return child.shrunk && imageBytes(child.entries) < space.pageSize / 4;
}

function isEmpty(node: Node): boolean {
  return node.entries.length === 0 && node.lone === undefined;
}

function nodeOf(space: PageSpace, child: Child): Node {
  if (isNode(child)) return child;
  const page = space.page(child.child);
  space.free(page);
  return { entries: entriesOf(page), lone: undefined, isLeaf: page.isLeaf, shrunk: false, appended: false };
}

function join(space: PageSpace, left: Node, right: Node, parentId: number): Node {
  const shrunk = left.shrunk || right.shrunk;
  if (left.lone === undefined && right.lone === undefined) {
    const entries = left.entries.concat(right.entries);
    return { entries, lone: undefined, isLeaf: left.isLeaf, shrunk, appended: false };
  }
  const children = [left, right].flatMap((node): readonly Child[] => (node.lone ? [node.lone] : node.entries));
  return { ...branchOf(space, children, parentId, false), shrunk };
}

function entriesOf(page: Page): Entry[] {
  return Array.from({ length: page.count }, (_, index) => page.entry(index));
}
