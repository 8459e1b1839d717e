/** The report for people. */
import { recoveryParts } from '../engine/context.ts';
import { describeCompaction } from '../verification/words.ts';
import type { DrillReport, ReportedDifference } from './report-schema.ts';

/** Lines of a list that are shown; report.json has them all. */
const shownLines = 10;

const titles: Record<DrillReport['result'], string> = {
  passed: 'PASSED: every check below was carried out, and holds',
  failed: 'FAILED: at least one check does not hold',
  inconclusive: 'INCONCLUSIVE: the drill could not be carried through, so nothing is proved',
};

/** Renders a report as Markdown. */
export function renderMarkdown(report: DrillReport): string {
  const sections = [
    head(report),
    recovery(report),
    watching(report),
    checks(report),
    differences(report),
    members(report),
    timeline(report),
    snapshot(report),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function head(report: DrillReport): string {
  const lines = [
    `# ${report.title}`,
    '',
    `**${titles[report.result]}.**`,
    '',
    table(
      ['', ''],
      [
        ['Drill', report.drill],
        ['Run', report.runId],
        ['Lab', `${report.lab}, engine ${report.engine}`],
        ['Started', report.startedAt],
        ['Took', seconds(report.durationMs)],
      ],
    ),
    '',
    report.teaches,
  ];
  if (report.error !== undefined) lines.push('', 'What went wrong:', '', '```', report.error, '```');
  for (const [name, path] of Object.entries(report.keptData ?? {})) {
    lines.push('', `The data of ${name} from before the drill was kept: \`${path}\``);
  }
  return lines.join('\n');
}

function recovery({ result, rto, rpo }: DrillReport): string {
  const lines: string[] = [];
  if (rto !== undefined) {
    lines.push(
      '## Time to recovery (RTO)',
      '',
      `All members healthy **${seconds(rto.healthyMs)}** after the disaster; ${
        result === 'passed' ? `the restore proved after ${seconds(rto.provenMs)}` : 'the restore was not proved'
      }.`,
      '',
      table(
        ['Part', 'Time'],
        recoveryParts.flatMap((part) => (rto.parts[part] === undefined ? [] : [[part, seconds(rto.parts[part])]])),
      ),
      '',
      table(
        ['Step', 'Time'],
        rto.byStep.map(({ title, durationMs }) => [title, seconds(durationMs)]),
      ),
    );
  }
  if (rpo !== undefined) {
    lines.push(
      ...(lines.length > 0 ? [''] : []),
      '## Data lost by restoring this snapshot (RPO)',
      '',
      `**${rpo.revisions} revisions**, written within ${seconds(rpo.durationMs)} after the snapshot. Keys concerned: ${rpo.keys.length}.`,
      '',
      ...losses.flatMap(({ kind, title }) => {
        const keys = rpo.keys.filter((each) => each.kind === kind);
        return keys.length === 0
          ? []
          : [`${title} (${keys.length}):`, '', ...list(keys.map(({ key }) => `\`${key}\``)), ''];
      }),
    );
  }
  return lines.join('\n').trimEnd();
}

function watching({ watches }: DrillReport): string {
  return watches === undefined ? '' : `## Clients that watched before\n\n${describeWatches(watches)}`;
}

/** @returns what whoever runs such clients has to know and do */
export function describeWatches({ heldRevision, outcome, missed }: NonNullable<DrillReport['watches']>): string {
  if (outcome === 'cancelled') {
    return `A watch that had been told of revision ${heldRevision} is cancelled as compacted when it goes on: its client notices, and reads anew.`;
  }
  if (outcome === 'unknown') return 'What becomes of them could not be found out on every member.';
  if (missed === undefined) return `A watch that had been told of revision ${heldRevision} goes on and misses nothing.`;
  return `**A watch that had been told of revision ${heldRevision} goes on without a word, and misses revisions ${missed.from} to ${missed.to}**, which are given to new writes. Restart such clients, or restore with a raised revision (\`restore-all-members: { bumpRevision: … }\`, \`etcdlab restore --bump-revision\`).`;
}

/** Seen from the state before the disaster, in the words of somebody who looks for a key. */
const losses: { kind: ReportedDifference['kind']; title: string }[] = [
  { kind: 'unexpected', title: 'Created after the snapshot, lost' },
  { kind: 'changed', title: 'Overwritten after the snapshot, back at the older value' },
  { kind: 'missing', title: 'Deleted after the snapshot, back again' },
];

function checks({ checks: all }: DrillReport): string {
  if (all.length === 0) return '';
  const rows = all.map(({ name, member, passed, expected, observed }) => [
    passed ? 'pass' : '**FAIL**',
    name,
    member ?? 'all',
    expected,
    observed,
  ]);
  const passed = all.filter((check) => check.passed).length;
  return `## Checks: ${passed} of ${all.length} passed\n\n${table(['', 'Check', 'Member', 'Expected', 'Seen'], rows)}`;
}

function differences(report: DrillReport): string {
  const found = Object.entries(report.differences).filter(([, keys]) => keys.length > 0);
  if (found.length === 0) return '';
  const parts = found.map(([member, keys]) =>
    [`### ${member}: ${keys.length} keys`, '', ...list(keys.map(describeDifference))].join('\n'),
  );
  return ['## Keys that differ', ...parts].join('\n\n');
}

function describeDifference({ key, kind, fields, expected, observed }: ReportedDifference): string {
  if (kind !== 'changed') return `\`${key}\` ${kind}`;
  const changes = fields.map((field) => `${field} ${expected?.[field]} → ${observed?.[field]}`);
  return `\`${key}\` changed: ${changes.join(', ')}`;
}

function members({ members: all }: DrillReport): string {
  if (all === undefined) return '';
  const rows = all.map((each) => [
    each.name,
    each.memberId ?? '?',
    each.clusterId ?? '?',
    each.leader ?? '?',
    String(each.revision ?? '?'),
    String(each.hashKv ?? '?'),
    String(each.keys ?? '?'),
    String(each.leases ?? '?'),
  ]);
  return `## Members after the restore\n\n${table(['Member', 'ID', 'Cluster ID', 'Leader', 'Revision', 'HashKV', 'Keys', 'Leases'], rows)}`;
}

function timeline({ timeline: entries }: DrillReport): string {
  const rows = entries.map(({ phase, title, startedAt, durationMs, outcome, summary }) => [
    startedAt.slice(11, 23),
    phase,
    title,
    seconds(durationMs),
    outcome === 'done' ? summary : `**${outcome}**: ${summary}`,
  ]);
  return `## Timeline\n\n${table(['UTC', 'Phase', 'Step', 'Time', 'Result'], rows)}`;
}

function snapshot({ snapshot: manifest }: DrillReport): string {
  if (manifest === undefined) return '';
  return [
    '## Snapshot',
    '',
    table(
      ['', ''],
      [
        ['File', manifest.file],
        ['SHA-256', manifest.sha256],
        ['Size', `${manifest.sizeBytes} bytes`],
        ['Taken from', `${manifest.takenFrom}, etcd ${manifest.serverVersion}, cluster ${manifest.clusterId}`],
        ['Revision', `${manifest.revision}, ${describeCompaction(manifest.compactRevision)}`],
        ['HashKV', String(manifest.hashKv)],
        ['Keys', String(manifest.keys)],
        ...(manifest.leases === undefined ? [] : [['Leases', String(manifest.leases)]]),
      ],
    ),
  ].join('\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', '<br>')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(lines: readonly string[]): string[] {
  const shown = lines.slice(0, shownLines).map((line) => `- ${line}`);
  return lines.length > shownLines ? [...shown, `- and ${lines.length - shownLines} more, in report.json`] : shown;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 100 ? 3 : 1)} s`;
}
