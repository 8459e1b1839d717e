import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../toolkit/testing/scratch.ts';
import { appendEvent } from './event-log.ts';
import { elapsedMs, type ProgressEntry, ProgressFile, passedEntry } from './progress.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const entry: ProgressEntry = {
  title: { en: 'a', tr: 'b' },
  minutes: 5,
  phase: 'open',
  startedAt: at(0).toISOString(),
  hints: 1,
  attempts: 2,
  solutionUsed: false,
};

describe('an exercise that is passed', () => {
  it('stops the clock, and says who did it, how fast and with what help', () => {
    const passed = passedEntry(entry, at(30));
    expect(passed).toMatchObject({ phase: 'passed', done: { by: 'learner', tookMs: 30_000, hints: 1, attempts: 2 } });
    expect(elapsedMs(passed, at(99))).toBe(30_000);
    expect(passedEntry(passed, at(60))).toBe(passed);
  });

  it('by the solution does not replace what the learner has done alone', () => {
    const { done } = passedEntry(entry, at(30));
    const again = { ...entry, startedAt: at(100).toISOString(), solutionUsed: true, done };
    expect(passedEntry(again, at(101)).done).toEqual(done);
    expect(passedEntry({ ...again, done: undefined } as ProgressEntry, at(101)).done?.by).toBe('solution');
  });

  it('took no negative time when the clock was set back', () => {
    expect(elapsedMs({ ...entry, startedAt: at(50).toISOString() }, at(10))).toBe(0);
  });
});

describe('the progress file', () => {
  it('remembers the language, whatever else is written', async () => {
    const file = new ProgressFile(path.join(scratchFolder(), 'progress.json'));
    await file.putLanguage('tr');
    await file.put('leases', entry);
    expect(await file.read()).toMatchObject({ language: 'tr', current: 'leases' });
  });

  it('is that of a beginner while it is not there', async () => {
    const file = new ProgressFile(path.join(scratchFolder(), 'progress.json'));
    expect(await file.read()).toEqual({ version: 1, exercises: {} });
    await expect(file.entry('a')).rejects.toThrow("exercise 'a' was not started");
  });

  it('names the current exercise until nothing is left of it', async () => {
    const file = new ProgressFile(path.join(scratchFolder(), 'workshop', 'progress.json'));
    await file.put('a', entry);
    expect(await file.read()).toMatchObject({ current: 'a' });
    await file.update('a', (before) => ({ ...before, phase: 'left' }));
    expect(await file.read()).toEqual({ version: 1, exercises: { a: { ...entry, phase: 'left' } } });
  });

  it('that is damaged is refused with its name, and left as it is', async () => {
    const name = path.join(scratchFolder(), 'progress.json');
    writeFileSync(name, '{"version":1,"exercises":{"a":{}}}');
    await expect(new ProgressFile(name).put('b', entry)).rejects.toThrow(/progress\.json.*exercises\.a\./);
    expect(readFileSync(name, 'utf8')).toBe('{"version":1,"exercises":{"a":{}}}');
  });
});

describe('the events', () => {
  it('are lines of JSON, of which the older half is dropped when there are too many', async () => {
    const file = path.join(scratchFolder(), 'workshop', 'events.jsonl');
    await appendEvent(file, { event: 'started', exercise: 'a' }, at(0));
    const line = readFileSync(file, 'utf8');
    expect(JSON.parse(line)).toEqual({ at: '2026-01-01T00:00:00.000Z', event: 'started', exercise: 'a' });
    const many = Math.ceil((1024 * 1024) / line.length) + 1;
    writeFileSync(file, line.repeat(many));
    await appendEvent(file, { event: 'hint', exercise: 'b', hint: 1 }, at(1));
    const left = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(left.length).toBeLessThan(many / 2 + 2);
    expect(left.slice(0, -1).every((text) => `${text}\n` === line)).toBe(true);
    expect(JSON.parse(left.at(-1) as string)).toMatchObject({ event: 'hint', exercise: 'b' });
  });
});
