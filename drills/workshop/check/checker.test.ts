import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exerciseWith } from '../testing/exercise-folder.ts';
import { Checker, type Observations } from './checker.ts';
import type { Verdict } from './messages.ts';

const condition = (body: string): string => `export default [{ is: 'x', check: async (see) => { ${body} } }];`;

async function checker(source: string): Promise<Checker> {
  const made = new Checker(await exerciseWith({ 'check.mjs': source }));
  onTestFinished(() => made.close());
  return made;
}

async function check(source: string, observations: Observations = {}): Promise<Verdict[]> {
  return (await checker(source)).check(observations);
}

describe('a check', () => {
  it('tells of each condition whether it holds and what was seen, in both languages', async () => {
    const source = `export default [
      { is: { en: 'one', tr: 'bir' }, check: async (see) => ({ met: (await see.number(1)) === 2, seen: 'a' }) },
      { is: 'two', guard: true, check: async () => ({ met: false, seen: { en: 'b', tr: 'c' } }) },
    ];`;
    const observations = { number: async (n: number) => n + 1 };
    expect(await check(source, observations)).toEqual([
      { is: { en: 'one', tr: 'bir' }, met: true, seen: { en: 'a', tr: 'a' }, guard: false },
      { is: { en: 'two', tr: 'two' }, met: false, seen: { en: 'b', tr: 'c' }, guard: true },
    ]);
  });

  it('can look again and again, at what is there then', async () => {
    const again = await checker(condition('return { met: true, seen: String(await see.count()) };'));
    for (const count of [1, 2]) {
      expect(await again.check({ count: async () => count })).toMatchObject([{ seen: { en: String(count) } }]);
    }
  });

  it('is not met where an observation fails, and says why', async () => {
    const failing = { key: () => Promise.reject(new Error('nobody answers')) };
    const source = condition('return { met: (await see.key()) !== undefined, seen: "never" };');
    expect(await check(source, failing)).toMatchObject([{ met: false, seen: { en: 'nobody answers' } }]);
  });

  it.each([
    ['write a file', "await (await import('node:fs/promises')).writeFile('answer', '42')", 'ERR_ACCESS_DENIED'],
    [
      'read what is not its own',
      "await (await import('node:fs/promises')).readFile('/etc/hostname')",
      'ERR_ACCESS_DENIED',
    ],
    ['start a program', "(await import('node:child_process')).spawnSync('true')", 'ERR_ACCESS_DENIED'],
    ['start a thread', "new (await import('node:worker_threads')).Worker('', { eval: true })", 'ERR_ACCESS_DENIED'],
  ])('cannot %s', async (_, attempt, code) => {
    const source = condition(
      `try { ${attempt}; return { met: true, seen: 'done' }; } catch (e) { return { met: false, seen: e.code }; }`,
    );
    expect(await check(source)).toMatchObject([{ met: false, seen: { en: code } }]);
  });

  it('cannot connect to anybody', async () => {
    let connections = 0;
    const server = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const source = condition(`
      const { connect } = await import('node:net');
      return new Promise((resolve) => {
        try {
          connect(${port}, '127.0.0.1', () => resolve({ met: true, seen: 'connected' }))
            .on('error', ({ code }) => resolve({ met: false, seen: code }));
        } catch ({ code }) { resolve({ met: false, seen: code }); }
      });`);
    expect(await check(source)).toMatchObject([{ met: false, seen: { en: 'ERR_ACCESS_DENIED' } }]);
    expect(connections).toBe(0);
  });

  it.each([
    ['that is no module', 'export default [', /check\.mjs .*SyntaxError/],
    ['with a mistake', condition('return nobody;'), /check\.mjs is broken: ReferenceError: nobody is not defined/],
    ['that says nothing', condition(''), /check\.mjs is broken|says what no check may say/],
    ['without conditions', 'export default [];', /says what no check may say: verdicts: has no condition/],
    ['that ends its process', condition('process.exit(1);'), /check\.mjs ended by itself/],
  ])('%s is an error of its author', async (_, source, message) => {
    await expect(check(source)).rejects.toMatchObject({
      code: 'LAB_EXERCISE_CHECK',
      message: expect.stringMatching(message),
    });
  });

  it('that never comes to an end is ended, and can be tried again', async () => {
    const endless = await checker(condition('if (await see.endless()) for (;;); return { met: true, seen: "" };'));
    await expect(endless.check({ endless: async () => true }, 1000)).rejects.toThrow(
      'did not come to an end within 1 s',
    );
    expect(await endless.check({ endless: async () => false })).toMatchObject([{ met: true }]);
  });
});
