/** The workshop through the command, on members of our own: every exercise, and what learners do. */
import { appendFileSync, cpSync, existsSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listExercises } from '../../drills/workshop/catalogue.ts';
import { TestLab } from '../support/test-lab.ts';

const template = path.join(import.meta.dirname, '../../templates/exercise');
const exercises = await listExercises();
let lab: TestLab;

/** Besides those there are: `double` asks for the double of 21; `slow` as well, once the test lets its setup end. */
beforeAll(async () => {
  lab = await TestLab.create();
  for (const name of ['91-double', '92-slow']) cpSync(template, lab.path('mine', name), { recursive: true });
  lab.write(
    'mine/92-slow/setup.sh',
    'etcdctl put workshop/question 21\nif [ ! -e "$(dirname "$ETCDLAB_FILE")/go" ]; then sleep 100; fi\n',
  );
  appendFileSync(lab.path('lab.yaml'), 'exercises: ./mine\n');
  await lab.must('up');
});
afterAll(() => lab?.close());

describe('every exercise: setup, check fails, solution, check passes, reset, check fails', () => {
  test.each([...exercises.map(({ id }) => id), 'double'])('%s', { timeout: 180_000 }, async (id) => {
    const { events, stderr } = await lab.events('workshop', 'author-check', id, '--yes');
    const [report] = events.filter(({ event }) => event === 'author-checked');
    expect({ ...report, stderr }).toMatchObject({ exercise: id, problems: [], stderr: '' });
    expect(report).not.toHaveProperty('notTried');
  });
});

describe('a learner', () => {
  afterEach(async () => {
    await lab.must('workshop', 'reset');
    await lab.must('ctl', 'del', '--prefix', 'workshop/');
  });
  const workshop = (...args: string[]) => lab.run('workshop', ...args);
  const progressOf = async (id: string) => JSON.parse(await lab.must('workshop', 'status', '--json')).exercises[id];

  test('is given the text, hints one by one, and what is missing, until it is done', async () => {
    expect((await workshop('start', 'double')).stdout).toContain('There is a number at `workshop/question`');
    const before = await workshop('check');
    expect(before).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('seen: there is no such key') });
    for (const count of [1, 2, 3]) expect((await workshop('hint')).stdout.match(/^Hint/gm)).toHaveLength(count);
    await lab.must('ctl', 'put', 'workshop/answer', '42');
    const after = await workshop('check');
    expect(after).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/Passed after .*Say why it is so/s) });
    const asked = { hints: 3, attempts: 2 };
    expect(await progressOf('double')).toMatchObject({ phase: 'passed', ...asked, done: { by: 'learner', ...asked } });
  });

  test('reads in Turkish', async () => {
    const { stdout } = await workshop('start', 'double', '--lang', 'tr');
    expect(stdout).toContain('`workshop/question` anahtarında bir sayı var');
    // Said once for the lab.
    expect((await workshop('check')).stdout).toContain('görülen: böyle bir anahtar yok');
    expect((await workshop('check', '--lang', 'en')).stdout).toContain('seen: there is no such key');
  });

  test('who does not agree to a dangerous exercise keeps the one that is open', async () => {
    await workshop('start', 'double');
    await lab.must('ctl', 'put', 'workshop/answer', '42');
    await workshop('check');
    expect(await workshop('start', 'full-restore')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/All members lose their data.*try: etcdlab workshop start full-restore --yes/s),
    });
    expect(await progressOf('double')).toMatchObject({ phase: 'passed' });
    expect(await lab.must('ctl', 'get', '--print-value-only', 'workshop/answer')).toBe('42');
  });

  test('who closes the terminal finds the exercise as it was', async () => {
    await workshop('start', 'double');
    await lab.must('ctl', 'put', 'workshop/answer', '41');
    expect((await workshop('start')).stdout).toContain('It is set up already');
    expect((await workshop('check')).stdout).toContain('seen: 41');
  });

  test('is watched while working in another terminal', async () => {
    await workshop('start', 'double');
    const watching = lab.spawn('workshop', 'watch', '--json');
    const passed: boolean[] = [];
    for await (const line of watching) {
      passed.push(JSON.parse(String(line)).passed);
      if (passed.length === 1) await lab.must('ctl', 'put', 'workshop/answer', '42');
    }
    expect(await watching).toMatchObject({ exitCode: 0 });
    expect(passed.pop()).toBe(true);
    expect(new Set(passed)).toEqual(new Set([false]));
    // It was not the learner who asked.
    expect(await progressOf('double')).toMatchObject({ attempts: 0, done: { by: 'learner' } });
  });

  test('who has the solution typed sees it, and has not passed alone', async () => {
    await workshop('start', 'double', '--json');
    expect(await workshop('solve')).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('question * 2') });
    expect(await workshop('check')).toMatchObject({ exitCode: 1 });
    const { exitCode, stdout } = await workshop('solve', '--yes');
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('The solution passes.'),
    });
    expect(await progressOf('double')).toMatchObject({ phase: 'passed', solutionUsed: true });
  });

  test('has in the shell what scripts have, in any folder', async () => {
    await workshop('start', 'double');
    const shell =
      'eval "$1"; cd "$WORKSHOP_DIR"; etcdctl get --print-value-only workshop/question; etcdlab workshop status';
    const variables = await lab.must('workshop', 'env');
    const { stdout } = await execa('bash', ['-c', shell, 'bash', variables]);
    expect(stdout).toMatch(/^21\n91\. /);
  });

  test('has one exercise at a time', async () => {
    await workshop('start', 'double');
    expect(await workshop('start', 'first-contact')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/'double' is not passed.*try: etcdlab workshop start first-contact --yes/s),
    });
    expect((await workshop('start', 'first-contact', '--yes')).stdout).toContain('1. First contact');
    expect(await progressOf('double')).toMatchObject({ phase: 'left' });
  });

  test('who interrupts a setup is told, and it is done again', async () => {
    const { exitCode } = await lab.signalAt(({ stage }) => stage === 'setup', 'SIGINT', 'workshop', 'start', 'slow');
    expect(exitCode).toBe(130);
    expect((await workshop('status')).stdout).toContain('It is half set up');
    expect(await workshop('check')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('is half set up') });
    lab.write('go', '');
    expect(await workshop('start')).toMatchObject({ exitCode: 0 });
    expect((await workshop('check')).stdout).toContain('seen: there is no such key');
  });

  test('never loses keys to an exercise that uses the same names', async () => {
    await lab.must('ctl', 'put', 'workshop/of-mine', 'dear');
    expect(await workshop('start', 'double')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/uses keys under workshop\/, and there are 1 already/),
    });
    expect(await lab.must('ctl', 'get', 'workshop/of-mine')).toBe('workshop/of-mine\ndear');
  });
});

test('removing the lab removes all that the workshop has kept in it', async () => {
  await lab.must('destroy', '--yes');
  expect(existsSync(lab.state())).toBe(false);
});
