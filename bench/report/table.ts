/** The results as a table of Markdown, which is as good to read on a terminal. */
import { type Projection, project } from './projection.ts';
import { type FigureResult, isNearCeiling, meetsTarget, type Report, ratioOf, spreadOf } from './statistics.ts';

const figureColumns = ['figure', 'unit', 'ours', 'upstream', 'ratio', 'spread', 'target', 'null server'];
const projectionColumns = ['drawn on from what was measured', 'unit', 'ours', 'upstream'];
/** So many columns on the left are text. */
const textColumns = 2;

/** The table, what could not be measured, and what was measured where. */
export function formatReport(report: Report): string {
  const { taken, machine, rounds, isTls, isQuick, figures, failures, retries } = report;
  const projections = isQuick ? [] : project(figures);
  const about = Object.entries(machine).map(([name, text]) => `${name}: ${text}`);
  return [
    ...(isQuick ? ['A try whether everything runs: these figures say nothing about speed.', ''] : []),
    ...[...formatTable(figureColumns, figures.map(cells)), ''],
    ...failures.map(({ row, engine, reason }) => `- not measured: ${row} on ${engine}: ${reason}`),
    ...retries.map(({ row, engine, reason }) => `- at the second try only: ${row} on ${engine}: ${reason}`),
    ...(failures.length + retries.length > 0 ? [''] : []),
    `${taken}, rounds: ${rounds}${isTls ? ', TLS' : ''} · ${about.join(' · ')}`,
    '',
    'Ratio: ours to upstream, median of the rounds. \\*: near what the generator can do at all.',
    ...(projections.length === 0 ? [] : ['', ...formatTable(projectionColumns, projections.map(projectionCells))]),
  ].join('\n');
}

/** Text to the left, figures to the right. */
function formatTable(columns: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const widths = columns.map((title, i) => Math.max(title.length, ...lines.map((line) => (line[i] as string).length)));
  const pad = (cell: string, i: number): string => {
    const width = widths[i] as number;
    return i < textColumns ? cell.padEnd(width) : cell.padStart(width);
  };
  const rule = widths.map((width, i) => (i < textColumns ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`));
  return [columns, ...lines].map((line) => `| ${line.map(pad).join(' | ')} |`).toSpliced(1, 0, `|${rule.join('|')}|`);
}

function projectionCells({ title, unit, ours, upstream }: Projection): string[] {
  return [title, unit, formatNumber(ours), formatNumber(upstream)];
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
