/** `etcdlab up`: from nothing, or from anything in between, to a healthy cluster. */
import { existsSync } from 'node:fs';
import { drillUndone, undoInterruptedDrill } from '../../drills/engine/runner.ts';
import { PkiStore } from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import { KnownHosts } from '../hosts/ssh/host-keys.ts';
import type { LabConfig } from '../lab/config.ts';
import { Lab } from '../lab/lab.ts';
import { type LabPaths, labPaths } from '../lab/state.ts';
import { nodeStates } from '../provision/machines/node-states.ts';
import { describeStrangers, meetMachines, trustMachines } from '../provision/machines/trust.ts';
import { settleRotation } from '../provision/pki/rotation-journal.ts';
import { newUpContext, upTasks } from '../provision/up.ts';
import { authorityPassphrase } from './certs/options.ts';
import { addCommand, type Cli, type CommonOptions, describedLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';

interface UpOptions extends CommonOptions {
  readonly engine?: string;
  readonly acceptNewHostKeys?: boolean;
}

export const registerUp: RegisterCommand = (program, cli) => {
  addCommand<UpOptions>(
    program,
    cli,
    'up',
    'bring the lab up, or repair it; changes nothing if all is well',
    (options) => up(cli, options),
  )
    .option('--engine <engine>', "'built-in', or the folder of upstream's binaries, instead of the one in the file")
    .option('--accept-new-host-keys', 'trust the SSH host keys of machines that were never met before');
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
  if (config.provider === 'vagrant') {
    throw new LabError('LAB_NOT_YET', "provider 'vagrant' is not there yet", {
      advice: 'use provider: ssh for machines that Vagrant has brought up',
    });
  }
  const startedAt = performance.now();
  const context = newUpContext();
  await withLock(paths, 'up', async () => {
    if (await undoDrill(stateDirectory, config.name)) {
      cli.ui.warning(drillUndone);
    }
    const underWay = await settleRotation(new PkiStore(paths.pki));
    if (underWay !== undefined) cli.ui.warning(underWay);
    const passphrase = authorityPassphrase(cli, {}, { mayAsk: false });
    if (config.provider === 'ssh') await meetHosts(cli, options, config, paths);
    try {
      await cli.ui.runTasks(upTasks({ config, stateDirectory, paths, passphrase, signal: cli.signal }), context);
    } finally {
      if (context.lab !== undefined) cli.opened.push(context.lab);
    }
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

/** Nothing is sent to a machine whose host key nobody has vouched for. */
async function meetHosts(cli: Cli, options: UpOptions, config: LabConfig, paths: LabPaths): Promise<void> {
  const knownHosts = new KnownHosts(paths.knownHostsFile);
  const strangers = await meetMachines(nodeStates(config), config.nodes, knownHosts);
  if (strangers.length === 0) return;
  const lines = describeStrangers(strangers);
  if (options.acceptNewHostKeys !== true) {
    const question = {
      action: `These machines are met for the first time. Compare with what \`ssh-keygen -lf\` says on each:\n${lines.map((line) => `  ${line}`).join('\n')}\nTheir host keys are trusted from now on`,
      word: 'yes',
      command: 'etcdlab up --accept-new-host-keys, or name them in lab.yaml (hostKey)',
    };
    await confirm(cli, question);
  }
  await trustMachines(strangers, knownHosts);
  cli.ui.event({ event: 'host-keys-trusted', hosts: lines });
}

async function undoDrill(stateDirectory: string, name: string): Promise<boolean> {
  if (!existsSync(labPaths(stateDirectory, name).stateFile)) return false;
  const lab = await Lab.open(stateDirectory, name);
  try {
    return await undoInterruptedDrill(lab);
  } finally {
    await lab.close();
  }
}
