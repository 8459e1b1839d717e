/** The steps of `up` that only machines need: what a process of this machine has already. */
import type { ListrTask } from 'listr2';
import { LabError, throwIfInterrupted } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { LabConfig } from '../../lab/config.ts';
import { type EnsureBuilt, engineBinaries } from '../../lab/engine.ts';
import { unpackEngine } from '../../lab/engine-archive.ts';
import type { Lab } from '../../lab/lab.ts';
import type { NodeState } from '../../lab/state.ts';
import { allDone, sideBySide } from '../side-by-side.ts';
import { type EngineSource, engineSource, installEngine, removeOtherEngines } from './engine.ts';
import type { Architecture, MachineFacts } from './facts.ts';
import { fetchInstalledEngine } from './installed-engine.ts';
import { prepareMachine } from './prepare.ts';

/** What the steps hand on to each other. */
export interface MachineContext {
  readonly facts: Map<string, MachineFacts>;
  /** What each machine is to run, by node. */
  readonly engines: Map<string, EngineSource>;
}

/**
 * Builds or finds the executables for every architecture that there is among the machines.
 * @param first the host of the first machine
 * @returns the nodes, each with the folder that its engine goes to
 */
export async function chooseEngines(
  { engine }: LabConfig,
  nodes: readonly NodeState[],
  { facts, engines }: MachineContext,
  build: EnsureBuilt,
  first: () => Host,
): Promise<NodeState[]> {
  await obtainEngine(engine, first);
  const byArchitecture = new Map<Architecture, Promise<EngineSource>>();
  const sourceFor = (architecture: Architecture) => {
    const known = byArchitecture.get(architecture) ?? findEngine(engine, architecture, build);
    byArchitecture.set(architecture, known);
    return known;
  };
  const chosen: NodeState[] = [];
  for (const node of nodes) {
    const architecture = facts.get(node.name)?.architecture;
    if (architecture === undefined) throw new LabError('LAB_ENGINE', `what ${node.name} is has not been found out`);
    const source = await sourceFor(architecture);
    engines.set(node.name, source);
    chosen.push({ ...node, engineFolder: source.folder });
  }
  return chosen;
}

/** Puts upstream's executables where `engine.path` says, if they come from elsewhere. */
async function obtainEngine(engine: LabConfig['engine'], first: () => Host): Promise<void> {
  if (engine.kind === 'built-in') return;
  if (engine.archive !== undefined) await unpackEngine(engine.archive, engine.path);
  if (engine.installed === undefined) return;
  const host = first();
  try {
    await fetchInstalledEngine(host, engine.installed, engine.path);
  } finally {
    await host.close();
  }
}

async function findEngine(
  engine: LabConfig['engine'],
  architecture: Architecture,
  build: EnsureBuilt,
): Promise<EngineSource> {
  if (engine.kind === 'upstream') return engineSource(engine.kind, engineBinaries(engine), architecture);
  const isOwn = process.platform === 'linux' && process.arch === architecture;
  return engineSource(engine.kind, await build(isOwn ? undefined : `linux-${architecture}`), architecture);
}

interface StepContext {
  lab?: Lab | undefined;
  changed: boolean;
  machines: MachineContext;
}

function labOf({ lab }: StepContext): Lab {
  if (lab === undefined) throw new Error('this step needs the lab to be open');
  return lab;
}

/** On all machines side by side; each subtask says what it changed. */
export function prepareMachinesStep<Context extends StepContext>(signal: AbortSignal | undefined): ListrTask<Context> {
  return {
    title: 'Prepare the machines',
    task: (context, task) => {
      const lab = labOf(context);
      return task.newListr(
        sideBySide(
          lab.nodes.map(({ name, host }) => ({
            title: name,
            task: async (_, subtask) => {
              throwIfInterrupted(signal);
              const changed = await prepareMachine(host, name, lab.state);
              if (changed.length === 0) return subtask.skip('is ready');
              context.changed = true;
              subtask.output = changed.join(', ');
            },
          })),
        ),
        { concurrent: true, rendererOptions: { persistentOutput: true } },
      );
    },
  };
}

export function installEngineStep<Context extends StepContext>(signal: AbortSignal | undefined): ListrTask<Context> {
  return {
    title: 'Install the engine',
    task: (context, task) =>
      task.newListr(
        sideBySide(
          labOf(context).nodes.map(({ name, host }) => ({
            title: name,
            task: async (_, subtask) => {
              throwIfInterrupted(signal);
              const source = context.machines.engines.get(name) as EngineSource;
              if (await installEngine(host, source, signal)) context.changed = true;
              else subtask.skip(`${source.folder} is there`);
            },
          })),
        ),
        { concurrent: true },
      ),
  };
}

/** Last of all: until then, members may run what this removes. */
export function removeOldEnginesStep<Context extends StepContext>(): ListrTask<Context> {
  return {
    title: 'Remove engines that nobody uses',
    task: async (context, task) => {
      const removed = await allDone(
        labOf(context).nodes.map(({ name, host }) =>
          removeOtherEngines(host, (context.machines.engines.get(name) as EngineSource).folder),
        ),
      );
      if (removed.flat().length === 0) task.skip('there are none');
      else context.changed = true;
    },
  };
}
