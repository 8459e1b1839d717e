/** The report as one self-contained page: no script, nothing that is fetched. */
import { recoveryParts } from '../engine/context.ts';
import type { Check } from '../verification/check.ts';
import { describeWatches } from './markdown.ts';
import type { DrillReport, ReportedDifference } from './report-schema.ts';

/** Lines of a list that are shown; report.json has them all. */
const shownLines = 50;

const colours: Record<string, string> = {
  prepare: '#9aa5b1',
  backup: '#4c78a8',
  disaster: '#c4433a',
  detect: '#e0902f',
  recover: '#3f9a5a',
  verify: '#7a5ba6',
};

const style = `
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d8dee5;overflow-wrap:anywhere}
.verdict{display:inline-block;padding:.2rem .8rem;border-radius:.3rem;color:#fff;font-weight:600}
.passed{background:#2f7d48}.failed{background:#b3362d}.inconclusive{background:#8a6d1d}
tr.bad td{background:#fbeae8}svg{width:100%;height:auto}pre{background:#f3f5f7;padding:1rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#14191f;color:#dde4ea}th,td{border-color:#37424d}tr.bad td{background:#43221f}pre{background:#1d242c}svg text{fill:#dde4ea}}`;

/** @returns a whole HTML document */
export function renderHtml(report: DrillReport): string {
  const { drill, title, result, runId } = report;
  const sections = [
    `<h1>${escape(title)}</h1>`,
    `<p><span class="verdict ${result}">${result.toUpperCase()}</span></p>`,
    `<p>${escape(report.teaches)}</p>`,
    facts(report),
    report.error === undefined ? '' : `<h2>What went wrong</h2><pre>${escape(report.error)}</pre>`,
    `<h2>Timeline</h2>${drawTimeline(report)}`,
    recovery(report),
    loss(report),
    report.watches === undefined
      ? ''
      : `<h2>Clients that watched before</h2><p>${escape(describeWatches(report.watches).replaceAll(/\*\*|`/g, ''))}</p>`,
    checks(report.checks),
    differences(report),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(`${drill} ${runId}: ${result}`)}</title><style>${style}</style></head>
<body>
${sections.filter((section) => section !== '').join('\n')}
</body></html>
`;
}

function facts(report: DrillReport): string {
  const rows: [string, string][] = [
    ['Drill', report.drill],
    ['Run', report.runId],
    ['Lab', `${report.lab}, engine ${report.engine}`],
    ['Started', report.startedAt],
    ['Took', seconds(report.durationMs)],
  ];
  const { snapshot } = report;
  if (snapshot !== undefined) {
    rows.push(['Snapshot', `revision ${snapshot.revision}, ${snapshot.keys} keys, SHA-256 ${snapshot.sha256}`]);
  }
  for (const [name, folder] of Object.entries(report.keptData ?? {})) rows.push([`Kept data of ${name}`, folder]);
  return table([], rows);
}

/** A bar for each step, as long as it took, one below the other. */
function drawTimeline({ timeline, startedAt, durationMs }: DrillReport): string {
  if (timeline.length === 0) return '<p>No step was begun.</p>';
  const start = Date.parse(startedAt);
  const total = Math.max(1, durationMs);
  const [left, width, line] = [360, 560, 24];
  const bars = timeline.map(({ phase, title, startedAt: at, durationMs: took, outcome }, i) => {
    const x = left + ((Date.parse(at) - start) / total) * width;
    const length = Math.max(2, (took / total) * width);
    const y = i * line;
    const label = title.length > 52 ? `${title.slice(0, 51)}…` : title;
    const mark = outcome === 'failed' ? ' ✗' : '';
    return [
      `<text x="0" y="${y + 16}" font-size="12">${escape(label)}</text>`,
      `<rect x="${x.toFixed(1)}" y="${y + 4}" width="${length.toFixed(1)}" height="${line - 8}" rx="2" fill="${colours[phase]}"><title>${escape(`${phase}: ${title}, ${seconds(took)}`)}</title></rect>`,
      `<text x="${left + width + 6}" y="${y + 16}" font-size="12">${seconds(took)}${mark}</text>`,
    ].join('');
  });
  const height = timeline.length * line + 4;
  const legend = Object.entries(colours).map(
    ([phase, colour]) => `<span style="color:${colour}">&#9632;</span> ${phase}`,
  );
  return `<svg viewBox="0 0 1000 ${height}" role="img" aria-label="the steps of the drill over time">${bars.join('\n')}</svg><p>${legend.join(' &nbsp; ')}</p>`;
}

function recovery({ rto, result }: DrillReport): string {
  if (rto === undefined) return '';
  const parts = recoveryParts.flatMap((part): [string, string][] =>
    rto.parts[part] === undefined ? [] : [[part, seconds(rto.parts[part])]],
  );
  const proved = result === 'passed' ? `, proved after ${seconds(rto.provenMs)}` : ', not proved';
  return `<h2>Time to recovery (RTO)</h2><p>All members healthy ${seconds(rto.healthyMs)} after the disaster${proved}.</p>${table(['Part', 'Time'], parts)}`;
}

function loss({ rpo }: DrillReport): string {
  if (rpo === undefined) return '';
  const words: Record<ReportedDifference['kind'], string> = {
    unexpected: 'created later, lost',
    changed: 'overwritten later, back at the older value',
    missing: 'deleted later, back again',
  };
  const rows = rpo.keys.slice(0, shownLines).map(({ key, kind }): [string, string] => [key, words[kind]]);
  return `<h2>Data lost (RPO)</h2><p>${rpo.revisions} revisions, written within ${seconds(rpo.durationMs)} after the snapshot; ${rpo.keys.length} keys.</p>${table(['Key', 'What became of it'], rows)}${more(rpo.keys.length)}`;
}

function checks(all: readonly Check[]): string {
  if (all.length === 0) return '';
  const passed = all.filter((check) => check.passed).length;
  const rows = [...all]
    .sort((a, b) => Number(a.passed) - Number(b.passed))
    .map(
      ({ name, member, passed: isPassed, expected, observed }) =>
        `<tr${isPassed ? '' : ' class="bad"'}>${[isPassed ? 'pass' : 'FAIL', name, member ?? 'all', expected, observed].map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`,
    );
  return `<h2>Checks: ${passed} of ${all.length} passed</h2><table><tr><th></th><th>Check</th><th>Member</th><th>Expected</th><th>Seen</th></tr>${rows.join('\n')}</table>`;
}

function differences(report: DrillReport): string {
  const found = Object.entries(report.differences).filter(([, keys]) => keys.length > 0);
  return found
    .map(([member, keys]) => {
      const rows = keys.slice(0, shownLines).map(({ key, kind, fields }) => [key, kind, fields.join(', ')]);
      return `<h2>${escape(member)}: ${keys.length} keys differ</h2>${table(['Key', 'How', 'Fields'], rows)}${more(keys.length)}`;
    })
    .join('\n');
}

function more(count: number): string {
  return count > shownLines ? `<p>And ${count - shownLines} more, in report.json.</p>` : '';
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = header.length === 0 ? '' : `<tr>${header.map((cell) => `<th>${escape(cell)}</th>`).join('')}</tr>`;
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`);
  return `<table>${head}${body.join('\n')}</table>`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 100 ? 3 : 1)} s`;
}

/** Keys and logs of a cluster are anybody's: nothing of them may become markup. */
function escape(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
