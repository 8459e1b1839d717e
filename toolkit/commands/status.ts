/** `etcdlab status`: what every member says of itself, and what is wrong. */
import { ExitCode } from '../errors.ts';
import type { EngineConfig } from '../lab/config.ts';
import { formatSize, formatTable } from '../output/table.ts';
import { openClusterView } from '../provision/health/mod.ts';
import { type ClusterStatus, clusterStatus, type MemberStatus } from '../provision/status.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

export const registerStatus: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'status', 'show every member; exit code 1 unless all is well', (options) =>
    status(cli, options),
  );
};

async function status(cli: Cli, options: CommonOptions): Promise<number> {
  const lab = await openLab(cli, options);
  const view = openClusterView(lab);
  try {
    const result = { ...(await clusterStatus(lab.name, view)), engine: lab.state.engine };
    cli.ui.listing(
      formatStatus(result, (healthy, text) => cli.ui.style(healthy ? 'green' : 'red', text)),
      result,
    );
    return result.healthy ? ExitCode.ok : ExitCode.failed;
  } finally {
    view.close();
  }
}

/** @param paint colours a word as good or bad */
export function formatStatus(
  { name, healthy, members, problems, engine }: ClusterStatus & { readonly engine?: EngineConfig },
  paint: (healthy: boolean, text: string) => string = (_, text) => text,
): string {
  // No wider than a terminal of 80 columns: --json has the rest.
  const header = ['NODE', 'PROCESS', 'ROLE', 'MEMBER ID', 'SIZE', 'REVISION', 'ENDPOINT'];
  const table = formatTable(
    header,
    members.map((member) => row(member, paint)),
  );
  const verdict = paint(healthy, healthy ? 'healthy' : 'NOT healthy');
  const versions = [...new Set(members.flatMap(({ report }) => report?.version ?? []))].join(' and ');
  const runs = [engine?.kind, versions].filter((word) => word).join(', ');
  const first = `Lab '${name}' is ${verdict}.${runs === '' ? '' : ` Engine: ${runs}.`}`;
  return [first, '', table, ...(problems.length > 0 ? ['', ...problems] : [])].join('\n');
}

function row(member: MemberStatus, paint: (healthy: boolean, text: string) => string): string[] {
  const { node, process, pid, endpoint, report } = member;
  const state = process === 'running' && pid !== undefined ? `pid ${pid}` : process;
  const cells =
    report === undefined
      ? ['-', '-', '-', '-']
      : [report.role, report.memberId, formatSize(report.dbSizeBytes), String(report.revision)];
  return [node, paint(process === 'running', state), ...cells, endpoint.replace('https://', '')];
}
