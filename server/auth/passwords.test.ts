import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { clampBcryptCost, hashSync, isMatchSync } from './bcrypt.ts';
import { BcryptPool, type BcryptPoolOptions } from './passwords.ts';

/** bcrypt's lowest, so that the tests need not wait. */
const cost = 4;
const pools: BcryptPool[] = [];

function pool(options: Partial<BcryptPoolOptions> = {}): BcryptPool {
  const made = new BcryptPool({ cost, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.close()));
});

describe('bcrypt', () => {
  test('knows the hashes of others', () => {
    // A vector of the C library's own test.
    expect(isMatchSync('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')).toBe(true);
    expect(isMatchSync('U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')).toBe(false);
  });

  test('writes the form that upstream writes, differently each time', () => {
    const [one, two] = [hashSync('secret', cost), hashSync('secret', cost)];
    expect(one).toMatch(/^\$2a\$04\$[./A-Za-z0-9]{53}$/);
    expect(one).not.toBe(two);
  });

  test('takes nothing else for a hash', () => {
    for (const hash of ['', 'secret', '$1$abc$def', `$2a$xx$${'.'.repeat(53)}`])
      expect(isMatchSync('secret', hash)).toBe(false);
  });

  test.each([
    [0, 10],
    [3, 10],
    [4, 4],
    [31, 31],
    [32, 10],
  ])('given the cost %i takes %i', (given, taken) => {
    expect(clampBcryptCost(given)).toBe(taken);
  });
});

describe('passwords', () => {
  test('are hashed and recognised beside the event loop', async () => {
    const passwords = pool();
    const hash = await passwords.hash('pässwörd');
    expect(hash).toMatch(/^\$2a\$04\$/);
    expect(await passwords.isMatch('pässwörd', hash)).toBe(true);
    expect(await passwords.isMatch('password', hash)).toBe(false);
    expect(await passwords.isMatch('', '')).toBe(false);
  });

  test('may be of 72 bytes and no longer', async () => {
    const passwords = pool();
    expect(await passwords.hash('x'.repeat(72))).toMatch(/^\$2a/);
    await expect(passwords.hash('x'.repeat(73))).rejects.toThrow('bcrypt: password length exceeds 72 bytes');
    await expect(passwords.hash('ä'.repeat(37))).rejects.toThrow('exceeds 72 bytes');
  });

  test('wait for a thread, in a line that has an end', async () => {
    const passwords = pool({ threads: 1, maxWaiting: 2 });
    const taken = ['a', 'b', 'c'].map((each) => passwords.hash(each));
    await expect(passwords.hash('d')).rejects.toMatchObject({ message: 'etcdserver: too many requests' });
    for (const [i, hash] of (await Promise.all(taken)).entries()) {
      expect(await passwords.isMatch('abc'[i] as string, hash)).toBe(true);
    }
  });

  test('that wait when the member stops are told so', async () => {
    const passwords = pool({ threads: 1 });
    const waiting = ['a', 'b', 'c'].map((each) => expect(passwords.hash(each)).rejects.toThrow('server stopped'));
    await passwords.close();
    await Promise.all(waiting);
    await expect(passwords.hash('d')).rejects.toThrow('server stopped');
  });

  test('that cannot be compared are an error, and the thread goes on', async () => {
    const passwords = pool({ threads: 1 });
    await expect(passwords.isMatch(3 as unknown as string, hashSync('a', cost))).rejects.toThrow(
      'hashing a password failed',
    );
    expect(await passwords.hash('a')).toMatch(/^\$2a/);
  });

  test('whose thread ends are an error, and those behind them have another thread', async () => {
    const threads = ["throw new Error('lost')", "parentPort.postMessage({ result: 'hashed' })"];
    const startThread = () => {
      const program = `const { parentPort } = require('node:worker_threads');
        parentPort.on('message', () => { ${threads.shift()} });`;
      return new Worker(program, { eval: true });
    };
    const passwords = pool({ threads: 1, startThread });
    const [first, second] = [passwords.hash('a'), passwords.hash('b')];
    await expect(first).rejects.toThrow('the thread that hashes passwords failed: lost');
    expect(await second).toBe('hashed');
    expect(threads).toEqual([]);
  });

  test('for which no thread can be started are an error, and leave the line', async () => {
    let isShort = true;
    const startThread = () => {
      if (isShort) throw new Error('no memory');
      return new Worker(new URL('./bcrypt-worker.ts', import.meta.url));
    };
    const passwords = pool({ threads: 1, maxWaiting: 1, startThread });
    for (const password of ['a', 'b']) {
      await expect(passwords.hash(password)).rejects.toThrow('the thread that hashes passwords failed: no memory');
    }
    isShort = false;
    expect(await passwords.hash('c')).toMatch(/^\$2a/);
  });
});
