import { describe, expect, test } from 'vitest';
import { decodeMetaPage, encodeMetaPage, fnv1a64, type Meta } from './format.ts';
import { bytes } from './testing/databases.ts';

const meta: Meta = { pageSize: 4096, root: 3, freeList: undefined, highWater: 6, txid: 16 };
const common = 'edda0ced02000000001000000000000003000000000000000000000000000000ffffffffffffffff0600000000000000';

describe('a meta page', () => {
  test('is written byte for byte as upstream writes it', () => {
    const page = encodeMetaPage(meta, 0);
    expect(page.length).toBe(4096);
    expect(page.subarray(0, 80).toString('hex')).toBe(
      `00000000000000000400000000000000${common}100000000000000036bcc7de2b8e0c17`,
    );
    expect(page.subarray(80).every((byte) => byte === 0)).toBe(true);
    expect(
      encodeMetaPage({ ...meta, txid: 15 }, 1)
        .subarray(0, 80)
        .toString('hex'),
    ).toBe(`01000000000000000400000000000000${common}0f0000000000000089f8a050b6725084`);
  });

  test('reads back, with and without a stored free list', () => {
    expect(decodeMetaPage(encodeMetaPage(meta, 0))).toEqual(meta);
    expect(decodeMetaPage(encodeMetaPage({ ...meta, freeList: 5 }, 0))).toEqual({ ...meta, freeList: 5 });
  });

  test('is refused when any bit of it is wrong', () => {
    const page = encodeMetaPage(meta, 0);
    for (let bit = 16 * 8; bit < 80 * 8; bit++) {
      const damaged = Buffer.from(page);
      damaged[bit >>> 3] = (damaged[bit >>> 3] as number) ^ (1 << (bit & 7));
      expect(decodeMetaPage(damaged)).toBeTypeOf('string');
    }
    expect(decodeMetaPage(page.subarray(0, 79))).toBe('the file ends within the meta page');
  });

  test.each([
    ['a root beyond the last page', { root: 6 }],
    ['a root on a meta page', { root: 1 }],
    ['a free list beyond the last page', { freeList: 6 }],
    ['an odd page size', { pageSize: 5000 }],
    ['more pages than a file can have', { highWater: Number.MAX_SAFE_INTEGER }],
  ])('is refused with %s, though its checksum is right', (_, change) => {
    expect(decodeMetaPage(encodeMetaPage({ ...meta, ...change }, 0))).toBeTypeOf('string');
  });
});

test('fnv1a64 has the published values', () => {
  expect(fnv1a64(bytes(''))).toBe(0xcbf29ce484222325n);
  expect(fnv1a64(bytes('foobar'))).toBe(0x85944171f73967e8n);
});
