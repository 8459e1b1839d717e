import { expect, test } from 'vitest';
import type { StorageFile } from './file-system.ts';
import { CrashFileSystem } from './testing/crash-file-system.ts';
import { WriteBehind, writeBytes } from './write-behind.ts';

test('writes what it was given, in order, however it is cut', async () => {
  const fs = new CrashFileSystem();
  const file = await fs.open('/f', 'create');
  const writer = new WriteBehind(file, 3);
  const pieces = [writeBytes, 1, 2 * writeBytes, 0, 5].map((size, i) => Buffer.alloc(size, i + 1));
  for (const piece of pieces) {
    writer.add(piece);
    if (writer.isFull) await writer.flush();
  }
  await writer.finish();
  const written = Buffer.alloc((await file.size()) - 3);
  await file.read(written, 3);
  expect(written.equals(Buffer.concat(pieces))).toBe(true);
});

test('has one write under way, and goes on meanwhile', async () => {
  const writes: PromiseWithResolvers<void>[] = [];
  const write = () => {
    const next = Promise.withResolvers<void>();
    writes.push(next);
    return next.promise;
  };
  const writer = new WriteBehind({ write } as unknown as StorageFile);
  writer.add(Buffer.alloc(writeBytes));
  await writer.flush();
  expect([writes.length, writer.isFull]).toEqual([1, false]);
  writer.add(Buffer.alloc(writeBytes));
  const flushed = writer.flush();
  expect(writes.length).toBe(1);
  writes[0]?.resolve();
  await flushed;
  expect(writes.length).toBe(2);
});

test('tells of a failed write at the next call, and nowhere else', async () => {
  const full = new Error('ENOSPC: no space left on device');
  const writer = new WriteBehind({ write: () => Promise.reject(full) } as unknown as StorageFile);
  writer.add(Buffer.alloc(1));
  await writer.flush();
  await expect(writer.flush()).rejects.toBe(full);
  await expect(writer.finish()).rejects.toBe(full);
});
