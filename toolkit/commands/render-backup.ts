/** `etcdlab render backup-service` and `backup-timer`: backups by systemd. */
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { renderBackupService, renderBackupTimer } from '../lab/backup-units.ts';
import { projectRoot } from '../lab/project.ts';
import { parseSettings, type RunOptions, withRunOptions } from './backup-run.ts';
import { namedStore } from './backup-stores.ts';
import { addCommand, type Cli, type CommonOptions, configPath, describedLab } from './cli.ts';

/** Adds the commands to `etcdlab render`. */
export function registerRenderBackup(group: Command, cli: Cli): void {
  const summary =
    'a unit of systemd that runs `etcdlab backup run`; put it at /etc/systemd/system/etcdlab-backup-LAB.service';
  withRunOptions(addCommand<RunOptions>(group, cli, 'backup-service', summary, (options) => service(cli, options)));
  addCommand<CommonOptions & { every: string }>(
    group,
    cli,
    'backup-timer',
    'a timer that starts it, rendered with --once, at intervals',
    (options) => timer(cli, options),
  ).option('--every <duration>', 'between two backups, such as 30m or 6h', '1h');
}

async function service(cli: Cli, options: RunOptions): Promise<undefined> {
  parseSettings(options);
  const { name, stateDirectory, config } = await describedLab(cli, options);
  const absolute = (file: string | undefined) => file && resolve(cli.io.workingDirectory, file);
  const store = options.store === undefined ? config.backups?.store : namedStore(cli, options.store);
  const folder = store?.kind === 'folder' ? store.path : undefined;
  const flags: [string, string | undefined][] = [
    ['--file', configPath(cli, options)],
    ['--name', name],
    ['--state-dir', stateDirectory],
    ['--every', options.every],
    ['--verify-level', options.verifyLevel],
    ['--keep', options.keep],
    ['--keep-hourly', options.keepHourly],
    ['--keep-daily', options.keepDaily],
    ['--keep-weekly', options.keepWeekly],
    ['--keep-monthly', options.keepMonthly],
    ['--metrics', options.metrics],
    ['--metrics-file', absolute(options.metricsFile)],
    ['--store', options.store === undefined ? undefined : (folder ?? options.store)],
    ['--identity-file', absolute(options.identityFile)],
  ];
  const once = options.once === true;
  const given = flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const command = [process.execPath, join(projectRoot, 'toolkit/main.ts'), 'backup', 'run', ...given];
  if (once) command.push('--once');
  const user = userInfo().username;
  cli.ui.raw(
    await renderBackupService({
      lab: name,
      user,
      command,
      writable: [stateDirectory, ...(folder === undefined ? [] : [folder])],
      once,
    }),
  );
}

async function timer(cli: Cli, options: CommonOptions & { every: string }): Promise<undefined> {
  const { everyMs } = parseSettings({ ...options, verifyLevel: '0' });
  const { name } = await describedLab(cli, options);
  cli.ui.raw(await renderBackupTimer(name, everyMs));
}
