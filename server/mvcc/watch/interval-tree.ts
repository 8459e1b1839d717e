/** Which of many intervals hold a key: a treap ordered by start, each node knowing the furthest end below it. */

interface Node<Item> {
  readonly start: string;
  /** Undefined: without end. */
  readonly end: string | undefined;
  readonly priority: number;
  readonly items: Set<Item>;
  /** The furthest end of this node and all below it. */
  reach: string | undefined;
  left: Node<Item> | undefined;
  right: Node<Item> | undefined;
}

type Link<Item> = Node<Item> | undefined;

/**
 * Items by half-open intervals of strings, several items to an interval. Adding and removing take logarithmic time;
 * `visit` takes that for each interval that it finds, however many there are. The node with the highest priority is on
 * top; priorities are well mixed, so that no order of adding makes the tree deep.
 */
export class IntervalTree<Item> {
  private root: Link<Item>;
  private added = 0;

  /** @param end the first key behind the interval; undefined for an interval without end */
  add(start: string, end: string | undefined, item: Item): void {
    const found = this.find(start, end);
    if (found !== undefined) {
      found.items.add(item);
      return;
    }
    const priority = mix(++this.added);
    const node: Node<Item> = {
      ...{ start, end, priority, items: new Set([item]), reach: end },
      ...{ left: undefined, right: undefined },
    };
    const [before, after] = split(this.root, start, end);
    this.root = merge(merge(before, node), after);
  }

  remove(start: string, end: string | undefined, item: Item): void {
    const found = this.find(start, end);
    if (found === undefined) return;
    found.items.delete(item);
    if (found.items.size === 0) this.root = without(this.root, start, end);
  }

  /** Visits the items of each interval that holds `key`. The tree must not be changed meanwhile. */
  visit(key: string, visit: (item: Item) => void): void {
    visitNode(this.root, key, visit);
  }

  private find(start: string, end: string | undefined): Link<Item> {
    let node = this.root;
    while (node !== undefined) {
      const order = compare(start, end, node);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }
}

function visitNode<Item>(node: Link<Item>, key: string, visit: (item: Item) => void): void {
  if (node === undefined || !isBefore(key, node.reach)) return;
  visitNode(node.left, key, visit);
  if (key < node.start) return;
  if (isBefore(key, node.end)) for (const item of node.items) visit(item);
  visitNode(node.right, key, visit);
}

function isBefore(key: string, end: string | undefined): boolean {
  return end === undefined || key < end;
}

/** The order of intervals: by start, then by end. */
function compare(start: string, end: string | undefined, node: { start: string; end: string | undefined }): number {
  if (start !== node.start) return start < node.start ? -1 : 1;
  if (end === node.end) return 0;
  if (end === undefined) return 1;
  return node.end === undefined || end < node.end ? -1 : 1;
}

/** Cuts a tree in two: what lies before the interval, and what lies behind it. */
function split<Item>(node: Link<Item>, start: string, end: string | undefined): [Link<Item>, Link<Item>] {
  if (node === undefined) return [undefined, undefined];
  if (compare(start, end, node) < 0) {
    const [before, after] = split(node.left, start, end);
    node.left = after;
    return [before, updated(node)];
  }
  const [before, after] = split(node.right, start, end);
  node.right = before;
  return [updated(node), after];
}

/** Joins two trees, of which the first lies wholly before the second. */
function merge<Item>(before: Link<Item>, after: Link<Item>): Link<Item> {
  if (before === undefined) return after;
  if (after === undefined) return before;
  if (before.priority > after.priority) {
    before.right = merge(before.right, after);
    return updated(before);
  }
  after.left = merge(before, after.left);
  return updated(after);
}

function without<Item>(node: Link<Item>, start: string, end: string | undefined): Link<Item> {
  if (node === undefined) return undefined;
  const order = compare(start, end, node);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = without(node.left, start, end);
  else node.right = without(node.right, start, end);
  return updated(node);
}

function updated<Item>(node: Node<Item>): Node<Item> {
  node.reach = further(node.end, further(reachOf(node.left), reachOf(node.right)));
  return node;
}

/** A tree without nodes reaches nowhere: no key is before the empty string. */
function reachOf<Item>(node: Link<Item>): string | undefined {
  return node === undefined ? '' : node.reach;
}

function further(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}

/** Spreads counted numbers over 32 bits (the finalizer of MurmurHash3, which is public domain). */
function mix(count: number): number {
  let bits = count;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
