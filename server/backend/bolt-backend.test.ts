import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltDatabase, check } from '../bolt/mod.ts';
import { bucketNames } from './backend.ts';
import { BoltBackend, type BoltBackendOptions } from './bolt-backend.ts';

/** A timer that goes off when the test says so. */
class HandTimer {
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

async function open(fs = new CrashFileSystem(), options: BoltBackendOptions = {}) {
  const timer = new HandTimer();
  const backend = await BoltBackend.open('/db', { fs, setTimer: timer.set, ...options });
  opened.push(backend);
  return { fs, backend, timer };
}

const bytes = (text: string) => Buffer.from(text);
const commits = (fs: CrashFileSystem) => fs.count('datasync', '/db') / 2;
const get = (backend: BoltBackend, key: string) => backend.get('key', bytes(key))?.toString();

function fill(backend: BoltBackend, count: number, value = 'value'): void {
  for (let i = 0; i < count; i++) backend.put('key', bytes(`k${100_000 + i}`), bytes(`${value} ${i}`));
}

async function imageOf(chunks: AsyncIterable<Uint8Array>, between?: () => Promise<void>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
    await between?.();
  }
  return Buffer.concat(all);
}

/** What a database file holds, read by another process, so to speak. */
async function stored(fs: CrashFileSystem, path = '/db'): Promise<Map<string, string>> {
  expect((await check(path, { fs })).errors).toEqual([]);
  const database = await BoltDatabase.open(path, { fs, readOnly: true });
  const pairs = new Map<string, string>();
  database.view().scan('key', Buffer.alloc(0), undefined, (key, value) => {
    pairs.set(key.toString(), value.toString());
  });
  await database.close();
  return pairs;
}

describe('opening a backend', () => {
  test('creates etcd’s ten buckets, durably', async () => {
    const { fs } = await open();
    const database = await BoltDatabase.open('/db', { fs, readOnly: true });
    expect(database.view().bucketNames()).toEqual([...bucketNames]);
  });

  test('writes nothing to a file that has them', async () => {
    const { fs, backend } = await open();
    await backend.close();
    const steps = fs.steps.length;
    await open(fs);
    expect(fs.steps.length).toBe(steps);
  });

  test('removes what an interrupted defragmentation has left, and nothing else', async () => {
    const fs = new CrashFileSystem();
    for (const name of ['/db.tmp.defrag', '/db.tmp.123', '/db.temporary', '/other.tmp.1']) {
      fs.seedFile(name, bytes('left'));
    }
    await open(fs);
    expect(await fs.list('/')).toEqual(['db', 'db.temporary', 'other.tmp.1']);
  });
});

describe('a put', () => {
  test('is read at once, and committed when the interval is over', async () => {
    const { fs, backend, timer } = await open();
    const before = commits(fs);
    backend.put('key', bytes('a'), bytes('1'));
    backend.put('key', bytes('b'), bytes('2'));
    expect(get(backend, 'a')).toBe('1');
    expect(timer.pending.map(({ delayMs }) => delayMs)).toEqual([100]);
    expect(commits(fs)).toBe(before);
    timer.fire();
    await backend.commit();
    expect(commits(fs)).toBe(before + 1);
    expect(await stored(fs)).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    expect(timer.pending).toEqual([]);
  });

  test('is committed when the batch is full, without waiting for the interval', async () => {
    const { fs, backend, timer } = await open(undefined, { batchLimit: 10 });
    const before = commits(fs);
    fill(backend, 9);
    expect(timer.pending.length).toBe(1);
    backend.delete('key', bytes('k100000'));
    expect(timer.pending).toEqual([]);
    await vi.waitFor(() => expect(commits(fs)).toBe(before + 1));
    expect((await stored(fs)).size).toBe(8);
  });

  test('within a scan does not end the transaction that is scanned', async () => {
    const { backend } = await open(undefined, { batchLimit: 10 });
    fill(backend, 50);
    let seen = 0;
    backend.scan('key', Buffer.alloc(0), undefined, (key) => {
      seen++;
      backend.delete('key', key);
    });
    expect(seen).toBe(50);
    await backend.commit();
    backend.scan('key', Buffer.alloc(0), undefined, () => expect.unreachable());
  });
});

describe('a commit', () => {
  test('runs the hooks first, and what they put goes with it', async () => {
    const { fs, backend, timer } = await open();
    let index = 0;
    backend.onBeforeCommit(() => backend.put('key', bytes('consistent_index'), bytes(String(index))));
    index = 1;
    backend.put('key', bytes('a'), bytes('1'));
    await backend.commit();
    index = 2;
    backend.put('key', bytes('a'), bytes('2'));
    timer.fire();
    await backend.commit();
    expect(await stored(fs)).toEqual(
      new Map([
        ['a', '2'],
        ['consistent_index', '2'],
      ]),
    );
    expect(timer.pending).toEqual([]);
  });

  test('without changes writes nothing, but waits for the one under way', async () => {
    const { fs, backend } = await open();
    const before = commits(fs);
    backend.put('key', bytes('a'), bytes('1'));
    void backend.commit();
    await backend.commit();
    expect(commits(fs)).toBe(before + 1);
  });

  test('asked for often while the disk is busy is done together with the others', async () => {
    const { fs, backend } = await open();
    const before = commits(fs);
    const all = Array.from({ length: 100 }, (_, i) => {
      backend.put('key', bytes(`k${i}`), bytes('v'));
      return backend.commit();
    });
    await Promise.all(all);
    expect(commits(fs)).toBe(before + 3);
    expect((await stored(fs)).size).toBe(100);
  });

  test('tells how long it took', async () => {
    const times = [1000, 1250];
    const seconds: number[] = [];
    const { backend } = await open();
    await backend.close();
    const timed = await open(undefined, { now: () => times.shift() ?? 0, onCommit: (s) => seconds.push(s) });
    expect(seconds).toEqual([0.25]);
    await timed.backend.close();
  });

  test('that fails stops the backend, and is told once', async () => {
    let broken = false;
    const fs = new CrashFileSystem({
      onStep: () => {
        if (broken) throw new Error('ENOSPC: no space left');
      },
    });
    const failures: unknown[] = [];
    const { backend, timer } = await open(fs, { onFailure: (error) => failures.push(error) });
    broken = true;
    backend.put('key', bytes('a'), bytes('1'));
    timer.fire();
    await vi.waitFor(() => expect(failures.length).toBe(1));
    expect(failures[0]).toMatchObject({ code: 'BOLT_IO', message: expect.stringContaining('/db: ENOSPC') });
    expect(() => backend.put('key', bytes('b'), bytes('2'))).toThrow('an earlier commit failed');
    expect(() => backend.get('key', bytes('a'))).toThrow('an earlier commit failed');
    await expect(backend.commit()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await expect(backend.snapshot()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    await expect(backend.close()).rejects.toMatchObject({ code: 'BOLT_FAILED' });
    expect(failures.length).toBe(1);
  });
});

describe('a snapshot', () => {
  test('is the database at its moment, byte for byte a file, while writes and commits go on', async () => {
    const { fs, backend } = await open();
    fill(backend, 3000);
    const snapshot = await backend.snapshot();
    const hash = backend.hash();
    let round = 0;
    const image = await imageOf(snapshot.chunks(), async () => {
      fill(backend, 3000, `later ${round++}`);
      await backend.commit();
    });
    snapshot.close();
    expect(image.length).toBe(snapshot.sizeBytes);
    expect(round).toBe(Math.ceil(image.length / 32_768));
    fs.seedFile('/snapshot.db', Buffer.concat([image, createHash('sha256').update(image).digest()]));
    expect((await stored(fs, '/snapshot.db')).get('k100007')).toBe('value 7');
    const other = await BoltBackend.open('/snapshot.db', { fs });
    expect(other.hash()).toBe(hash);
    await other.close();
  });

  test('holds its pages until it is closed', async () => {
    const { backend } = await open();
    fill(backend, 3000);
    const snapshot = await backend.snapshot();
    for (let i = 0; i < 5; i++) {
      fill(backend, 3000, `round ${i}`);
      await backend.commit();
    }
    const grown = backend.sizeBytes();
    snapshot.close();
    for (let i = 0; i < 5; i++) {
      fill(backend, 3000, `round ${i}`);
      await backend.commit();
    }
    expect(backend.sizeBytes()).toBe(grown);
    expect(backend.sizeInUseBytes()).toBeLessThan(grown / 2);
  });
});

describe('a defragmentation', () => {
  async function fragmented(fs?: CrashFileSystem) {
    const made = await open(fs);
    fill(made.backend, 10_000);
    await made.backend.commit();
    for (let i = 0; i < 10_000; i++) if (i % 10) made.backend.delete('key', bytes(`k${100_000 + i}`));
    await made.backend.commit();
    return made;
  }

  test('leaves the contents and no free page', async () => {
    const { fs, backend } = await fragmented();
    const [hash, size] = [backend.hash(), backend.sizeBytes()];
    await backend.defragment();
    expect(backend.hash()).toBe(hash);
    expect(backend.sizeBytes()).toBeLessThan(size / 5);
    expect(backend.sizeInUseBytes()).toBe(backend.sizeBytes());
    expect(await fs.list('/')).toEqual(['db']);
    await backend.close();
    expect((await stored(fs)).size).toBe(1000);
  });

  test('keeps what is put, deleted and committed meanwhile', async () => {
    const { fs, backend, timer } = await fragmented();
    const done = backend.defragment();
    await Promise.resolve();
    backend.put('key', bytes('meanwhile'), bytes('1'));
    backend.delete('key', bytes('k100010'));
    timer.fire();
    const committed = backend.commit();
    expect(get(backend, 'meanwhile')).toBe('1');
    await done;
    expect(get(backend, 'meanwhile')).toBe('1');
    expect(get(backend, 'k100010')).toBeUndefined();
    await committed;
    const pairs = await stored(fs);
    expect(pairs.get('meanwhile')).toBe('1');
    expect(pairs.size).toBe(1000);
  });

  test('leaves an open snapshot its file', async () => {
    const { fs, backend } = await fragmented();
    const snapshot = await backend.snapshot();
    const hash = backend.hash();
    await backend.defragment();
    fill(backend, 10_000, 'later');
    await backend.commit();
    fs.seedFile('/copy', await imageOf(snapshot.chunks()));
    snapshot.close();
    const copy = await BoltBackend.open('/copy', { fs });
    expect(copy.hash()).toBe(hash);
    await copy.close();
  });

  test('that fails, for want of room say, changes nothing and leaves nothing', async () => {
    let full = false;
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (full && step.operation === 'write' && step.path.includes('.tmp.')) throw new Error('ENOSPC: no space left');
      },
    });
    const { backend } = await fragmented(fs);
    full = true;
    const hash = backend.hash();
    await expect(backend.defragment()).rejects.toThrow('ENOSPC');
    expect(await fs.list('/')).toEqual(['db']);
    backend.put('key', bytes('after'), bytes('1'));
    await backend.commit();
    backend.delete('key', bytes('after'));
    expect(backend.hash()).toBe(hash);
    full = false;
    await backend.defragment();
    expect(backend.hash()).toBe(hash);
  });

  test('whose renaming may not be durable stops the backend', async () => {
    let broken = false;
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (broken && step.operation === 'sync-directory') throw new Error('EIO: input/output error');
      },
    });
    const { backend } = await fragmented(fs);
    broken = true;
    await expect(backend.defragment()).rejects.toThrow('EIO');
    expect(() => backend.put('key', bytes('a'), bytes('1'))).toThrow('the database is closed');
  });

  test('survives a power failure at any step: the file holds what was committed', async () => {
    const run = async (fs: CrashFileSystem) => {
      const { backend } = await open(fs);
      fill(backend, 300);
      await backend.commit();
      await backend.defragment();
      await backend.close();
    };
    const whole = new CrashFileSystem();
    await run(whole);
    const first = whole.steps.findIndex((step) => step.path.endsWith('.tmp.defrag')) + 1;
    expect(first).toBeGreaterThan(1);
    for (let step = first; step <= whole.steps.length; step++) {
      const fs = new CrashFileSystem({ crashAtStep: step, seed: step });
      await run(fs).catch(() => {});
      const after = fs.reboot();
      const { backend } = await open(after);
      expect(get(backend, 'k100299')).toBe('value 299');
      expect(await after.list('/')).toEqual(['db']);
      await backend.close();
      expect((await stored(after)).size).toBe(300);
    }
  });
});

describe('closing a backend', () => {
  test('commits what is left, stops the timer, and refuses everything after', async () => {
    const { fs, backend, timer } = await open();
    backend.put('key', bytes('a'), bytes('1'));
    await backend.close();
    await backend.close();
    expect(timer.pending).toEqual([]);
    expect(await stored(fs)).toEqual(new Map([['a', '1']]));
    expect(() => backend.put('key', bytes('b'), bytes('2'))).toThrow('the database is closed');
    await expect(backend.commit()).rejects.toThrow('the database is closed');
  });
});

test('the hash covers bucket names, keys and values in order, less what is to be ignored', async () => {
  const { backend } = await open();
  const empty = backend.hash();
  backend.put('meta', bytes('consistent_index'), bytes('12345678'));
  expect(backend.hash()).not.toBe(empty);
  expect(backend.hash((bucket, key) => bucket === 'meta' && key.toString() === 'consistent_index')).toBe(empty);
});
