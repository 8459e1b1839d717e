import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { followLines, lastLines } from './log-file.ts';

describe('the last lines of a log', () => {
  it('are the last lines, whatever their length, with or without a newline at the end', async () => {
    const path = join(scratchFolder(), 'log');
    const line = fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^[a-zäöü{}"]{0,20}$/),
      fc.integer({ min: 60_000, max: 140_000 }).map((length) => 'x'.repeat(length)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.nat(14),
        fc.boolean(),
        async (lines, count, ends) => {
          writeFileSync(path, lines.join('\n') + (ends ? '\n' : ''));
          const written = ends || lines.at(-1) !== '' ? lines : lines.slice(0, -1);
          expect(await lastLines(path, count)).toEqual(count === 0 ? [] : written.slice(-count));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are none if there is no log', async () => {
    expect(await lastLines(join(scratchFolder(), 'log'), 10)).toEqual([]);
  });
});

describe('following a log', () => {
  it('starts with the last lines, gives each further line once complete, and goes on after a rotation', async () => {
    const path = join(scratchFolder(), 'log');
    writeFileSync(path, 'one\ntwo\nthr');
    const controller = new AbortController();
    const lines = followLines(path, 2, controller.signal);
    expect((await lines.next()).value).toBe('two');
    appendFileSync(path, 'ee\n');
    expect((await lines.next()).value).toBe('three');
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'four\n');
    expect((await lines.next()).value).toBe('four');
    controller.abort();
    expect((await lines.next()).done).toBe(true);
  });

  it('waits for a log that is not there yet, and then misses nothing', async () => {
    const path = join(scratchFolder(), 'log');
    const controller = new AbortController();
    const lines = followLines(path, 5, controller.signal);
    const first = lines.next();
    writeFileSync(path, 'first\n');
    expect((await first).value).toBe('first');
    controller.abort();
    await lines.return(undefined);
  });
});
