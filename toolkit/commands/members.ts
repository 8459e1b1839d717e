/** `etcdlab stop|start|restart NODE` and `cut|heal NODE`: one member at a time, by hand. */
import type { ListrTask } from 'listr2';
import { throwIfInterrupted } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/nodes.ts';
import { openClusterView, waitUntilHealthy } from '../provision/health/mod.ts';
import { clusterStatus, missingMajority } from '../provision/status.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand, withLock } from './cli.ts';

interface CutOptions extends CommonOptions {
  readonly from: readonly string[];
}

export const registerStop: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'stop <node>', 'stop one member', (options, [name = '']) =>
    onNode(cli, options, 'stop', name, async ({ nodes }, { host }) => {
      const { state } = await host.service.status();
      await host.service.stop();
      return [state === 'stopped' ? 'was stopped already' : 'is stopped', ...(await majorityLeft(nodes))].join('; ');
    }),
  );
};

export const registerStart: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'start <node>', 'start one member', (options, [name = '']) =>
    onNode(cli, options, 'start', name, start),
  );
};

export const registerRestart: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(
    program,
    cli,
    'restart <node>',
    'stop one member and start it again',
    (options, [name = '']) =>
      onNode(cli, options, 'restart', name, async (lab, node, progress, signal) => {
        await lab.requireData(name);
        await node.host.service.stop();
        return start(lab, node, progress, signal);
      }),
  );
};

export const registerCut: RegisterCommand = (program, cli) => {
  addCommand<CutOptions>(
    program,
    cli,
    'cut <node>',
    'let no packet pass between a member and the others; clients still reach it',
    (options, [name = '']) =>
      onNode(cli, options, 'cut', name, async (lab, node) => {
        await (options.from.length === 0 ? lab.cut(name) : lab.cut(name, options.from));
        const addresses = await node.host.cutFrom();
        const names = lab.nodes.filter(({ address }) => addresses.includes(address)).map((other) => other.name);
        return `is cut off from ${names.join(', ')}; etcdlab heal ${name} takes it back`;
      }),
  ).option(
    '--from <node>',
    'only from this one; may be repeated',
    (name: string, names: readonly string[]) => [...names, name],
    [] as readonly string[],
  );
};

export const registerHeal: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'heal <node>', 'take a cut back', (options, [name = '']) =>
    onNode(cli, options, 'heal', name, async (_, { host }) => {
      const addresses = await host.cutFrom();
      await host.heal();
      return addresses.length === 0 ? 'was not cut off' : 'is reached again';
    }),
  );
};

/** @returns that there is no majority any more; nothing while somebody cannot be asked, or when all are stopped */
async function majorityLeft(nodes: readonly LabNode[]): Promise<string[]> {
  const states = await Promise.allSettled(nodes.map(({ host }) => host.service.status()));
  if (states.some(({ status }) => status === 'rejected')) return [];
  const running = states.filter((each) => each.status === 'fulfilled' && each.value.state === 'running').length;
  return running === 0 ? [] : missingMajority(running, nodes.length, 'run');
}

/** @returns what the member is now; when all run, only once the cluster is healthy */
async function start(lab: Lab, { name }: LabNode, progress: (text: string) => void, signal?: AbortSignal) {
  await lab.start(name);
  const view = openClusterView(lab);
  try {
    const { members } = await clusterStatus(lab.name, view);
    const down = members.filter(({ process }) => process !== 'running').map(({ node }) => node);
    if (down.length > 0) return `is started; ${down.join(', ')} ${down.length === 1 ? 'is' : 'are'} down`;
  } finally {
    view.close();
  }
  await waitUntilHealthy(lab, { signal, onReason: (reason) => progress(`not yet: ${reason}`) });
  return `is started, and the cluster is healthy (${name})`;
}

type NodeAction = (lab: Lab, node: LabNode, progress: (text: string) => void, signal: AbortSignal) => Promise<string>;

async function onNode(
  cli: Cli,
  options: CommonOptions,
  verb: string,
  name: string,
  action: NodeAction,
): Promise<undefined> {
  const lab = await openLab(cli, options);
  const node = lab.node(name);
  const result = { text: '' };
  const step: ListrTask<typeof result> = {
    title: `${verb[0]?.toUpperCase()}${verb.slice(1)} ${name}`,
    task: async (context, task) => {
      throwIfInterrupted(cli.signal);
      context.text = await action(
        lab,
        node,
        (text) => {
          task.output = text;
        },
        cli.signal,
      );
    },
  };
  await withLock(lab.paths, verb, () => cli.ui.runTasks([step], result));
  cli.ui.event({ event: 'finished', name: lab.name, node: name, result: result.text });
  cli.ui.line();
  cli.ui.line(`${name} ${result.text}.`);
  return undefined;
}
