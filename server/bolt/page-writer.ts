/** Builds page images from sorted entries, and decides where a list of entries is cut into pages. */
import type { Entry } from './entry.ts';
import { elementBytes, PageFlag, pageHeaderBytes } from './format.ts';

/** @returns the bytes that the entries take in a page, header included */
export function imageBytes(entries: readonly Entry[], from = 0, to = entries.length): number {
  let size = pageHeaderBytes;
  for (let i = from; i < to; i++) size += entryBytes(entries[i] as Entry);
  return size;
}

export function entryBytes(entry: Entry): number {
  return elementBytes + entry.keySize + entry.valueSize;
}

/**
 * Encodes entries `from <= i < to` as one page.
 *
 * @param target zeroed, and at least `imageBytes` long; what is longer than a page is the page's overflow
 */
export function encodePage(
  target: Buffer,
  id: number,
  isLeaf: boolean,
  overflow: number,
  entries: readonly Entry[],
  from = 0,
  to = entries.length,
): void {
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  writeUint64(view, 0, id);
  view.setUint16(8, isLeaf ? PageFlag.Leaf : PageFlag.Branch, true);
  view.setUint16(10, to - from, true);
  view.setUint32(12, overflow, true);
  let element = pageHeaderBytes;
  let data = pageHeaderBytes + (to - from) * elementBytes;
  for (let i = from; i < to; i++) {
    const entry = entries[i] as Entry;
    if (isLeaf) {
      view.setUint32(element, entry.flags, true);
      view.setUint32(element + 4, data - element, true);
      view.setUint32(element + 8, entry.keySize, true);
      view.setUint32(element + 12, entry.valueSize, true);
    } else {
      view.setUint32(element, data - element, true);
      view.setUint32(element + 4, entry.keySize, true);
      writeUint64(view, element + 8, entry.child);
    }
    const end = entry.start + entry.keySize + entry.valueSize;
    data += entry.bytes.copy(target, data, entry.start, end);
    element += elementBytes;
  }
}

function writeUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}

/** A branch with one child would make upstream panic when it rebalances, so a cut leaves two on both sides. */
const minBranchEntries = 2;

/**
 * Cuts sorted entries into pages.
 *
 * @param fillFirst true: fill each page and leave the rest for the last one (right when only larger keys will follow);
 *   false: make all pages about equally full, so that the next insert anywhere finds room
 * @returns the exclusive end of each page in `entries`; an entry larger than a page has a page run of its own
 */
export function cutIntoPages(
  entries: readonly Entry[],
  isLeaf: boolean,
  pageSize: number,
  fillFirst: boolean,
): number[] {
  const total = imageBytes(entries) - pageHeaderBytes;
  const room = pageSize - pageHeaderBytes;
  if (total <= room) return [entries.length];
  const minEntries = isLeaf ? 1 : minBranchEntries;
  const target = fillFirst ? room : Math.ceil(total / Math.ceil(total / room));
  const ends: number[] = [];
  let start = 0;
  let size = 0;
  for (let i = 0; i < entries.length; i++) {
    const next = entryBytes(entries[i] as Entry);
    const mayCut = i - start >= minEntries && entries.length - i >= minEntries;
    // Aiming at equal pages, the entry that crosses the aim stays on the page if it fits it.
    if (mayCut && (size >= target || size + next > room)) {
      ends.push(i);
      start = i;
      size = 0;
    }
    size += next;
  }
  ends.push(entries.length);
  return ends;
}
