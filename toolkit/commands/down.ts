/** `etcdlab down`: stops the members and keeps everything. */
import type { ListrTask } from 'listr2';
import { throwIfInterrupted } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import { addCommand, type CommonOptions, isNoLab, openLab, type RegisterCommand, withLock } from './cli.ts';

export const registerDown: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'down', 'stop the members; data and certificates stay', async (options) => {
    if (await isNoLab(cli, options)) return undefined;
    const lab = await openLab(cli, options);
    const context = { stopped: 0 };
    await withLock(lab.paths, 'down', () => cli.ui.runTasks(downTasks(lab, cli.signal), context));
    cli.ui.event({ event: 'finished', name: lab.name, changed: context.stopped > 0 });
    cli.ui.line();
    cli.ui.line(`Lab '${lab.name}' is down${context.stopped === 0 ? ' already: nothing changed' : ''}.`);
    return undefined;
  });
};

/**
 * @returns a task that stops one member after the other. A leader hands over before it stops: stopped together with
 * its followers, it would wait seven seconds for one of them to take over.
 */
export function downTasks(lab: Lab, signal: AbortSignal): ListrTask<{ stopped: number }>[] {
  return [
    {
      title: 'Stop the members',
      task: (context, task) =>
        task.newListr(
          lab.nodes.map(({ name, host }) => ({
            title: name,
            task: async (_, subtask) => {
              throwIfInterrupted(signal);
              const { state } = await host.service.status();
              if (state === 'stopped') {
                subtask.skip('is stopped');
                return;
              }
              await host.service.stop();
              context.stopped += 1;
            },
          })),
        ),
    },
  ];
}
