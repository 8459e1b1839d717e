/** `etcdlab destroy`: asks, then removes a lab with all its data. */
import type { ListrTask } from 'listr2';
import { removeScratchLabs } from '../../drills/scratch/scratch-lab.ts';
import { removeLabFolder } from '../lab/state.ts';
import { destroyLab, labContents, leaveMachinesTask } from '../provision/destroy.ts';
import { addCommand, type Cli, type CommonOptions, isNoLab, locateLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { removeVirtualMachines, vagrantOptions } from './virtual-machines.ts';

interface DestroyOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly forget: readonly string[];
}

export const registerDestroy: RegisterCommand = (program, cli) => {
  addCommand<DestroyOptions>(
    program,
    cli,
    'destroy',
    'stop the members and remove the lab with all its data',
    (options) => destroy(cli, options),
  )
    .option('-y, --yes', 'do not ask')
    .option(
      '--forget <node>',
      'leave what is on the machine of this node, such as one that is gone; may be repeated',
      (name: string, names: readonly string[]) => [...names, name],
      [] as readonly string[],
    );
};

/** Removes a lab, or says that there is none. */
export async function destroy(cli: Cli, options: DestroyOptions): Promise<undefined> {
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
  const { lab, members } = contents;
  if (lab !== undefined) cli.opened.push(lab);
  for (const node of options.forget) if (lab !== undefined) lab.node(node);
  const removal = { title: `Remove ${paths.root}`, task: () => removeLabFolder(paths.root) };
  const tasks: ListrTask<object>[] =
    lab === undefined
      ? [{ title: `Stop the members and remove ${paths.root}`, task: () => destroyLab(paths, members) }]
      : // A machine that Vagrant removes takes everything with it.
        lab.state.provider === 'vagrant'
        ? [removal]
        : [leaveMachinesTask(lab, options.forget), removal];
  await withLock(paths, 'destroy', async () => {
    if (lab?.state.provider === 'vagrant') await removeVirtualMachines(cli, vagrantOptions(cli, options, name));
    // A drill that was killed may have left a cluster of its own running, in a folder that is removed now.
    await removeScratchLabs(paths.reports);
    await cli.ui.runTasks(tasks, {});
  });
  cli.ui.event({ event: 'finished', name, changed: true });
  cli.ui.line();
  cli.ui.line(`Lab '${name}' is gone.`);
}
