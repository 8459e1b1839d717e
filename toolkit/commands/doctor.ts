/** `etcdlab doctor`: every check of the machine, also those that are fine. */
import { ExitCode } from '../errors.ts';
import { KnownHosts } from '../hosts/ssh/host-keys.ts';
import type { LabConfig } from '../lab/config.ts';
import { type LabPaths, readState } from '../lab/state.ts';
import { nodeStates } from '../provision/machines/node-states.ts';
import { meetMachines, trustMachines } from '../provision/machines/trust.ts';
import { type Finding, preflight } from '../provision/preflight/mod.ts';
import {
  acceptNewHostKeys,
  addCommand,
  type Cli,
  type CommonOptions,
  describedLab,
  type RegisterCommand,
  withLock,
} from './cli.ts';

interface DoctorOptions extends CommonOptions {
  readonly engine?: string;
  readonly acceptNewHostKeys?: boolean;
}

export const registerDoctor: RegisterCommand = (program, cli) => {
  addCommand<DoctorOptions>(
    program,
    cli,
    'doctor',
    'check this machine and those of the lab; exit code 3 if up would be refused',
    (options) => doctor(cli, options),
  )
    .option('--engine <engine>', "'built-in', or the folder of upstream's binaries, instead of the one in the file")
    .option('--accept-new-host-keys', acceptNewHostKeys);
};

async function doctor(cli: Cli, options: DoctorOptions): Promise<number> {
  const overrides = options.engine === undefined ? {} : { engine: options.engine };
  const { config, paths } = await describedLab(cli, options, overrides);
  if (options.acceptNewHostKeys === true && config.provider === 'ssh') await trustNewMachines(config, paths);
  const findings = await preflight({ config, paths, now: new Date(), looksForEnded: true });
  cli.ui.listing(
    formatFindings(findings, (severity, text) => paint(cli, severity, text)),
    findings,
  );
  return findings.some((finding) => finding.severity === 'error') ? ExitCode.refused : ExitCode.ok;
}

/** Those that cannot be reached are among the findings. */
async function trustNewMachines(config: LabConfig, paths: LabPaths): Promise<void> {
  const knownHosts = new KnownHosts(paths.knownHostsFile);
  const { strangers } = await meetMachines(nodeStates(config, await readState(paths)), config.nodes, knownHosts);
  if (strangers.length > 0) await withLock(paths, 'doctor', () => trustMachines(strangers, knownHosts));
}

function paint(cli: Cli, severity: Finding['severity'], text: string): string {
  return cli.ui.style(({ ok: 'green', warning: 'yellow', error: 'red' } as const)[severity], text);
}

/** @param paintWord colours the severity */
export function formatFindings(
  findings: readonly Finding[],
  paintWord: (severity: Finding['severity'], text: string) => string = (_, text) => text,
): string {
  const lines = findings.flatMap(({ check, severity, subject, found, advice }) => {
    const word = paintWord(severity, severity.padEnd(7));
    const line = `${word}  ${check.padEnd(15)}  ${subject}: ${found}`;
    return advice === undefined ? [line] : [line, `${' '.repeat(26)}→ ${advice}`];
  });
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  const counted = (severity: Finding['severity']) =>
    `${count(severity)} ${severity}${count(severity) === 1 ? '' : 's'}`;
  return [...lines, '', `${findings.length} checks: ${counted('error')}, ${counted('warning')}`].join('\n');
}
