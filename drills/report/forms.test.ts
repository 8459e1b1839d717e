import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PastRun, readHistory, sparkline, trendsOf, withTrend } from './history.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import type { DrillReport } from './report-schema.ts';
import { pruneRuns } from './retention.ts';

const hostile = `<script>alert("1")</script>&'\u0001`;

function report(change: Partial<DrillReport> = {}): DrillReport {
  return {
    format: 'etcdlab-drill-report/1',
    drill: 'own',
    title: `Title ${hostile}`,
    teaches: 'something',
    runId: '20261120-081500',
    lab: 'lab',
    engine: 'built-in',
    result: 'failed',
    startedAt: '2026-11-20T08:15:00.000Z',
    finishedAt: '2026-11-20T08:15:10.000Z',
    durationMs: 10_000,
    timeline: [
      {
        phase: 'disaster',
        title: `Break ${hostile}`,
        startedAt: '2026-11-20T08:15:01.000Z',
        durationMs: 500,
        outcome: 'done',
        summary: 'broken',
      },
    ],
    rto: { healthyMs: 4000, provenMs: 5000, byStep: [], parts: { detect: 100 } },
    checks: [
      { name: 'keys', member: 'node1', passed: true, expected: 'all', observed: 'all' },
      { name: 'keys', member: 'node2', passed: false, expected: hostile, observed: `1 missing: ${hostile}` },
    ],
    differences: { node2: [{ key: hostile, kind: 'missing', fields: [] }] },
    ...change,
  };
}

describe('the page', () => {
  test('shows the verdict, the timeline and what failed, and lets nothing of a cluster become markup', () => {
    const html = renderHtml(report());
    expect(html).toContain('<span class="verdict failed">FAILED</span>');
    expect(html.match(/<rect /g)).toHaveLength(1);
    expect(html).toContain('Checks: 1 of 2 passed');
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/(src|href)=/);
  });

  test('is whole when the drill ended before its first step', () => {
    const { rto: _, ...bare } = report({ timeline: [], checks: [], differences: {} });
    expect(renderHtml({ ...bare, result: 'inconclusive', error: 'no lab' })).toContain('No step was begun.');
  });
});

describe('the form for continuous integration', () => {
  test('has one case for each check, and counts those that failed', () => {
    const xml = renderJunit(report());
    expect(xml).toMatch(/<testsuite name="drill own" tests="2" failures="1" errors="0" time="10.000"/);
    expect(xml).toContain('<testcase classname="own" name="keys on node1"/>');
    expect(xml).not.toContain('<script');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 forbids it
    expect(xml).not.toMatch(/\u0001/);
  });

  test('says that a drill was not carried through', () => {
    const xml = renderJunit(report({ result: 'inconclusive', checks: [], error: 'interrupted' }));
    expect(xml).toContain('errors="1"');
    expect(xml).toContain('<error message="inconclusive">interrupted</error>');
  });
});

describe('runs on record', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const writeRun = (n: number, result: DrillReport['result']): void => {
    const runId = `20261120-${String(n).padStart(6, '0')}`;
    const run = path.join(folder, `own-${runId}`);
    mkdirSync(run);
    writeFileSync(path.join(run, 'report.json'), JSON.stringify(report({ runId, result })));
    for (const name of ['snapshot.db', 'snapshot.db.manifest.json']) writeFileSync(path.join(run, name), 'x');
  };
  const withSnapshot = (): string[] =>
    readdirSync(folder).filter((run) => readdirSync(path.join(folder, run)).includes('snapshot.db'));

  test('keep their snapshots if they failed, or are among the newest three that passed', async () => {
    for (let n = 1; n <= 6; n++) writeRun(n, n === 2 ? 'failed' : 'passed');
    await pruneRuns(folder);
    expect(withSnapshot().map((run) => Number(run.slice(-6)))).toEqual([2, 4, 5, 6]);
    expect(readdirSync(folder)).toHaveLength(6);
  });

  test('are fifty at most, and what is no run is left alone', async () => {
    for (let n = 1; n <= 53; n++) writeRun(n, 'passed');
    writeFileSync(path.join(folder, 'notes.txt'), 'mine');
    await pruneRuns(folder);
    const names = readdirSync(folder);
    expect(names).toHaveLength(51);
    expect(names).toContain('notes.txt');
    expect(names).not.toContain('own-20261120-000003');
  });

  test('are told with the newest first; one without a report is left out', async () => {
    for (let n = 1; n <= 3; n++) writeRun(n, 'passed');
    mkdirSync(path.join(folder, 'own-20261120-000004'));
    const runs = await readHistory(folder);
    expect(runs.map(({ runId }) => runId)).toEqual(['20261120-000003', '20261120-000002', '20261120-000001']);
    expect(runs[0]).toMatchObject({ rtoMs: 4000, provenMs: 5000, trend: 0 });
    expect(runs[2]).not.toHaveProperty('trend');
  });

  test('are compared with the median of earlier ones of the same drill on the same engine that passed', () => {
    const run = (change: Partial<PastRun>): PastRun => ({
      drill: 'own',
      runId: 'x',
      startedAt: '2026-11-20T08:15:00.000Z',
      engine: 'built-in',
      result: 'passed',
      rtoMs: 3000,
      ...change,
    });
    const others = [
      run({ rtoMs: 9, engine: 'upstream' }),
      run({ rtoMs: 9, drill: 'x' }),
      run({ rtoMs: 9, result: 'failed' }),
    ];
    const two = [...others, run({ rtoMs: 1500 }), run({ rtoMs: 2500 })];
    expect(withTrend(run({}), two).trend).toBe(0.5);
    expect(withTrend(run({}), two), 'two runs are not enough for a verdict').not.toHaveProperty('regression');
    expect(withTrend(run({}), others)).not.toHaveProperty('trend');
    const three = [...two, run({ rtoMs: 90_000 })];
    expect(withTrend(run({ rtoMs: 3750 }), three), 'one slow run does not hide the next').toMatchObject({
      trend: 0.5,
      regression: false,
    });
    expect(withTrend(run({ rtoMs: 3751 }), three)).toMatchObject({ regression: true });
  });

  test('show how long each drill took over time, without those that did not pass', () => {
    const at = (rtoMs: number, change: Partial<PastRun> = {}): PastRun => ({
      drill: 'own',
      runId: 'x',
      startedAt: '2026-11-20T08:15:00.000Z',
      engine: 'built-in',
      result: 'passed',
      rtoMs,
      ...change,
    });
    const runs = [
      at(4000, { regression: true }),
      at(9, { result: 'failed' }),
      at(1000, { engine: 'upstream' }),
      at(2000),
    ];
    expect(trendsOf(runs)).toEqual([
      { drill: 'own', engine: 'built-in', timesMs: [2000, 4000], medianMs: 3000, regression: true },
      { drill: 'own', engine: 'upstream', timesMs: [1000], medianMs: 1000, regression: false },
    ]);
    expect(sparkline([0, 1000, 2000, 4000])).toBe('▁▃▅█');
  });
});
