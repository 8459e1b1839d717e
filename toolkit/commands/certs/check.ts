/** `etcdlab certs check`: for monitoring. Also asks the live sockets. */
import { PkiStore } from '../../../pki/mod.ts';
import { ExitCode } from '../../errors.ts';
import { formatTable } from '../../output/table.ts';
import { authorityNames } from '../../provision/authority-names.ts';
import { type CertificateCheck, checkCertificates } from '../../provision/pki/check.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from '../cli.ts';
import { parseDurationOption } from './options.ts';
import { wrapReason } from './text.ts';

const dayMs = 86_400_000;

interface CheckOptions extends CommonOptions {
  readonly within?: number;
  readonly sockets: boolean;
}

const help = `
Exit codes: 0 all is well, 4 all works and something is due for renewal, 1 something is refused now, or will be at
the next connection or restart.`;

export const registerCheck: RegisterCommand = (certs, cli) => {
  addCommand<CheckOptions>(
    certs,
    cli,
    'check',
    'check files here and on the hosts, and what the members serve',
    (options) => check(cli, options),
  )
    .option(
      '--within <duration>',
      'what has less left is due, such as 14d (always: the last third)',
      parseDurationOption,
    )
    .option('--no-sockets', 'look at files only')
    .addHelpText('after', help);
};

async function check(cli: Cli, options: CheckOptions): Promise<number> {
  const lab = await openLab(cli, options);
  const checks = await checkCertificates(lab, new PkiStore(lab.paths.pki), {
    now: new Date(),
    withinMs: options.within,
    sockets: options.sockets,
  });

  const next = nextSteps(checks, options.within).map((command) => `try: ${command}`);
  const table = formatChecks(checks, (status, text) => paint(cli, status, text));
  cli.ui.listing([table, ...(next.length === 0 ? [] : ['', ...next])].join('\n'), checks);
  return exitCodeOf(checks);
}

/** @returns the worst of them */
export function exitCodeOf(checks: readonly CertificateCheck[]): ExitCode {
  if (checks.some(({ status }) => status === 'failed')) return ExitCode.failed;
  return checks.some(({ status }) => status === 'due') ? ExitCode.renewalDue : ExitCode.ok;
}

/** @returns the commands after which nothing is due any more */
function nextSteps(checks: readonly CertificateCheck[], withinMs: number | undefined): string[] {
  const due = checks.filter(({ status }) => status === 'due');
  if (due.some(({ place }) => place === 'rotation')) return ['etcdlab certs rotate-ca'];
  const files = due.filter(({ place }) => place === 'file').map(({ subject }) => subject);
  const isAuthority = (name: string): boolean => (authorityNames as readonly string[]).includes(name);
  const within = withinMs === undefined ? '' : ` --within ${formatDuration(withinMs)}`;
  return [
    ...files.filter(isAuthority).map((name) => `etcdlab certs rotate-ca ${name}`),
    ...(files.every(isAuthority) ? [] : [`etcdlab certs renew${within}`]),
  ];
}

/** @returns a duration as an option takes it */
function formatDuration(ms: number): string {
  return ms % dayMs === 0 ? `${ms / dayMs}d` : `${Math.ceil(ms / 1000)}s`;
}

function paint(cli: Cli, status: CertificateCheck['status'], text: string): string {
  return cli.ui.style(({ ok: 'green', due: 'yellow', failed: 'red' } as const)[status], text);
}

/** @param paintWord colours the status */
export function formatChecks(
  checks: readonly CertificateCheck[],
  paintWord: (status: CertificateCheck['status'], text: string) => string = (_, text) => text,
): string {
  const rows = checks.map(({ subject, status, daysLeft }) => [
    subject,
    paintWord(status, status),
    daysLeft === undefined ? '-' : `${daysLeft} d`,
  ]);
  const reasons = checks
    .filter(({ status }) => status !== 'ok')
    .flatMap(({ subject, found }) => wrapReason(subject, found));
  return [formatTable(['CHECK', 'STATUS', 'LEFT'], rows), ...(reasons.length === 0 ? [] : ['', ...reasons])].join('\n');
}
