/** Header fields to header blocks (RFC 7541). */
import { DynamicTable, fieldSize, type HeaderField, staticTable } from './header-table.ts';
import { encodeHuffman, huffmanBytes } from './huffman.ts';
import { defaults } from './protocol.ts';

/** Values that are another one each time: remembering them would only push out the others. */
const volatileNames = new Set([
  ...['age', 'content-length', 'date', 'etag', 'grpc-message', 'grpc-timeout', 'last-modified', 'location'],
]);
/** Fields that no one on the way may remember, since they could be guessed from sizes (RFC 7541 §7.1.3). */
const secretNames = new Set(['authorization', 'set-cookie']);

const staticIndexes = new Map<string, number>();
for (const [index, { name, value }] of staticTable.entries()) {
  if (!staticIndexes.has(name)) staticIndexes.set(name, index + 1);
  if (value !== '') staticIndexes.set(`${name}\0${value}`, index + 1);
}

export class HpackEncoder {
  private readonly table = new DynamicTable(defaults.headerTableBytes);
  /** By name and value: how many fields had been added when this one was. */
  private readonly positions = new Map<string, number>();
  /** A size that the other side has to be told before the next block. */
  private announcedLimit: number | undefined;
  /** Blocks of lists that come again and again, good for as long as nothing is added to the table. */
  private readonly cache = new Map<readonly HeaderField[], Uint8Array>();

  /** The other side's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(limitBytes: number): void {
    const limit = Math.min(limitBytes, defaults.headerTableBytes);
    if (limit === this.table.limit) return;
    this.announcedLimit = Math.min(limit, this.announcedLimit ?? limit);
    this.table.resize(limit);
    this.positions.clear();
    this.cache.clear();
  }

  /**
   * @param fields names in lower case, pseudo-header fields first; the block of a frozen array is kept and used again
   */
  encode(fields: readonly HeaderField[]): Uint8Array {
    const cached = this.cache.get(fields);
    if (cached !== undefined) return cached;
    const block = Buffer.allocUnsafe(fields.reduce((sum, field) => sum + fieldSize(field), 16));
    const start = this.announceLimit(block);
    const addedBefore = this.table.addedCount;
    let at = start;
    for (const field of fields) at = this.field(block, at, field);
    const encoded = block.subarray(0, at);
    // A block that changes the table cannot be sent twice, and moves the indexes in all others.
    if (this.table.addedCount !== addedBefore) this.cache.clear();
    else if (start === 0 && Object.isFrozen(fields) && this.cache.size < maxCachedBlocks)
      this.cache.set(fields, encoded);
    return encoded;
  }

  private announceLimit(block: Buffer): number {
    if (this.announcedLimit === undefined) return 0;
    let at = writeInteger(block, 0, 0x20, 5, this.announcedLimit);
    if (this.announcedLimit !== this.table.limit) at = writeInteger(block, at, 0x20, 5, this.table.limit);
    this.announcedLimit = undefined;
    return at;
  }

  private field(block: Buffer, at: number, field: HeaderField): number {
    const { name, value } = field;
    const key = `${name}\0${value}`;
    const index = staticIndexes.get(key) ?? this.remembered(key);
    if (index !== undefined) return writeInteger(block, at, 0x80, 7, index);
    const nameIndex = staticIndexes.get(name) ?? 0;
    const isSecret = secretNames.has(name);
    const isRemembered = !isSecret && !volatileNames.has(name) && fieldSize(field) <= this.table.limit / 4;
    let next = isRemembered
      ? writeInteger(block, at, 0x40, 6, nameIndex)
      : writeInteger(block, at, isSecret ? 0x10 : 0x00, 4, nameIndex);
    if (nameIndex === 0) next = writeString(block, next, name);
    if (isRemembered) {
      this.table.add(field);
      this.remember(key);
    }
    return writeString(block, next, value);
  }

  private remember(key: string): void {
    this.positions.set(key, this.table.addedCount);
    if (this.positions.size < maxPositions) return;
    const oldest = this.table.addedCount - this.table.length;
    for (const [each, position] of this.positions) if (position <= oldest) this.positions.delete(each);
  }

  private remembered(key: string): number | undefined {
    const position = this.positions.get(key);
    if (position === undefined) return undefined;
    const age = this.table.addedCount - position;
    if (age < this.table.length) return staticTable.length + 1 + age;
    this.positions.delete(key);
    return undefined;
  }
}

/** Lists that are sent again and again are few. */
const maxCachedBlocks = 64;
/** Several times what fits into the table. */
const maxPositions = 512;

function writeInteger(block: Buffer, at: number, flags: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    block[at] = flags | value;
    return at + 1;
  }
  block[at] = flags | mask;
  let next = at + 1;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) block[next++] = (rest & 0x7f) | 0x80;
  block[next++] = rest;
  return next;
}

function writeString(block: Buffer, at: number, text: string): number {
  const coded = huffmanBytes(text);
  if (coded < text.length) return encodeHuffman(text, block, writeInteger(block, at, 0x80, 7, coded));
  const next = writeInteger(block, at, 0x00, 7, text.length);
  return next + block.write(text, next, 'latin1');
}
