/** `etcdlab support`: one archive for whoever helps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import { openClusterView } from '../provision/health/mod.ts';
import { preflight } from '../provision/preflight/mod.ts';
import { clusterStatus } from '../provision/status.ts';
import { collectSupport } from '../provision/support.ts';
import { archive } from './archive.ts';
import { addCommand, type Cli, type CommonOptions, describedLab, openLab, type RegisterCommand } from './cli.ts';
import { formatFindings } from './doctor.ts';
import { formatStatus } from './status.ts';

interface SupportOptions extends CommonOptions {
  readonly output?: string;
}

export const registerSupport: RegisterCommand = (program, cli) => {
  addCommand<SupportOptions>(
    program,
    cli,
    'support',
    'collect logs, configuration and findings into one archive, without secrets',
    (options) => support(cli, options),
  ).option('-o, --output <file>', 'the archive (default: etcdlab-support-NAME-TIME.tar.gz here)');
};

async function support(cli: Cli, options: SupportOptions): Promise<undefined> {
  const lab = await openLab(cli, options);
  const time = new Date().toISOString().replaceAll(/[-:]/g, '').slice(0, 15);
  const title = `etcdlab-support-${lab.name}-${time}`;
  const file = resolve(cli.io.workingDirectory, options.output ?? `${title}.tar.gz`);
  const scratch = await mkdtemp(join(tmpdir(), 'etcdlab-support-'));
  try {
    const extra = {
      'doctor.txt': await described(() => doctorText(cli, options)),
      'status.txt': await described(async () => {
        const view = openClusterView(lab);
        try {
          return formatStatus({ ...(await clusterStatus(lab.name, view)), engine: lab.state.engine });
        } finally {
          view.close();
        }
      }),
      'node.txt': `${process.version} ${process.platform} ${process.arch}\n`,
    };
    const files = await collectSupport(lab, join(scratch, title), extra);
    await archive(scratch, title, file);
    cli.ui.event({ event: 'finished', name: lab.name, file, files });
    cli.ui.line(
      `${file}: ${files.length} files, for you alone to read (0600). Keys and secrets are taken out; look through it before you pass it on.`,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function described(ask: () => Promise<string>): Promise<string> {
  return ask().catch((error: unknown) => `cannot be found out: ${messageOf(error)}`);
}

async function doctorText(cli: Cli, options: SupportOptions): Promise<string> {
  const { config, paths } = await describedLab(cli, options);
  return formatFindings(await preflight({ config, paths, now: new Date() }));
}
