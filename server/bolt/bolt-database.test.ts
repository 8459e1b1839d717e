import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltCode, BoltDatabase, BoltError, maxKeyBytes } from './mod.ts';
import { bytes, contentsOf, expectSound, openInMemory, smallPage } from './testing/databases.ts';

const code = (expected: BoltCode) => expect.objectContaining({ name: 'BoltError', code: expected });

describe('opening', () => {
  test('a file that is not there is refused, or creates an empty database', async () => {
    const fs = new CrashFileSystem();
    await expect(BoltDatabase.open('/db', { fs })).rejects.toEqual(code(BoltCode.NotFound));
    const db = await BoltDatabase.open('/db', { fs, create: true });
    expect(db.pageSize).toBe(4096);
    expect(db.view().bucketNames()).toEqual([]);
    await expectSound(db);
    await expectSound(fs);
  });

  test('an empty file is a new database only when asked', async () => {
    const fs = new CrashFileSystem();
    fs.seedFile('/db', new Uint8Array());
    await expect(BoltDatabase.open('/db', { fs })).rejects.toEqual(code(BoltCode.NotADatabase));
    await (await BoltDatabase.open('/db', { fs, create: true })).close();
    await expectSound(fs);
  });

  test('something else is refused, named, and left as it is', async () => {
    const fs = new CrashFileSystem();
    fs.seedFile('/etc/db', Buffer.alloc(10_000, 'not a database'));
    const error = await BoltDatabase.open('/etc/db', { fs, create: true }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(BoltError);
    expect(error.message).toContain('/etc/db: neither meta page is valid: no bolt magic number');
    expect(fs.steps).toEqual([]);
  });

  test('for reading only leaves no way to write', async () => {
    const { fs, db } = await openInMemory();
    await db.close();
    const steps = fs.steps.length;
    const reading = await BoltDatabase.open('/db', { fs, readOnly: true });
    expect(() => reading.begin()).toThrow(code(BoltCode.ReadOnly));
    await reading.close();
    expect(fs.steps.length).toBe(steps);
  });

  test('takes the later of two meta pages, and the earlier when the later is torn', async () => {
    const { fs, db } = await openInMemory();
    for (const value of ['1', '2']) {
      const tx = db.begin();
      tx.createBucket('b');
      tx.put('b', bytes('k'), bytes(value));
      await tx.commit();
    }
    const page = db.txid % 2;
    await db.close();
    const file = fs.contents('/db');
    file[page * smallPage + 60] = 0xff;
    fs.seedFile('/db', file);
    const reopened = await BoltDatabase.open('/db', { fs });
    expect(contentsOf(reopened.view())).toEqual({ b: { k: '1' } });
    await expectSound(reopened);
  });

  test('a file whose end is missing says how much it should have', async () => {
    const { fs, db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    tx.put('b', bytes('k'), Buffer.alloc(9000));
    await tx.commit();
    await db.close();
    fs.seedFile('/db', fs.contents('/db').subarray(0, 5 * smallPage));
    await expect(BoltDatabase.open('/db', { fs })).rejects.toThrow(
      /\/db: 5120 bytes, but transaction \d+ has \d+ pages/,
    );
  });
});

describe('a writing transaction', () => {
  test('sees its own puts and deletes, in get and in scan', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (const key of ['a', 'c', 'e', 'g']) tx.put('b', bytes(key), bytes('old'));
    await tx.commit();
    tx = db.begin();
    tx.put('b', bytes('b'), bytes('new'));
    tx.put('b', bytes('c'), bytes('new'));
    tx.delete('b', bytes('e'));
    tx.delete('b', bytes('absent'));
    expect(contentsOf(tx)).toEqual({ b: { a: 'old', b: 'new', c: 'new', g: 'old' } });
    expect(tx.get('b', bytes('c'))?.toString()).toBe('new');
    expect(tx.get('b', bytes('e'))).toBeUndefined();
    const found: string[] = [];
    tx.scan('b', bytes('b'), bytes('g'), (key) => found.push(key.toString()));
    expect(found).toEqual(['b', 'c']);
  });

  test('leaves nothing behind when rolled back', async () => {
    const { fs, db } = await openInMemory();
    const steps = fs.steps.length;
    const tx = db.begin();
    tx.createBucket('b');
    tx.put('b', bytes('k'), bytes('v'));
    tx.rollback();
    expect(db.begin().bucketNames()).toEqual([]);
    expect(fs.steps.length).toBe(steps);
  });

  test('is the only one, and over once committed', async () => {
    const { db } = await openInMemory();
    const tx = db.begin();
    expect(() => db.begin()).toThrow(code(BoltCode.TransactionOpen));
    await tx.commit();
    expect(() => tx.put('b', bytes('k'), bytes('v'))).toThrow(code(BoltCode.TransactionClosed));
    expect(() => tx.rollback()).toThrow(code(BoltCode.TransactionClosed));
  });

  test('refuses keys and buckets that the format cannot hold', async () => {
    const { db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    expect(() => tx.put('b', bytes(''), bytes('v'))).toThrow(code(BoltCode.KeySize));
    expect(() => tx.put('b', Buffer.alloc(maxKeyBytes + 1), bytes('v'))).toThrow(code(BoltCode.KeySize));
    expect(() => tx.delete('b', bytes(''))).toThrow(code(BoltCode.KeySize));
    expect(() => tx.createBucket('')).toThrow(code(BoltCode.KeySize));
    expect(() => tx.put('c', bytes('k'), bytes('v'))).toThrow(code(BoltCode.NoBucket));
    expect(() => tx.get('c', bytes('k'))).toThrow(code(BoltCode.NoBucket));
    tx.put('b', Buffer.alloc(maxKeyBytes, 1), bytes('v'));
    tx.put('b', Buffer.alloc(maxKeyBytes, 2), bytes('v'));
    await tx.commit();
    await expectSound(db);
  });

  test('copies what it is given', async () => {
    const { db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    const [key, value] = [bytes('k'), bytes('v')];
    tx.put('b', key, value);
    key.fill('x');
    value.fill('x');
    await tx.commit();
    expect(contentsOf(db.view())).toEqual({ b: { k: 'v' } });
  });

  test('may be changed by the visitor of its own scan', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 200; i++) tx.put('b', bytes(`k${1000 + i}`), bytes('v'));
    await tx.commit();
    tx = db.begin();
    const seen: string[] = [];
    tx.scan('b', bytes(''), undefined, (key) => {
      seen.push(key.toString());
      tx.delete('b', key);
      if (seen.length < 5) tx.put('b', Buffer.concat([key, bytes('+')]), bytes('behind'));
    });
    expect(seen.slice(0, 5)).toEqual(['k1000', 'k1000+', 'k1000++', 'k1000+++', 'k1000++++']);
    expect(seen.length).toBe(204);
    expect(contentsOf(tx)).toEqual({ b: {} });
  });

  test('that changes nothing writes nothing', async () => {
    const { fs, db } = await openInMemory();
    await db.begin().commit();
    const steps = fs.steps.length;
    await db.begin().commit();
    expect(fs.steps.length).toBe(steps);
  });
});

describe('closing', () => {
  test('waits for what is sealed, and ends every transaction', async () => {
    const { fs, db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    tx.put('b', bytes('k'), bytes('v'));
    void tx.commit();
    const [next, view] = [db.begin(), db.view()];
    await db.close();
    expect(() => next.get('b', bytes('k'))).toThrow(code(BoltCode.Closed));
    expect(() => view.get('b', bytes('k'))).toThrow(code(BoltCode.Closed));
    expect(() => db.begin()).toThrow(code(BoltCode.Closed));
    const reopened = await BoltDatabase.open('/db', { fs });
    expect(contentsOf(reopened.view())).toEqual({ b: { k: 'v' } });
  });

  test('can wait for the last reader', async () => {
    const { db } = await openInMemory();
    const [one, two] = [db.view(), db.view()];
    let closed = false;
    const closing = db.closeWhenUnread().then(() => {
      closed = true;
    });
    one.close();
    await db.durable();
    expect(closed).toBe(false);
    expect(two.bucketNames()).toEqual([]);
    two.close();
    await closing;
  });
});
