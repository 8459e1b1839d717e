/** `etcdlab logs`: the members' logs, as they wrote them, or shortened for people. */
import { InvalidArgumentError } from 'commander';
import type { LabNode } from '../lab/nodes.ts';
import { formatLogLine } from '../provision/health/mod.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly lines: number;
  readonly readable?: boolean;
}

const defaultLines = 50;
const maxLines = 100_000;

export const registerLogs: RegisterCommand = (program, cli) => {
  addCommand<LogsOptions>(program, cli, 'logs [node]', "show a member's log, or those of all", (options, args) =>
    logs(cli, options, args[0]),
  )
    .option('-f, --follow', 'go on as lines are written, until interrupted')
    .option('-n, --lines <count>', 'how many lines from the end', parseLines, defaultLines)
    .option('-r, --readable', "time, level, message and fields, in the place of etcd's JSON");
};

function parseLines(text: string): number {
  const lines = Number(text);
  if (/^[0-9]+$/.test(text) && lines <= maxLines) return lines;
  throw new InvalidArgumentError(`It must be a number from 0 to ${maxLines}.`);
}

async function logs(cli: Cli, options: LogsOptions, name: string | undefined): Promise<undefined> {
  const lab = await openLab(cli, options);
  const nodes = name === undefined ? lab.nodes : [lab.node(name)];
  const width = Math.max(...nodes.map((node) => node.name.length));
  const write = (node: LabNode, written: string) => {
    const line = options.readable === true ? formatLogLine(written) : written;
    if (cli.ui.mode === 'json') cli.ui.raw(`${JSON.stringify({ node: node.name, line })}\n`);
    else cli.ui.raw(nodes.length === 1 ? `${line}\n` : `${node.name.padEnd(width)} | ${line}\n`);
  };
  if (!options.follow) {
    for (const node of nodes) for (const line of await node.host.service.logTail(options.lines)) write(node, line);
    return;
  }
  await Promise.all(
    nodes.map(async (node) => {
      for await (const line of node.host.service.followLog(options.lines, cli.signal)) write(node, line);
    }),
  );
}
