import { expect, test } from 'vitest';
import { linesSince } from './evidence-files.ts';

const since = new Date('2026-11-20T08:15:00Z');
const line = (time: string) => `{"level":"info","ts":"2026-11-20T${time}Z","msg":"line"}`;

test('the log of a run begins with the run, and a stack trace stays with its line', () => {
  const lines = [line('08:14:59'), '    at before', line('08:15:00'), '    at after'];
  expect(linesSince(lines, since)).toEqual(lines.slice(2));
});

test('a log without a line of the run says so: the clock of the machine may be behind', () => {
  expect(linesSince([line('08:14:59')], since)).toEqual([
    "no line since 2026-11-20T08:15:00.000Z by the clock of the member's machine",
  ]);
});
