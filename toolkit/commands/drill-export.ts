/** `etcdlab drill export`: the evidence of one run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assembleBundle, findRun } from '../../drills/report/evidence-bundle.ts';
import { archive } from './archive.ts';
import { type Cli, type CommonOptions, openLab } from './cli.ts';

export interface ExportOptions extends CommonOptions {
  readonly output?: string;
}

/** @throws LabError LAB_USAGE when there is no such run, LAB_SUPPORT when the archive cannot be written */
export async function exportRun(cli: Cli, options: ExportOptions, name: string | undefined): Promise<undefined> {
  const { paths } = await openLab(cli, options);
  const run = await findRun(paths.reports, name);
  const title = path.basename(run);
  const file = path.resolve(cli.io.workingDirectory, options.output ?? `${title}.tar.gz`);
  const scratch = await mkdtemp(path.join(tmpdir(), 'etcdlab-export-'));
  try {
    const files = await assembleBundle(run, path.join(scratch, title));
    await archive(scratch, title, file);
    cli.ui.event({ event: 'finished', run: title, file, files });
    cli.ui.line(`${file}: ${files.length} files, with their SHA-256 in SHA256SUMS; for you alone to read (0600).`);
    if (options.output === undefined) cli.ui.line('(--output FILE puts it elsewhere.)');
    cli.ui.line('It names keys of the cluster and holds none of their values. Keys and passwords are taken out.');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
