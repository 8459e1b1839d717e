/** What the tests of the backend share: one in memory with a timer in their hands, and looks into its file. */
import { afterEach, expect } from 'vitest';
import { CrashFileSystem } from '../../base/testing/crash-file-system.ts';
import { BoltDatabase, check } from '../../bolt/mod.ts';
import { BoltBackend, type BoltBackendOptions } from '../bolt-backend.ts';

/** A timer that goes off when the test says so. */
export class HandTimer {
  pending: { callback: () => void; delayMs: number }[] = [];

  readonly set = (callback: () => void, delayMs: number) => {
    const timer = { callback, delayMs };
    this.pending.push(timer);
    return () => {
      this.pending = this.pending.filter((other) => other !== timer);
    };
  };

  fire(): void {
    for (const { callback } of this.pending.splice(0)) callback();
  }
}

const opened: BoltBackend[] = [];
afterEach(async () => {
  for (const backend of opened.splice(0)) await backend.close().catch(() => {});
});

export async function open(fs = new CrashFileSystem(), options: BoltBackendOptions = {}) {
  const timer = new HandTimer();
  const backend = await BoltBackend.open('/db', { fs, setTimer: timer.set, ...options });
  opened.push(backend);
  return { fs, backend, timer };
}

export const bytes = (text: string) => Buffer.from(text);
export const commits = (fs: CrashFileSystem) => fs.count('datasync', '/db') / 2;
export const get = (backend: BoltBackend, key: string) => backend.get('key', bytes(key))?.toString();

export function fill(backend: BoltBackend, count: number, value = 'value'): void {
  for (let i = 0; i < count; i++) backend.put('key', bytes(`k${100_000 + i}`), bytes(`${value} ${i}`));
}

export async function imageOf(chunks: AsyncIterable<Uint8Array>, between?: () => Promise<void>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
    await between?.();
  }
  return Buffer.concat(all);
}

/** What a database file holds, read by another process, so to speak. */
export async function stored(fs: CrashFileSystem, path = '/db'): Promise<Map<string, string>> {
  expect((await check(path, { fs })).errors).toEqual([]);
  const database = await BoltDatabase.open(path, { fs, readOnly: true });
  const pairs = new Map<string, string>();
  database.view().scan('key', Buffer.alloc(0), undefined, (key, value) => {
    pairs.set(key.toString(), value.toString());
  });
  await database.close();
  return pairs;
}
