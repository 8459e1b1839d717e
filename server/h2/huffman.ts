/** The Huffman code of HPACK (RFC 7541 §5.2, appendix B). */
import { ConnectionError, ErrorCode } from './protocol.ts';

/**
 * Length of each byte's code in bits, one base-36 digit a byte. The code is canonical, so lengths are all it takes:
 * codes count upwards, the shorter ones first, and among those of one length the smaller bytes first.
 */
const codeLengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq';

/** End of string: never sent; a string that ends within a byte is filled up with its first bits, which are ones. */
const endOfString = 256;
const endOfStringBits = 30;

const lengths = [...Array.from(codeLengths, (digit) => Number.parseInt(digit, 36)), endOfStringBits];
const codes = assignCodes();

function assignCodes(): Uint32Array {
  const bySize = [...lengths.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const assigned = new Uint32Array(lengths.length);
  let code = 0;
  let bits = 0;
  for (const symbol of bySize) {
    code <<= lengthOf(symbol) - bits;
    bits = lengthOf(symbol);
    assigned[symbol] = code++;
  }
  return assigned;
}

function lengthOf(symbol: number): number {
  return lengths[symbol] as number;
}

/** The code as a tree: two children a node, a leaf is the complement of its symbol. */
function buildTree(): number[] {
  const tree = [0, 0];
  for (const [symbol, bits] of lengths.entries()) {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const slot = node * 2 + (((codes[symbol] as number) >>> bit) & 1);
      if (tree[slot] === 0) {
        tree[slot] = tree.length / 2;
        tree.push(0, 0);
      }
      node = tree[slot] as number;
    }
    tree[node * 2 + ((codes[symbol] as number) & 1)] = ~symbol;
  }
  return tree;
}

/** A step that completes EOS. */
const forbidden = -1;

/**
 * The tree in steps of four bits, so that decoding takes two look-ups a byte: for each node and each four bits the node
 * that follows, and above it the symbol that was complete on the way, plus one. Codes have five bits or more, so at
 * most one is.
 */
const steps = buildSteps(buildTree());

function buildSteps(tree: readonly number[]): Int32Array {
  const table = new Int32Array((tree.length / 2) * 16);
  for (let index = 0; index < table.length; index++) {
    let node = index >>> 4;
    let symbol = -1;
    for (let bit = 3; bit >= 0 && symbol !== endOfString; bit--) {
      const next = tree[node * 2 + ((index >>> bit) & 1)] as number;
      if (next < 0) symbol = ~next;
      node = Math.max(next, 0);
    }
    table[index] = symbol === endOfString ? forbidden : ((symbol + 1) << 8) | node;
  }
  return table;
}

/** The nodes at which a string may end: less than a byte into the code of EOS. */
const ends = findEnds(buildTree());

function findEnds(tree: readonly number[]): ReadonlySet<number> {
  const found = new Set<number>([0]);
  let node = 0;
  for (let bits = 0; bits < 7; bits++) {
    node = tree[node * 2 + 1] as number;
    found.add(node);
  }
  return found;
}

/**
 * @returns the string, one character a byte
 * @throws ConnectionError COMPRESSION_ERROR for EOS, or for padding that is not the beginning of it
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  const decoded = Buffer.allocUnsafe(Math.floor(((end - start) * 8) / 5));
  let size = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    for (const four of [byte >>> 4, byte & 15]) {
      const step = steps[(node << 4) | four] as number;
      if (step === forbidden) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'EOS in a Huffman-coded string');
      if (step > 255) decoded[size++] = (step >>> 8) - 1;
      node = step & 255;
    }
  }
  if (!ends.has(node))
    throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'wrong padding of a Huffman-coded string');
  return decoded.toString('latin1', 0, size);
}

/** @returns how many bytes the code of `text` takes; one character is one byte */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits += lengthOf(text.charCodeAt(at) & 255);
  return (bits + 7) >>> 3;
}

/** Writes the code of `text` from `at` on. @returns where it ends */
export function encodeHuffman(text: string, into: Uint8Array, at: number): number {
  let free = 8;
  let byte = 0;
  let next = at;
  const push = (code: number, bits: number): void => {
    let left = bits;
    while (left > 0) {
      const taken = Math.min(left, free);
      byte = (byte << taken) | ((code >>> (left - taken)) & ((1 << taken) - 1));
      left -= taken;
      free -= taken;
      if (free > 0) continue;
      into[next++] = byte;
      byte = 0;
      free = 8;
    }
  };
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 255;
    push(codes[symbol] as number, lengthOf(symbol));
  }
  if (free < 8) push(0xff, free);
  return next;
}
