import { expect, test } from 'vitest';
import { drawReport } from './plot.ts';
import type { FigureResult, Report } from './statistics.ts';
import { formatNumber, formatReport } from './table.ts';

const throughput: FigureResult = {
  ...{ row: 'put-1', figure: 'perSecond', fullTitle: 'put, 1 & more: throughput', title: 'throughput', unit: '/s' },
  ...{ better: 'higher', target: 1.5, ours: [3000, 3200], upstream: [1000, 1600], ceiling: 4000 },
};
const missing: FigureResult = { ...throughput, fullTitle: 'range: p99', better: 'lower', target: 1, ours: [] };
const report: Report = {
  ...{ taken: '2026-01-01T00:00', machine: { memory: '24 GiB' }, rounds: 2, isTls: true, isQuick: false },
  figures: [throughput, missing],
  failures: [{ row: 'range', engine: 'built-in', reason: 'no member leads' }],
  retries: [{ row: 'put-1', engine: 'upstream', reason: 'round 2: a call failed' }],
};

test('each figure is a line with both engines, their ratio, its spread and the target', () => {
  const lines = formatReport(report).split('\n');
  expect(lines[2]?.split('|').map((cell) => cell.trim())).toEqual([
    ...['', 'put, 1 & more: throughput', '/s', '3,100', '1,300', '2.50 \\*', '2.00 to 3.00', '≥ 1.5 ✓', '4,000', ''],
  ]);
});

test('what could not be measured is there, with its reason', () => {
  const text = formatReport(report);
  expect(text).toContain('not measured: range on built-in: no member leads');
  expect(text).toMatch(/\| range: p99 +\| \/s +\| +— \|/);
});

test('what was measured at the second try only is there, with its reason', () => {
  expect(formatReport(report)).toContain('- at the second try only: put-1 on upstream: round 2: a call failed');
});

test('it says where and how it was taken', () => {
  expect(formatReport(report)).toContain('2026-01-01T00:00, rounds: 2, TLS · memory: 24 GiB');
});

test.each([
  [Number.NaN, '—'],
  [0, '0'],
  [12_345.6, '12,346'],
  [12.345, '12.3'],
  [1.234, '1.23'],
  [0.1234, '0.123'],
  [0.01234, '0.0123'],
])('%d is written %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test('the picture has a bar for each ratio and a curve for each figure that grows, and is well formed', () => {
  const growing = [1, 10, 100].map((at) => ({ ...throughput, growth: { of: 'puts', with: 'clients', at } }));
  const svg = drawReport({ ...report, figures: [throughput, missing, ...growing] });
  expect(svg).toContain('<title>');
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain('put, 1 &amp; more: throughput ✓');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
