import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeaderField } from './header-table.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';

const corrupt = expect.objectContaining({ code: 9 });

function lines(fields: readonly HeaderField[]): string[] {
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

function decode(decoder: HpackDecoder, hex: string): string[] {
  return lines(decoder.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex')).fields);
}

function fields(...texts: string[]): HeaderField[] {
  return texts.map((text) => {
    const [name = '', value = ''] = text.split(/: (.*)/s);
    return { name, value };
  });
}

describe('decoding', () => {
  test('requests on one connection, one after the other (RFC 7541 appendix C.3)', () => {
    const decoder = new HpackDecoder(65_536);
    const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
    expect(decode(decoder, '828684410f7777772e6578616d706c652e636f6d')).toEqual(first);
    expect(decode(decoder, '828684be58086e6f2d6361636865')).toEqual([...first, 'cache-control: no-cache']);
    expect(decode(decoder, '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565')).toEqual([
      ...[':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com'],
      'custom-key: custom-value',
    ]);
  });

  test('the same with Huffman coding (C.4)', () => {
    const decoder = new HpackDecoder(65_536);
    const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
    expect(decode(decoder, '828684418cf1e3c2e5f23a6ba0ab90f4ff')).toEqual(first);
    expect(decode(decoder, '828684be5886a8eb10649cbf')).toEqual([...first, 'cache-control: no-cache']);
    expect(decode(decoder, '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf').at(-1)).toBe('custom-key: custom-value');
  });

  test('literals that are not remembered, and one that never may be (C.2)', () => {
    const decoder = new HpackDecoder(65_536);
    expect(decode(decoder, '040c2f73616d706c652f70617468')).toEqual([':path: /sample/path']);
    expect(decode(decoder, '100870617373776f726406736563726574')).toEqual(['password: secret']);
    expect(() => decode(decoder, 'be')).toThrow(corrupt);
  });

  test('a list beyond the limit is cut short, and the table goes on mirroring the client', () => {
    const decoder = new HpackDecoder(100);
    const encoder = new HpackEncoder();
    const long = fields(`x-a: ${'a'.repeat(60)}`, `x-b: ${'b'.repeat(60)}`);
    const truncated = decoder.decode(encoder.encode(long));
    expect(truncated.isTruncated).toBe(true);
    expect(truncated.fields).toHaveLength(1);
    expect(lines(decoder.decode(encoder.encode(fields(`x-b: ${'b'.repeat(60)}`))).fields)).toEqual([
      `x-b: ${'b'.repeat(60)}`,
    ]);
  });

  test('a block that comes again is the same object, until the table moves', () => {
    const decoder = new HpackDecoder(65_536);
    const block = (hex: string) => decoder.decode(Buffer.from(hex, 'hex'));
    expect(decode(decoder, '40016101 31'.replace(' ', ''))).toEqual(['a: 1']);
    const first = block('be');
    expect(block('be')).toBe(first);
    // A block too long to be remembered itself.
    const long = `400162${'7fb101'}${'32'.repeat(304)}`;
    expect(decode(decoder, long)).toEqual([`b: ${'2'.repeat(304)}`]);
    expect(lines(block('be').fields)).toEqual([`b: ${'2'.repeat(304)}`]);
    // An empty table and back: nothing of it is left.
    expect(decode(decoder, '203fe11f')).toEqual([]);
    expect(() => block('be')).toThrow(corrupt);
  });

  test.each([
    ['index 0', '80'],
    ['an index that nothing has', 'ff00'],
    ['an integer without end', 'ffffffffffffff00'],
    ['a string beyond its block', '0005616263'],
    ['a block that ends within an integer', 'ff'],
    ['a block that ends before a value', '000161'],
    ['a table larger than was offered', '3fe21f'],
    ['a change of the table behind a field', '8220'],
  ])('%s is refused', (_what, hex) => {
    expect(() => decode(new HpackDecoder(65_536), hex)).toThrow(corrupt);
  });

  test('any bytes are decoded or refused', () => {
    const decoder = new HpackDecoder(4096);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decoder.decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 9 });
        }
      }),
    );
  });
});

describe('encoding', () => {
  const name = fc.constantFrom(':status', 'content-type', 'grpc-status', 'grpc-message', 'x-a', 'x-b', 'set-cookie');
  const value = fc.oneof(fc.constantFrom('200', 'application/grpc', '0', ''), fc.string({ unit: 'binary-ascii' }));
  const list = fc.array(fc.record({ name, value }), { maxLength: 6 });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ list, isFrozen: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ limitBytes: fc.constantFrom(0, 50, 200, 4096, 10_000) }) },
  );

  test('is understood, whatever the client does to the size of the table', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(Number.MAX_SAFE_INTEGER);
        for (const each of steps) {
          if ('limitBytes' in each) {
            encoder.limitTable(each.limitBytes);
            continue;
          }
          const sent = each.isFrozen ? Object.freeze(each.list) : each.list;
          expect(decoder.decode(encoder.encode(sent)).fields).toEqual(sent);
          expect(decoder.decode(encoder.encode(sent)).fields).toEqual(sent);
        }
      }),
    );
  });

  test('a list that comes again takes a byte a field, and the block of a frozen one is the same', () => {
    const encoder = new HpackEncoder();
    const head = Object.freeze(fields(':status: 200', 'content-type: application/grpc'));
    expect(encoder.encode(head).length).toBeGreaterThan(10);
    const block = encoder.encode(head);
    expect(block).toHaveLength(2);
    expect(encoder.encode(head)).toBe(block);
    encoder.encode(fields('x-new: 1'));
    expect(encoder.encode(head)).not.toEqual(block);
  });

  test('a secret is marked as one that nobody may remember', () => {
    const encoder = new HpackEncoder();
    const secret = fields('authorization: token');
    expect((encoder.encode(secret)[0] as number) & 0xf0).toBe(0x10);
    expect(encoder.encode(secret)).toEqual(encoder.encode(secret));
  });

  test("the deadlines of calls, which change with each, leave the others' fields where they are", () => {
    const encoder = new HpackEncoder();
    const head = fields('x-kept: for long');
    encoder.encode(head);
    const block = encoder.encode(head);
    for (let timeout = 1; timeout <= 200; timeout++) encoder.encode(fields(`grpc-timeout: ${timeout}m`));
    expect(encoder.encode(head)).toEqual(block);
  });

  test('values that never come again do not pile up', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(4096);
    for (let round = 0; round < 5000; round++) decoder.decode(encoder.encode(fields(`x-round: ${round}`)));
    expect(lines(decoder.decode(encoder.encode(fields('x-round: 4999', 'x-round: 3'))).fields)).toEqual([
      'x-round: 4999',
      'x-round: 3',
    ]);
  });
});
