/** `etcdlab drill history`: what came out of the runs, and how long they took over time. */
import { type PastRun, readHistory, sparkline, trendsOf } from '../../drills/report/history.ts';
import { formatTable } from '../output/table.ts';
import { type Cli, type CommonOptions, openLab } from './cli.ts';

export async function history(cli: Cli, options: CommonOptions): Promise<undefined> {
  const { paths } = await openLab(cli, options);
  const runs = await readHistory(paths.reports);
  cli.ui.listing(formatHistory(runs), runs);
}

/** Of one drill, in the line that shows its trend. */
const shownTimes = 20;

/** @returns tables no wider than a terminal of 80 columns; engines are named where there are several */
export function formatHistory(runs: readonly PastRun[]): string {
  const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`);
  const isMixed = new Set(runs.map(({ engine }) => engine)).size > 1;
  const rows = runs.map(({ startedAt, drill, result, engine, rtoMs, provenMs, lostRevisions, trend }) => [
    startedAt.slice(5, 16).replace('T', ' '),
    drill,
    result,
    ...(isMixed ? [engine] : []),
    seconds(rtoMs),
    seconds(provenMs),
    lostRevisions === undefined ? '-' : String(lostRevisions),
    trend === undefined ? '-' : `${trend > 0 ? '+' : ''}${Math.round(trend * 100)} %`,
  ]);
  const header = [
    'START (UTC)',
    'DRILL',
    'RESULT',
    ...(isMixed ? ['ENGINE'] : []),
    'HEALTHY',
    'PROVED',
    'LOST',
    'TREND',
  ];
  const legend = 'HEALTHY, PROVED: after the disaster. LOST: revisions. TREND: from the median.';
  const trends = trendsOf(runs).map(({ drill, engine, timesMs, medianMs, regression }) => [
    drill,
    ...(isMixed ? [engine] : []),
    seconds(medianMs),
    `${sparkline(timesMs.slice(-shownTimes))}${regression ? '  SLOWER' : ''}`,
  ]);
  const trendHeader = ['DRILL', ...(isMixed ? ['ENGINE'] : []), 'MEDIAN', 'HEALTHY OVER TIME'];
  const overTime = trends.length === 0 ? [] : ['', formatTable(trendHeader, trends)];
  return [formatTable(header, rows), '', legend, ...overTime].join('\n');
}
