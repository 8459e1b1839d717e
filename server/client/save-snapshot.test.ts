import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../base/file-system.ts';
import { MaintenanceService } from '../proto/gen/rpc.ts';
import { EtcdClient, saveSnapshot } from './mod.ts';
import { FakeMember, refusal } from './testing/fake-member.ts';

const { Snapshot } = MaintenanceService;
const database = Buffer.alloc(512 * 300, 'database');
const sealed = Buffer.concat([database, createHash('sha256').update(database).digest()]);

let directory: string;
let file: string;
let member: FakeMember;
let client: EtcdClient;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-save-'));
  file = path.join(directory, 's.db');
});

afterEach(async () => {
  client.close();
  member.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A member that streams `bytes`, and then fails if `failure` says so. */
async function serve(bytes: Buffer, failure?: Error): Promise<void> {
  member = new FakeMember().on(Snapshot, () => {
    if (failure !== undefined) throw failure;
    const responses = [];
    for (let at = 0; at < bytes.length; at += 32_768) {
      const blob = bytes.subarray(at, at + 32_768);
      responses.push(Snapshot.response.create({ remaining_bytes: Math.max(bytes.length - at - blob.length, 0), blob }));
    }
    return responses;
  });
  await member.listen();
  client = new EtcdClient({ endpoints: [member.endpoint] });
}

test('the file holds every byte, only its owner may read it, and progress is told', async () => {
  await serve(sealed);
  const progress: number[] = [];
  const saved = await saveSnapshot(client, file, {
    onProgress: ({ receivedBytes, totalBytes }) => {
      expect(totalBytes).toBe(sealed.length);
      progress.push(receivedBytes);
    },
  });
  expect(saved).toEqual({ sizeBytes: sealed.length, sha256: sealed.subarray(-32).toString('hex') });
  expect((await readFile(file)).equals(sealed)).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(progress.at(-1)).toBe(sealed.length);
  expect(await readdir(directory)).toEqual(['s.db']);
});

describe('nothing is left behind', () => {
  const flipped = Buffer.from(sealed);
  flipped.writeUInt8(flipped.readUInt8(1000) ^ 1, 1000);

  test.for([
    ['a stream that is damaged', flipped, 'damaged on its way'],
    ['a stream that ends before its hash', database, 'sha256 checksum not found'],
    ['a stream that ends in the middle', sealed.subarray(0, 70_000), 'sha256 checksum not found'],
    ['an empty stream', Buffer.alloc(0), 'sha256 checksum not found'],
  ] as const)('by %s', async ([, bytes, message]) => {
    await serve(bytes);
    await expect(saveSnapshot(client, file)).rejects.toThrow(message);
    expect(await readdir(directory)).toEqual([]);
  });

  test('by a member that refuses', async () => {
    await serve(sealed, refusal(7, 'etcdserver: permission denied'));
    await expect(saveSnapshot(client, file)).rejects.toThrow('permission denied');
    expect(await readdir(directory)).toEqual([]);
  });

  test('by a disk that is full', async () => {
    await serve(sealed);
    const fs = {
      ...nodeFileSystem,
      open: async (...args: Parameters<typeof nodeFileSystem.open>) => {
        const opened = await nodeFileSystem.open(...args);
        opened.write = () => Promise.reject(Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' }));
        return opened;
      },
    };
    await expect(saveSnapshot(client, file, { fs })).rejects.toThrow('ENOSPC');
    expect(await readdir(directory)).toEqual([]);
  });

  test('by a reader that is cancelled', async () => {
    await serve(sealed);
    const controller = new AbortController();
    const saving = saveSnapshot(client, file, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(saving).rejects.toMatchObject({ code: 1 });
    expect(await readdir(directory)).toEqual([]);
  });
});

test('an existing file stays as it is, unless it may be overwritten', async () => {
  await serve(sealed);
  await writeFile(file, 'precious');
  await expect(saveSnapshot(client, file)).rejects.toThrow('exists already');
  expect(await readFile(file, 'utf8')).toBe('precious');
  await saveSnapshot(client, file, { overwrite: true });
  expect((await readFile(file)).equals(sealed)).toBe(true);
});

test('what an interrupted save left behind is no obstacle', async () => {
  await serve(sealed);
  await writeFile(`${file}.part`, 'half');
  await saveSnapshot(client, file);
  expect(await readdir(directory)).toEqual(['s.db']);
});

test('steps are durable in their order: data, then name', async () => {
  await serve(sealed);
  const done: string[] = [];
  const fs = {
    ...nodeFileSystem,
    open: async (...args: Parameters<typeof nodeFileSystem.open>) => {
      const opened = await nodeFileSystem.open(...args);
      const datasync = opened.datasync.bind(opened);
      opened.datasync = async () => {
        await datasync();
        done.push('datasync');
      };
      return opened;
    },
    rename: async (from: string, to: string) => {
      await nodeFileSystem.rename(from, to);
      done.push('rename');
    },
    syncDirectory: async (where: string) => {
      await nodeFileSystem.syncDirectory(where);
      done.push('sync directory');
    },
  };
  await saveSnapshot(client, file, { fs });
  expect(done).toEqual(['datasync', 'rename', 'sync directory']);
});
