/** `etcdlab up`: from nothing, or from anything in between, to a healthy cluster. */
import { existsSync } from 'node:fs';
import { restoreAdvice } from '../../drills/backup/restore-advice.ts';
import { type UndoneDrill, undoInterruptedDrill } from '../../drills/engine/interrupted.ts';
import { PkiStore } from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import { KnownHosts } from '../hosts/ssh/host-keys.ts';
import type { LabConfig } from '../lab/config.ts';
import type { ConfigOverrides, EngineOverride } from '../lab/config-file.ts';
import { endEngineSwitch } from '../lab/engine-switch.ts';
import { Lab } from '../lab/lab.ts';
import { labNodes } from '../lab/nodes.ts';
import { type LabPaths, labPaths, type NodeState, readState } from '../lab/state.ts';
import { nodeStates } from '../provision/machines/node-states.ts';
import { installPackages } from '../provision/machines/packages.ts';
import { describeStrangers, meetMachines, refuseFailures, trustMachines } from '../provision/machines/trust.ts';
import { settleRotation } from '../provision/pki/rotation-journal.ts';
import { describeAction, newRehearsal, withCopyOfLab } from '../provision/rehearsal.ts';
import { type SideTask, sideBySide } from '../provision/side-by-side.ts';
import { newUpContext, upTasks } from '../provision/up.ts';
import { authorityPassphrase } from './certs/options.ts';
import {
  acceptNewHostKeys,
  addCommand,
  type Cli,
  type CommonOptions,
  describedLab,
  type RegisterCommand,
  withLock,
} from './cli.ts';
import { confirm } from './confirm.ts';
import { tellUndone } from './undone-drill.ts';
import { startVirtualMachines, vagrantOptions } from './virtual-machines.ts';

interface UpOptions extends CommonOptions {
  readonly engine?: EngineOverride;
  readonly acceptNewHostKeys?: boolean;
  readonly dryRun?: boolean;
  readonly installPackages?: boolean;
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
    .option('--dry-run', 'show every command and file for each machine, and change nothing there')
    .option('--install-packages', 'install on the machines what they lack, by apt')
    .option('--accept-new-host-keys', acceptNewHostKeys);
};

async function up(cli: Cli, options: UpOptions): Promise<undefined> {
  if (options.dryRun === true) return dryRun(cli, options);
  await bringUp(cli, options);
  const { ui } = cli;
  ui.line();
  ui.line('  etcdlab status                 who leads, and how everybody is');
  ui.line('  etcdlab ctl put greeting hi    etcdctl with endpoints and certificates set');
  ui.line('  eval "$(etcdlab env)"          the same for etcdctl in this shell');
  ui.line('  etcdlab down                   stop the members; up starts them again');
}

/**
 * Brings the lab up, or repairs it, and says so. A drill that was interrupted is undone first.
 * @param endsSwitch a switch of the engine is over then; false: its caller says when
 */
export async function bringUp(cli: Cli, options: UpOptions, { endsSwitch = true } = {}): Promise<void> {
  const { config, stateDirectory, paths } = await describedLab(cli, options, overridesOf(options));
  const startedAt = performance.now();
  const context = newUpContext();
  await withLock(paths, 'up', async () => {
    tellUndone(cli, await undoDrill(stateDirectory, config.name));
    const underWay = await settleRotation(new PkiStore(paths.pki));
    if (underWay !== undefined) cli.ui.warning(underWay);
    const passphrase = authorityPassphrase(cli, {}, { mayAsk: false });
    const nodes = config.provider === 'local' ? undefined : await findMachines(cli, options, config, paths);
    try {
      const signal = cli.signal;
      const tasks = upTasks({ config, stateDirectory, paths, nodes, passphrase, signal, restoreAdvice });
      await cli.ui.runTasks(tasks, context);
      if (endsSwitch) await endEngineSwitch(paths);
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
  cli.ui.line(`Clients reach it at ${endpoints.join(', ')}`);
}

/** Machines that can be logged in to, with what `up` needs on them if that was asked for. */
async function findMachines(
  cli: Cli,
  options: UpOptions,
  config: LabConfig,
  paths: LabPaths,
): Promise<readonly NodeState[]> {
  const before = await readState(paths);
  const isVagrant = config.provider === 'vagrant';
  const found = isVagrant ? await startVirtualMachines(cli, vagrantOptions(cli, options, config.name)) : undefined;
  const nodes = nodeStates(config, before, found);
  await meetHosts(cli, options, config, nodes, paths);
  if (isVagrant || options.installPackages === true) await installAll(cli, config, nodes, paths);
  return nodes;
}

async function installAll(cli: Cli, config: LabConfig, states: readonly NodeState[], paths: LabPaths): Promise<void> {
  const nodes = labNodes({ provider: config.provider, engine: config.engine, nodes: [...states] }, paths);
  const subtasks = nodes.map(
    (node): SideTask<object> => ({
      title: node.name,
      task: async (_, task) => {
        const installed = await installPackages(node);
        if (installed.length === 0) task.skip('nothing is missing');
        else task.output = installed.join(', ');
      },
    }),
  );
  try {
    const title = 'Install what is missing on the machines';
    await cli.ui.runTasks(
      [{ title, task: (_, task) => task.newListr(sideBySide(subtasks), { concurrent: true }) }],
      {},
    );
  } finally {
    await Promise.all(nodes.map((node) => node.host.close()));
  }
}

/** Shows what `up` would do to each machine. */
async function dryRun(cli: Cli, options: UpOptions): Promise<undefined> {
  const { config, paths } = await describedLab(cli, options, overridesOf(options));
  if (config.provider !== 'ssh') {
    throw new LabError('LAB_NOT_SUPPORTED', '--dry-run is for machines: provider ssh', {
      advice: 'etcdlab doctor checks this machine and changes nothing',
    });
  }
  const rehearsal = newRehearsal();
  const context = newUpContext();
  await withCopyOfLab(paths, async (stateDirectory, copy) => {
    const nodes = nodeStates(config, await readState(copy));
    await meetHosts(cli, options, config, nodes, copy);
    try {
      const passphrase = authorityPassphrase(cli, {}, { mayAsk: false });
      const signal = cli.signal;
      const tasks = upTasks({ config, stateDirectory, paths: copy, nodes, rehearsal, passphrase, signal });
      await cli.ui.runTasks(tasks, context);
    } finally {
      await context.lab?.close();
    }
  });
  const { ui } = cli;
  for (const { name, planned } of rehearsal.hosts) {
    ui.event({ event: 'planned', node: name, actions: planned });
    ui.line();
    ui.line(ui.style('bold', `${name}: ${planned.length === 0 ? 'nothing to do' : `${planned.length} actions`}`));
    for (const action of planned) ui.line(`  ${describeAction(action)}`);
  }
  ui.line();
  ui.line('Nothing was changed. The certificates of this run are thrown away; up issues others like them.');
}

function overridesOf({ engine }: UpOptions): ConfigOverrides {
  return engine === undefined ? {} : { engine };
}

/** Nothing is sent to a machine whose host key nobody has vouched for. */
async function meetHosts(
  cli: Cli,
  options: UpOptions,
  config: LabConfig,
  nodes: readonly NodeState[],
  paths: LabPaths,
): Promise<void> {
  const knownHosts = new KnownHosts(paths.knownHostsFile);
  const { strangers, failures } = await meetMachines(nodes, config.nodes, knownHosts);
  refuseFailures(failures);
  if (strangers.length === 0) return;
  const lines = describeStrangers(strangers);
  // Vagrant has just made its machines, on this one: nobody else can answer there yet.
  if (options.acceptNewHostKeys !== true && config.provider !== 'vagrant') {
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

async function undoDrill(stateDirectory: string, name: string): Promise<UndoneDrill | undefined> {
  if (!existsSync(labPaths(stateDirectory, name).stateFile)) return undefined;
  const lab = await Lab.open(stateDirectory, name);
  try {
    return await undoInterruptedDrill(lab);
  } finally {
    await lab.close();
  }
}
