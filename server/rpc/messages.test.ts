import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompress, encodeStatusMessage, frameMessage, MessageAssembler, parseTimeout } from './messages.ts';

function takeAll(assembler: MessageAssembler): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let next = assembler.take(); next !== undefined; next = assembler.take()) messages.push(next.bytes);
  return messages;
}

describe('messages', () => {
  test('come out as they went in, however they are cut', () => {
    const message = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(12), { minLength: 1 }), (messages, cuts) => {
        const stream = Buffer.concat(messages.map(frameMessage));
        const assembler = new MessageAssembler(40);
        for (let at = 0, i = 0; at < stream.length; i++) {
          const length = (cuts[i % cuts.length] as number) + 1;
          assembler.push(stream.subarray(at, at + length));
          at += length;
        }
        expect(takeAll(assembler).map((bytes) => Buffer.from(bytes))).toEqual(
          messages.map((bytes) => Buffer.from(bytes)),
        );
        expect(assembler.hasPartial).toBe(false);
      }),
    );
  });

  test('that announce more than the limit are refused before they arrive', () => {
    const assembler = new MessageAssembler(2097152);
    expect(() => assembler.push(Buffer.from('007f000000', 'hex'))).toThrow(
      expect.objectContaining({ code: 8, message: 'grpc: received message larger than max (2130706432 vs. 2097152)' }),
    );
    expect(() => new MessageAssembler(3).push(frameMessage(Buffer.from('four')))).toThrow('(4 vs. 3)');
    expect(() => new MessageAssembler(4).push(frameMessage(Buffer.from('four')))).not.toThrow();
  });

  test('with another flag than 0 and 1 are refused', () => {
    expect(() => new MessageAssembler(9).push(Buffer.from('0200000000', 'hex'))).toThrow(
      expect.objectContaining({ code: 13, message: 'grpc: received unexpected payload format 2' }),
    );
  });

  test('are known to be incomplete', () => {
    const assembler = new MessageAssembler(9);
    assembler.push(frameMessage(Buffer.from('abc')).subarray(0, 6));
    expect([assembler.hasPartial, assembler.hasMessage]).toEqual([true, false]);
  });

  test('holds no more than it has to: pieces are copied out of what they came with, and room grows with them', () => {
    const assembler = new MessageAssembler(1_000_000);
    const framed = frameMessage(Buffer.alloc(1_000_000, 7));
    const read = Buffer.from(framed.subarray(0, 1000));
    for (let at = 0; at < 1000; at += 10) assembler.push(read.subarray(at, at + 10));
    expect(assembler.heldBytes).toBeGreaterThanOrEqual(1000);
    expect(assembler.heldBytes).toBeLessThan(5000);
    read.fill(0);
    assembler.push(framed.subarray(1000));
    expect(Buffer.from(assembler.take()?.bytes ?? []).equals(framed.subarray(5))).toBe(true);
    expect(assembler.heldBytes).toBe(0);
  });

  test('counts what surrounds messages that nobody takes', () => {
    const assembler = new MessageAssembler(10);
    assembler.push(Buffer.alloc(5 * 1000));
    expect(assembler.heldBytes).toBeGreaterThan(100 * 1000);
    while (assembler.hasMessage) assembler.take();
    expect(assembler.heldBytes).toBe(0);
  });
});

describe('compression', () => {
  test('by gzip is undone', async () => {
    const bytes = Buffer.from('some text some text');
    expect(Buffer.from(await decompress(gzipSync(bytes), 'gzip', 100))).toEqual(bytes);
  });

  test('of more than the limit is refused without unpacking it', async () => {
    await expect(decompress(gzipSync(Buffer.alloc(1_000_000)), 'gzip', 1000)).rejects.toMatchObject({
      ...{ code: 8, message: 'grpc: received message after decompression larger than max (1001 vs. 1000)' },
    });
  });

  test('without a name, and damaged, is refused', async () => {
    await expect(decompress(Buffer.from('x'), 'identity', 9)).rejects.toMatchObject({
      ...{ code: 13, message: 'grpc: compressed flag set with identity or empty encoding' },
    });
    await expect(decompress(Buffer.from('x'), 'gzip', 9)).rejects.toMatchObject({ code: 13 });
  });
});

test.each([
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['3S', 3000],
  ['400m', 400],
  ['5000u', 5],
  ['99999999n', 99.999999],
])('grpc-timeout %s is %d ms', (text, milliseconds) => {
  expect(parseTimeout(text)).toBeCloseTo(milliseconds);
});

test.each(['', 'S', '5', '123456789S', '-1S', '1.5S', '1h'])('grpc-timeout %j is refused', (text) => {
  expect(() => parseTimeout(text)).toThrow('malformed grpc-timeout');
});

test.each([
  ['plain text: "quoted"', 'plain text: "quoted"'],
  ['100 % ü\n', '100 %25 %C3%BC%0A'],
])('grpc-message of %j is %j', (message, encoded) => {
  expect(encodeStatusMessage(message)).toBe(encoded);
});
