import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { LineReader, readAll } from './io.ts';

const stdin = (...chunks: string[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

test('lines are the same however the input is cut into pieces', async () => {
  for (const chunks of [['one\ntwo\n\nthree'], ['on', 'e\ntw', 'o\n', '\nthr', 'ee'], [...'one\ntwo\n\nthree']]) {
    const lines = new LineReader(stdin(...chunks));
    expect([await lines.next(), await lines.next(), await lines.next()]).toEqual(['one', 'two', '']);
    // What is not ended by a line feed is no line.
    expect([await lines.next(), await lines.next()]).toEqual([undefined, undefined]);
  }
});

test('characters of several bytes survive being cut', async () => {
  const bytes = Buffer.from('é😀\n');
  const lines = new LineReader(Readable.from(Array.from(bytes, (byte) => Buffer.of(byte))));
  expect(await lines.next()).toBe('é😀');
});

test('readAll keeps every byte and stops at its bound', async () => {
  expect(await readAll(stdin('a\n', '', 'b\n'))).toEqual(Buffer.from('a\nb\n'));
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1024 * 1024);
    })(),
  );
  await expect(readAll(endless)).rejects.toThrow('standard input is larger than');
});
