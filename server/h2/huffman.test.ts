import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHuffman, encodeHuffman, huffmanBytes } from './huffman.ts';

function encode(text: string): Buffer {
  const bytes = Buffer.alloc(huffmanBytes(text));
  expect(encodeHuffman(text, bytes, 0)).toBe(bytes.length);
  return bytes;
}

function decode(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  return decodeHuffman(bytes, 0, bytes.length);
}

test.each([
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['302', '6402'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
])('%s is coded as in RFC 7541 appendix C', (text, hex) => {
  expect(encode(text).toString('hex')).toBe(hex);
  expect(decode(hex)).toBe(text);
});

test('every string of bytes survives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      const coded = encode(text);
      expect(decodeHuffman(coded, 0, coded.length)).toBe(text);
    }),
  );
});

test('any bytes are decoded or refused, and what is decoded is coded the same again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      let text: string;
      try {
        text = decodeHuffman(bytes, 0, bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ code: 9 });
        return;
      }
      expect(encode(text)).toEqual(Buffer.from(bytes));
    }),
  );
});

test.each([
  ['EOS', 'ffffffff'],
  ['a byte of padding', '1fff'],
  ['padding that is not the beginning of EOS', '18'],
])('%s is refused', (_what, hex) => {
  expect(() => decode(hex)).toThrow(expect.objectContaining({ code: 9 }));
});
