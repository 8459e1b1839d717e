/** `etcdlab drill selftest`: whether the checks themselves find what is wrong. */
import { BackupStore } from '../../drills/backup/backup-store.ts';
import { tryDamagedBackups } from '../../drills/backup/selftest.ts';
import { tryMutants } from '../../drills/verification/mutants.ts';
import { ExitCode } from '../errors.ts';
import { formatTable } from '../output/table.ts';
import { type Cli, type CommonOptions, openLab } from './cli.ts';

/** Judges evidence in which one thing is wrong, and damaged copies of the newest backup, if there is one. */
export async function selftest(cli: Cli, options: CommonOptions): Promise<ExitCode> {
  const lab = await openLab(cli, options);
  const [newest] = await new BackupStore(lab.paths.backups).list();
  const ofBackups =
    newest === undefined
      ? []
      : await tryDamagedBackups(newest, {
          engine: lab.state.engine,
          workFolder: lab.paths.reports,
          signal: cli.signal,
        });
  const trials = [...tryMutants(), ...ofBackups];
  const missed = trials.filter(({ caught }) => !caught);
  const rows = trials.map(({ wrong, foundBy, caught }) => [caught ? 'caught' : 'MISSED', foundBy, wrong]);
  cli.ui.listing(formatTable(['', 'BY', 'WHAT IS WRONG'], rows), trials);
  if (newest === undefined) cli.ui.line('There is no backup whose copies could be damaged: etcdlab backup create');
  cli.ui.line(`${trials.length - missed.length} of ${trials.length} as they must be.`);
  return missed.length === 0 ? ExitCode.ok : ExitCode.failed;
}
