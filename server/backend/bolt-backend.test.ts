import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { atOnce } from '../base/slices.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltDatabase } from '../bolt/mod.ts';
import { bucketNames } from './backend.ts';
import { BoltBackend } from './bolt-backend.ts';
import { bytes, commits, fill, get, imageOf, open, stored } from './testing/open-backend.ts';

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
    expect(fs.steps.slice(steps).filter(({ operation }) => operation !== 'datasync')).toEqual([]);
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
    await vi.waitFor(() => expect(commits(fs)).toBe(before + 1), 10_000);
    expect(timer.pending).toEqual([]);
    expect((await stored(fs)).size).toBe(8);
  });

  test('holds all or nothing of what one turn puts, however far beyond the limit', async () => {
    const { fs, backend } = await open(undefined, { batchLimit: 10 });
    const before = commits(fs);
    fill(backend, 35);
    await vi.waitFor(() => expect(commits(fs)).toBe(before + 1), 10_000);
    expect((await stored(fs)).size).toBe(35);
  });

  test('within a scan does not end the transaction that is scanned', async () => {
    const { backend } = await open(undefined, { batchLimit: 10 });
    fill(backend, 50);
    await backend.commit();
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

describe('a walk', () => {
  test('visits every pair, put just now, sealed or durable, in pieces, and holds no pages behind', async () => {
    const { backend } = await open();
    const walked = () => {
      const keys: string[] = [];
      const steps = backend.walk('key', (key, value) => keys.push(`${key}=${value}`));
      let pieces = 0;
      while (!steps.next().done) pieces++;
      expect(pieces).toBeGreaterThan(3);
      expect(backend.openReaderCount()).toBe(0);
      return keys;
    };
    fill(backend, 2000);
    const pairs = walked();
    expect(pairs).toHaveLength(2000);
    const committed = backend.commit();
    expect(walked()).toEqual(pairs);
    await committed;
    expect(walked()).toEqual(pairs);
    atOnce(backend.walk('lease', () => expect.unreachable()));
    backend.put('key', bytes('k'), bytes('new'));
    expect(walked()).toEqual(['k=new', ...pairs]);
  });

  test('that is given up holds no pages either', async () => {
    const { backend } = await open();
    fill(backend, 2000);
    await backend.commit();
    const steps = backend.walk('key', () => undefined);
    steps.next();
    expect(backend.openReaderCount()).toBe(1);
    steps.return();
    expect(backend.openReaderCount()).toBe(0);
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
    await vi.waitFor(() => expect(failures.length).toBe(1), 10_000);
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
    fill(backend, 30_000);
    const snapshot = await backend.snapshot();
    const hash = await backend.hash();
    let round = 0;
    const image = await imageOf(snapshot.chunks(), async () => {
      fill(backend, 3000, `later ${round++}`);
      await backend.commit();
    });
    snapshot.close();
    expect(image.length).toBe(snapshot.sizeBytes);
    expect(round).toBeGreaterThan(2);
    fs.seedFile('/snapshot.db', Buffer.concat([image, createHash('sha256').update(image).digest()]));
    expect((await stored(fs, '/snapshot.db')).get('k100007')).toBe('value 7');
    const other = await BoltBackend.open('/snapshot.db', { fs });
    expect(await other.hash()).toBe(hash);
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

describe('a backend whose place another takes', () => {
  test('is read until the last reader is done, then closed; the other has its name', async () => {
    const { fs, backend } = await open();
    fill(backend, 3000);
    await backend.commit();
    const hash = await backend.hash();
    const snapshot = await backend.snapshot();
    const { view } = await backend.freeze(() => undefined);
    const other = await BoltBackend.open('/received', { fs });
    other.put('key', bytes('of the other'), bytes('1'));

    await backend.keepFile();
    await other.renameTo('/db');
    expect(get(backend, 'k100007')).toBe('value 7');
    backend.retire();
    expect([...view.pairs('key', bytes(''))].length).toBe(3000);
    view.close();
    fs.seedFile('/copy', await imageOf(snapshot.chunks()));
    snapshot.close();
    const copy = await BoltBackend.open('/copy', { fs });
    expect(await copy.hash()).toBe(hash);
    await copy.close();
    await vi.waitFor(() => expect(() => get(backend, 'k100007')).toThrow('the database is closed'), 10_000);
    await other.close();
    expect(await stored(fs)).toEqual(new Map([['of the other', '1']]));
    expect(await fs.list('/')).toEqual(['copy', 'db']);
  });

  test('does not take the name back by a defragmentation that was under way, nor begins another', async () => {
    let keep: Promise<void> | undefined;
    const fs = new CrashFileSystem({
      onStep: ({ operation, path }) => {
        if (operation === 'write' && path.endsWith('.tmp.defrag')) keep ??= backend.keepFile();
      },
    });
    const { backend } = await open(fs);
    fill(backend, 20_000);
    await backend.commit();
    await expect(backend.defragment()).rejects.toThrow('/db is being replaced by another database');
    await keep;
    expect(await fs.list('/')).toEqual(['db']);
    await expect(backend.defragment()).rejects.toThrow('is being replaced');
    expect(get(backend, 'k100007')).toBe('value 7');
  });

  test('tells nobody of a write that fails once it is of no interest', async () => {
    let broken = false;
    const fs = new CrashFileSystem({
      onStep: () => {
        if (broken) throw new Error('ENOSPC: no space left');
      },
    });
    const failures: unknown[] = [];
    const { backend } = await open(fs, { onFailure: (error) => failures.push(error) });
    backend.put('key', bytes('a'), bytes('1'));
    broken = true;
    const commit = backend.commit();
    backend.retire();
    await expect(commit).rejects.toThrow('ENOSPC');
    await backend.close();
    expect(failures).toEqual([]);
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
  const empty = await backend.hash();
  backend.put('meta', bytes('consistent_index'), bytes('12345678'));
  expect(await backend.hash()).not.toBe(empty);
  expect(await backend.hash((bucket, key) => bucket === 'meta' && key.toString() === 'consistent_index')).toBe(empty);
});

describe('what is looked at for a view is as of the same moment', () => {
  /** Puts a number after the other, in one microtask after the other, while the view is taken. */
  async function whileChanging<T>(backend: BoltBackend, take: () => Promise<T>): Promise<T> {
    backend.put('key', bytes('a'), bytes('0'));
    const taken = take();
    for (let i = 1; i <= 20; i++) {
      await Promise.resolve();
      backend.put('key', bytes('a'), bytes(String(i)));
    }
    return taken;
  }

  test('frozen', async () => {
    const { backend } = await open();
    const { view, seen } = await whileChanging(backend, () => backend.freeze(() => get(backend, 'a')));
    expect([...view.pairs('key', bytes(''))].map(([, value]) => value.toString())).toEqual([seen]);
    view.close();
  });

  test('sent as a snapshot', async () => {
    const { backend } = await open();
    let seen: string | undefined;
    const snapshot = await whileChanging(backend, () => backend.snapshot(() => (seen = get(backend, 'a'))));
    const fs = new CrashFileSystem();
    fs.seedFile('/db', await imageOf(snapshot.chunks()));
    snapshot.close();
    expect(await stored(fs)).toEqual(new Map([['a', seen]]));
  });

  test('hashed', async () => {
    const { backend } = await open();
    let seen: string | undefined;
    const hash = await whileChanging(backend, () => backend.hash(undefined, () => (seen = get(backend, 'a'))));
    const { backend: other } = await open();
    other.put('key', bytes('a'), bytes(seen as string));
    expect(await other.hash()).toBe(hash);
  });
});
