import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../toolkit/testing/scratch.ts';
import { runScript } from './script.ts';

function script(text: string) {
  const folder = scratchFolder();
  const file = path.join(folder, 'setup.sh');
  const log = path.join(folder, 'logs', 'setup.log');
  writeFileSync(file, text);
  const run = (timeoutMs = 30_000, signal = new AbortController().signal) =>
    runScript({
      file,
      environment: { PATH: process.env.PATH, GREETING: 'hello' },
      workingDirectory: folder,
      output: { file: log },
      timeoutMs,
      signal,
      advice: ['etcdlab workshop reset'],
    });
  return { folder, log, run };
}

describe('a script of an exercise', () => {
  it('runs in its folder with its environment, and its output is kept', async () => {
    const { folder, log, run } = script('echo "$GREETING" | tee here; echo oops >&2');
    await run();
    expect(readFileSync(path.join(folder, 'here'), 'utf8')).toBe('hello\n');
    expect(readFileSync(log, 'utf8')).toBe('hello\noops\n');
  });

  it.each([
    ['a command that fails', 'false\ntouch went-on'],
    ['a variable that is not there', 'echo "$NOBODY"\ntouch went-on'],
    ['a part of a pipe that fails', 'false | cat\ntouch went-on'],
  ])('ends at %s', async (_, text) => {
    const { folder, run } = script(text);
    await expect(run()).rejects.toMatchObject({
      code: 'LAB_EXERCISE_SCRIPT',
      message: expect.stringContaining('exit code 1'),
    });
    expect(existsSync(path.join(folder, 'went-on'))).toBe(false);
  });

  it('that fails shows the end of what it said', async () => {
    await expect(script('seq 100; exit 3').run()).rejects.toMatchObject({
      message: expect.stringContaining('exit code 3'),
      details: Array.from({ length: 15 }, (_, i) => String(86 + i)),
      advice: ['etcdlab workshop reset'],
    });
  });

  it('that takes too long is ended', async () => {
    await expect(script('sleep 300').run(300)).rejects.toThrow('took longer than 0.3 s');
  });

  it('may leave a process in the background, which keeps nobody waiting', async () => {
    const { folder, run } = script('sleep 300 & echo $! > child');
    await run();
    const child = Number(readFileSync(path.join(folder, 'child'), 'utf8'));
    expect(isAlive(child)).toBe(true);
    process.kill(child);
  });

  it('is ended with all that it has started when the user interrupts', async () => {
    const controller = new AbortController();
    const { folder, run } = script('sleep 300 & echo $! > part; mv part child; wait');
    const running = expect(run(60_000, controller.signal)).rejects.toMatchObject({
      code: 'LAB_INTERRUPTED',
      advice: ['etcdlab workshop reset'],
    });
    await expect.poll(() => existsSync(path.join(folder, 'child'))).toBe(true);
    controller.abort();
    await running;
    const child = Number(readFileSync(path.join(folder, 'child'), 'utf8'));
    await expect.poll(() => isAlive(child)).toBe(false);
  });
});

/** A process that has ended and whose parent has not asked for it is gone, too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const state = existsSync('/proc') ? readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '')[0] : 'S';
    return state !== 'Z';
  } catch {
    return false;
  }
}
