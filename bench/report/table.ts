/** The results as a table of Markdown, which is as good to read on a terminal. */
import { type FigureResult, isNearCeiling, meetsTarget, type Report, ratioOf, spreadOf } from './statistics.ts';

const columns = ['figure', 'unit', 'ours', 'upstream', 'ratio', 'spread', 'target', 'null server'];

/** The table, what could not be measured, and what was measured where. */
export function formatReport(report: Report): string {
  const { taken, machine, rounds, isTls, isQuick, figures, failures } = report;
  const lines = figures.map(cells);
  const widths = columns.map((title, i) => Math.max(title.length, ...lines.map((line) => (line[i] as string).length)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const about = Object.entries(machine).map(([name, text]) => `${name}: ${text}`);
  return [
    ...(isQuick ? ['A try whether everything runs: these figures say nothing about speed.', ''] : []),
    ...[format(columns), rule, ...lines.map(format), ''],
    ...failures.map(({ row, engine, reason }) => `- not measured: ${row} on ${engine}: ${reason}`),
    ...(failures.length > 0 ? [''] : []),
    `${taken}, rounds: ${rounds}${isTls ? ', TLS' : ''} · ${about.join(' · ')}`,
    '',
    'Ratio: ours to upstream, median of the rounds. \\*: near what the generator can do at all.',
  ].join('\n');
}

function cells(result: FigureResult): string[] {
  const ratio = ratioOf(result);
  const { target, better, ceiling } = result;
  const met = meetsTarget(result);
  const mark = isNearCeiling(result) ? ' \\*' : '';
  return [
    result.fullTitle,
    result.unit,
    formatNumber(spreadOf(result.ours).median),
    formatNumber(spreadOf(result.upstream).median),
    `${formatNumber(ratio.median)}${mark}`,
    Number.isNaN(ratio.median) ? '' : `${formatNumber(ratio.min)} to ${formatNumber(ratio.max)}`,
    target === undefined
      ? ''
      : `${better === 'higher' ? '≥' : '≤'} ${target} ${met === undefined ? '' : met ? '✓' : '✗'}`.trimEnd(),
    ceiling === undefined || better !== 'higher' ? '' : formatNumber(ceiling),
  ];
}

/** Three digits that count; a thousand and more without any behind the point. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '—';
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
