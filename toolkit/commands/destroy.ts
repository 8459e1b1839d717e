/** `etcdlab destroy`: asks, then removes a lab with all its data. */
import { destroyLab, labContents } from '../provision/destroy.ts';
import { addCommand, type Cli, type CommonOptions, isNoLab, locateLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';

interface DestroyOptions extends CommonOptions {
  readonly yes?: boolean;
}

export const registerDestroy: RegisterCommand = (program, cli) => {
  addCommand<DestroyOptions>(
    program,
    cli,
    'destroy',
    'stop the members and remove the lab with all its data',
    (options) => destroy(cli, options),
  ).option('-y, --yes', 'do not ask');
};

async function destroy(cli: Cli, options: DestroyOptions): Promise<undefined> {
  const { name, paths } = await locateLab(cli, options);
  if (await isNoLab(cli, options)) return undefined;
  const contents = await labContents(paths);
  if (options.yes !== true) {
    const { members, backups, reports } = contents;
    await confirm(cli, {
      action: `Lab '${name}' is removed: ${members.length} members with their data, the certificates, ${backups} backups, ${reports} reports`,
      word: name,
      command: 'etcdlab destroy --yes',
    });
  }
  await withLock(paths, 'destroy', () =>
    cli.ui.runTasks(
      [{ title: `Stop the members and remove ${paths.root}`, task: () => destroyLab(paths, contents.members) }],
      {},
    ),
  );
  cli.ui.event({ event: 'finished', name, changed: true });
  cli.ui.line();
  cli.ui.line(`Lab '${name}' is gone.`);
}
