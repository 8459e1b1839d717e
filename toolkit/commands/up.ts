/** `etcdlab up`: from nothing, or from anything in between, to a healthy cluster. */
import { existsSync } from 'node:fs';
import { drillUndone, undoInterruptedDrill } from '../../drills/engine/runner.ts';
import { LabError } from '../errors.ts';
import { Lab } from '../lab/lab.ts';
import { labPaths } from '../lab/state.ts';
import { newUpContext, upTasks } from '../provision/up.ts';
import { addCommand, type Cli, type CommonOptions, describedLab, type RegisterCommand, withLock } from './cli.ts';

interface UpOptions extends CommonOptions {
  readonly engine?: string;
}

export const registerUp: RegisterCommand = (program, cli) => {
  addCommand<UpOptions>(
    program,
    cli,
    'up',
    'bring the lab up, or repair it; changes nothing if all is well',
    (options) => up(cli, options),
  ).option('--engine <engine>', "'built-in', or the folder of upstream's binaries, instead of the one in the file");
};

async function up(cli: Cli, options: UpOptions): Promise<undefined> {
  await bringUp(cli, options);
  const { ui } = cli;
  ui.line();
  ui.line('  etcdlab status                 who leads, and how everybody is');
  ui.line('  etcdlab ctl put greeting hi    etcdctl with endpoints and certificates set');
  ui.line('  eval "$(etcdlab env)"          the same for etcdctl in this shell');
  ui.line('  etcdlab down                   stop the members; up starts them again');
}

/** Brings the lab up, or repairs it, and says so. A drill that was interrupted is undone first. */
export async function bringUp(cli: Cli, options: UpOptions): Promise<void> {
  const overrides = options.engine === undefined ? {} : { engine: options.engine };
  const { config, stateDirectory, paths } = await describedLab(cli, options, overrides);
  if (config.provider !== 'local') {
    throw new LabError('LAB_NOT_YET', `provider '${config.provider}' is not there yet`, {
      advice: 'use provider: local, which runs the members as processes of this machine',
    });
  }
  const startedAt = performance.now();
  const context = newUpContext();
  await withLock(paths, 'up', async () => {
    if (await undoDrill(stateDirectory, config.name)) {
      cli.ui.warning(drillUndone);
    }
    await cli.ui.runTasks(upTasks({ config, stateDirectory, paths, signal: cli.signal }), context);
  });
  for (const { subject, found, advice } of context.warnings) cli.ui.warning(`${subject}: ${found} (${advice})`);
  const durationMs = Math.round(performance.now() - startedAt);
  const endpoints = context.lab?.endpoints() ?? [];
  cli.ui.event({ event: 'finished', name: config.name, changed: context.changed, endpoints, durationMs });
  const what = context.changed
    ? `is up and healthy after ${(durationMs / 1000).toFixed(1)} s`
    : 'was up and healthy: nothing changed';
  cli.ui.line();
  cli.ui.line(cli.ui.style('bold', `Lab '${config.name}' (${endpoints.length} members) ${what}.`));
}

async function undoDrill(stateDirectory: string, name: string): Promise<boolean> {
  if (!existsSync(labPaths(stateDirectory, name).stateFile)) return false;
  return undoInterruptedDrill(await Lab.open(stateDirectory, name));
}
