/** Header blocks to header fields (RFC 7541). */
import { DynamicTable, fieldSize, type HeaderField, staticTable } from './header-table.ts';
import { decodeHuffman } from './huffman.ts';
import { ConnectionError, defaults, ErrorCode } from './protocol.ts';

/** The fields of one block. */
export interface HeaderBlock {
  readonly fields: readonly HeaderField[];
  /** The list is larger than the limit; what is beyond it was left out. */
  readonly isTruncated: boolean;
}

const maxKnown = 64;
const maxKnownBytes = 256;

export class HpackDecoder {
  private readonly table = new DynamicTable(defaults.headerTableBytes);
  private readonly maxListBytes: number;
  private bytes: Uint8Array = new Uint8Array();
  private at = 0;
  private end = 0;
  /** Blocks that were decoded, good for as long as the table stays as it is. Clients repeat themselves. */
  private readonly known = new Map<string, HeaderBlock>();
  private changes = 0;

  /** @param maxListBytes the largest list of fields, counted as SETTINGS_MAX_HEADER_LIST_SIZE does */
  constructor(maxListBytes: number) {
    this.maxListBytes = maxListBytes;
  }

  /**
   * Decodes a whole block. A list that is too large is decoded to its end all the same: the table has to go on
   * mirroring the client's. The same block is the same object, until something changes what it means.
   *
   * @throws ConnectionError COMPRESSION_ERROR: nothing that follows could be read
   */
  decode(block: Uint8Array): HeaderBlock {
    if (block.length > maxKnownBytes) return this.decodeFields(block);
    const text = latin1(block, 0, block.length);
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const changesBefore = this.changes;
    const decoded = this.decodeFields(block);
    if (this.changes === changesBefore && this.known.size < maxKnown) this.known.set(text, decoded);
    return decoded;
  }

  private decodeFields(block: Uint8Array): HeaderBlock {
    this.bytes = block;
    this.at = 0;
    this.end = block.length;
    const fields: HeaderField[] = [];
    let sizeBytes = 0;
    let canResize = true;
    while (this.at < this.end) {
      const first = block[this.at] as number;
      if ((first & 0xe0) === 0x20) {
        if (!canResize) throw corrupt('a table size update behind a field');
        this.resize(this.integer(5));
        continue;
      }
      canResize = false;
      const field = this.field(first);
      sizeBytes += fieldSize(field);
      if (sizeBytes <= this.maxListBytes) fields.push(field);
    }
    return { fields, isTruncated: sizeBytes > this.maxListBytes };
  }

  private field(first: number): HeaderField {
    if ((first & 0x80) !== 0) return this.lookUp(this.integer(7));
    const isRemembered = (first & 0x40) !== 0;
    const nameIndex = this.integer(isRemembered ? 6 : 4);
    const name = nameIndex === 0 ? this.string() : this.lookUp(nameIndex).name;
    const field = { name, value: this.string() };
    if (isRemembered) {
      this.table.add(field);
      this.forgetBlocks();
    }
    return field;
  }

  private lookUp(index: number): HeaderField {
    const field = index <= staticTable.length ? staticTable[index - 1] : this.table.at(index - staticTable.length - 1);
    if (field === undefined) throw corrupt(`no field has index ${index}`);
    return field;
  }

  private resize(limitBytes: number): void {
    if (limitBytes > defaults.headerTableBytes) throw corrupt(`a table of ${limitBytes} bytes was not offered`);
    this.table.resize(limitBytes);
    this.forgetBlocks();
  }

  private forgetBlocks(): void {
    this.changes++;
    this.known.clear();
  }

  /** RFC 7541 §5.1. */
  private integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw corrupt('an integer beyond all limits');
  }

  private string(): string {
    const isHuffman = ((this.bytes[this.at] as number) & 0x80) !== 0;
    const length = this.integer(7);
    const start = this.at;
    if (length > this.end - start) throw corrupt('a string beyond the end of its block');
    this.at += length;
    if (isHuffman) return decodeHuffman(this.bytes, start, this.at);
    return latin1(this.bytes, start, this.at);
  }

  private byte(): number {
    if (this.at >= this.end) throw corrupt('a block that ends within a field');
    return this.bytes[this.at++] as number;
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
}

function corrupt(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, `header block: ${what}`);
}
