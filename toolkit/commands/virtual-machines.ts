/** The part of `up` and `destroy` that only Vagrant has. */
import type { SshSettings } from '../provision/machines/node-states.ts';
import {
  type VagrantOptions,
  vagrantDestroy,
  vagrantDirectory,
  vagrantSshSettings,
  vagrantUp,
} from '../provision/machines/vagrant.ts';
import { type Cli, type CommonOptions, configPath } from './cli.ts';

export function vagrantOptions(cli: Cli, options: CommonOptions, labName: string): VagrantOptions {
  const labFile = configPath(cli, options);
  return { directory: vagrantDirectory(labFile), labFile, labName, signal: cli.signal };
}

/** @returns how to log in to each machine, by node */
export async function startVirtualMachines(
  cli: Cli,
  options: VagrantOptions,
): Promise<ReadonlyMap<string, SshSettings>> {
  const context = { found: new Map<string, SshSettings>() };
  await cli.ui.runTasks<typeof context>(
    [
      {
        title: 'Start the virtual machines',
        task: async (result, task) => {
          await vagrantUp(options, (line) => {
            task.output = line;
          });
          result.found = await vagrantSshSettings(options);
        },
      },
    ],
    context,
  );
  return context.found;
}

export async function removeVirtualMachines(cli: Cli, options: VagrantOptions): Promise<void> {
  await cli.ui.runTasks(
    [
      {
        title: 'Remove the virtual machines',
        task: (_, task) =>
          vagrantDestroy(options, (line) => {
            task.output = line;
          }),
      },
    ],
    {},
  );
}
