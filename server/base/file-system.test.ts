import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { nodeFileSystem } from './file-system.ts';

test.skipIf(!existsSync('/dev/full'))('an error of an open file names the file, and keeps its code', async () => {
  const file = await nodeFileSystem.open('/dev/full', 'write');
  const named = { code: 'ENOSPC', message: "ENOSPC: no space left on device, write '/dev/full'" };
  await expect(file.write([Buffer.alloc(10)], 0)).rejects.toMatchObject(named);
  expect(() => file.writeSync(Buffer.alloc(10), 0)).toThrow(expect.objectContaining(named));
  await file.close();
});

test('what is written and synced on the calling thread is there at once', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'file-system-'));
  const where = path.join(directory, 'f');
  const file = await nodeFileSystem.open(where, 'create-new');
  file.writeSync(Buffer.from('later'), 3);
  file.writeSync(Buffer.from('now'), 0);
  file.datasyncSync();
  expect(readFileSync(where, 'latin1')).toBe('nowlater');
  await file.close();
  await rm(directory, { recursive: true });
});

test('more pieces than one system call takes are written one behind the other', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'file-system-'));
  const file = await nodeFileSystem.open(path.join(directory, 'f'), 'create-new');
  const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.from([i & 255, i >> 8]));
  await file.write(pieces, 5);
  const found = Buffer.alloc(7000);
  expect(await file.read(found, 5)).toBe(6000);
  expect(found.subarray(0, 6000)).toEqual(Buffer.concat(pieces));
  await file.close();
  await rm(directory, { recursive: true });
});
