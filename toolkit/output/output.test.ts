import { describe, expect, it } from 'vitest';
import { LabError } from '../errors.ts';
import { describeError, formatError } from './error-report.ts';
import { formatSize, formatSpan, formatTable } from './table.ts';
import { Ui } from './ui.ts';

const now = () => new Date('2026-11-20T08:00:00Z');

function recorder() {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return { written, stdout: stream('out'), stderr: stream('err') };
}

/** A list with every kind of ending. */
async function runSample(mode: 'plain' | 'json'): Promise<string> {
  const { written, stdout, stderr } = recorder();
  const ui = new Ui(mode, stdout, stderr, now);
  const failure = ui.runTasks(
    [
      { title: 'Check', task: async () => undefined },
      { title: 'Skipped inside', task: (_, task) => task.skip('all is valid') },
      { title: 'Skipped before', skip: () => 'not needed', task: () => undefined },
      {
        title: 'Start',
        task: (_, task) =>
          task.newListr([
            {
              title: 'node1',
              task: (_context, subtask) => {
                subtask.output = 'not yet: node1: no leader';
              },
            },
          ]),
      },
      {
        title: 'Fail',
        task: () => {
          throw new LabError('LAB_UNHEALTHY', 'no leader');
        },
      },
      { title: 'Never', task: () => undefined },
    ],
    {},
  );
  await expect(failure).rejects.toMatchObject({ code: 'LAB_UNHEALTHY' });
  return written.out.replaceAll(/\d+\.\d\d s/g, '0.00 s').replaceAll(/"durationMs":\d+/g, '"durationMs":0');
}

describe('a task list', () => {
  it('is one line an event where there is no terminal', async () => {
    expect(await runSample('plain')).toMatchInlineSnapshot(`
      "start  Check
      done   Check  (0.00 s)
      start  Skipped inside
      skip   Skipped inside: all is valid
      start  Skipped before
      skip   Skipped before: not needed
      start  Start
      start  Start › node1
      info   Start › node1: not yet: node1: no leader
      done   Start › node1  (0.00 s)
      done   Start  (0.00 s)
      start  Fail
      FAIL   Fail  (0.00 s)
      "
    `);
  });

  it('is one object a line for machines', async () => {
    const output = await runSample('json');
    expect(output).toMatchInlineSnapshot(`
      "{"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Check"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-done","path":["Check"],"durationMs":0}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Skipped inside"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-skipped","path":["Skipped inside"],"text":"all is valid"}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Skipped before"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-skipped","path":["Skipped before"],"text":"not needed"}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Start"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Start","node1"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-output","path":["Start","node1"],"text":"not yet: node1: no leader"}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-done","path":["Start","node1"],"durationMs":0}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-done","path":["Start"],"durationMs":0}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-started","path":["Fail"]}
      {"time":"2026-11-20T08:00:00.000Z","event":"task-failed","path":["Fail"],"durationMs":0}
      "
    `);
    for (const line of output.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
  });
});

describe('an error', () => {
  const error = new LabError('LAB_PREFLIGHT', '2 problems must be solved', {
    details: ['127.0.0.1:2379: in use by pid 7', '  → kill 7'],
    advice: ['etcdlab doctor'],
    cause: new Error('inner', { cause: new Error('innermost') }),
  });

  it('says what happened, why, the evidence and what to do', () => {
    expect(formatError(describeError(error))).toMatchInlineSnapshot(`
      "error: 2 problems must be solved (LAB_PREFLIGHT)
        because: inner
        because: innermost
          127.0.0.1:2379: in use by pid 7
            → kill 7
        try: etcdlab doctor
      "
    `);
  });

  it('is data for machines, on the stream they read', () => {
    const { written, stdout, stderr } = recorder();
    new Ui('json', stdout, stderr, now).error(error, false);
    expect(written.err).toBe('');
    expect(JSON.parse(written.out)).toEqual({
      time: '2026-11-20T08:00:00.000Z',
      event: 'error',
      code: 'LAB_PREFLIGHT',
      message: '2 problems must be solved',
      causes: ['inner', 'innermost'],
      details: error.details,
      advice: ['etcdlab doctor'],
    });
  });

  it('shows a stack only for those who ask', () => {
    const { written, stdout, stderr } = recorder();
    const ui = new Ui('plain', stdout, stderr);
    ui.error(new Error('oops'), false);
    expect(written.err).toBe('error: oops (LAB_UNEXPECTED)\n  try: DEBUG=etcdlab shows where this comes from\n');
    ui.error(new Error('oops'), true);
    expect(written.err).toContain('output.test.ts');
  });

  it('does not repeat a cause that its message holds already, and ends also in a circle', () => {
    const circle = new Error('round');
    circle.cause = circle;
    expect(describeError(circle).causes).toEqual([]);
    expect(describeError('text').message).toBe('text');
    expect(describeError(new LabError('LAB_X', 'a: b', { cause: new Error('b') })).causes).toEqual([]);
  });
});

describe('a user interface', () => {
  it('is drawn on a terminal only, and never for machines', () => {
    expect(Ui.modeFor(false, { write: () => undefined, isTTY: true })).toBe('terminal');
    expect(Ui.modeFor(false, { write: () => undefined })).toBe('plain');
    expect(Ui.modeFor(true, { write: () => undefined, isTTY: true })).toBe('json');
  });

  it('writes lines for people or events for machines, and listings for both', () => {
    for (const [mode, out, err] of [
      ['plain', 'hello\nTABLE\n', 'warning: slow\n'],
      [
        'json',
        '{"time":"2026-11-20T08:00:00.000Z","event":"warning","text":"slow"}\n{"time":"2026-11-20T08:00:00.000Z","event":"finished"}\n[\n  1\n]\n',
        '',
      ],
    ] as const) {
      const { written, stdout, stderr } = recorder();
      const ui = new Ui(mode, stdout, stderr, now);
      ui.line('hello');
      ui.warning('slow');
      ui.event({ event: 'finished' });
      ui.listing('TABLE', [1]);
      expect(written).toEqual({ out, err });
    }
  });
});

describe('tables', () => {
  it('line up, also with colours, and have no trailing spaces', () => {
    const table = formatTable(
      ['NODE', 'STATE', 'URL'],
      [
        ['n', '\u001b[32mrunning\u001b[39m', 'u'],
        ['node10', '-', ''],
      ],
    );
    expect(table).toBe('NODE    STATE    URL\nn       \u001b[32mrunning\u001b[39m  u\nnode10  -');
  });

  it('show spans and sizes in the unit that fits', () => {
    expect([0, 999, 1000, 59_999, 60_000, 3_600_000, 86_400_000 * 30].map(formatSpan)).toEqual([
      '0 s',
      '0 s',
      '1 s',
      '59 s',
      '1 min',
      '1 h',
      '30 d',
    ]);
    expect([0, 999, 1000, 20_480, 1_400_000, 2e15].map(formatSize)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '20 kB',
      '1.4 MB',
      '2000 TB',
    ]);
  });
});
