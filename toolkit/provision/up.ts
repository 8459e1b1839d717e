/**
 * The steps of `up`. Each looks at what is there and does what is missing, so that a second run changes nothing, and a
 * run after an interruption goes on where the first one stopped.
 */
import { randomBytes } from 'node:crypto';
import type { ListrTask } from 'listr2';
import { type Passphrase, PkiStore, type Sources, systemSources } from '../../pki/mod.ts';
import { throwIfInterrupted } from '../errors.ts';
import type { LabConfig } from '../lab/config.ts';
import { type EnsureBuilt, ensureBuilt } from '../lab/engine.ts';
import { unpackEngine } from '../lab/engine-archive.ts';
import { engineOfLab } from '../lab/engine-config.ts';
import { Lab, type WrapHost } from '../lab/lab.ts';
import { type LostMember, lostDataError, quorumIsLeft } from '../lab/member-data.ts';
import { type LabNode, labNodes } from '../lab/nodes.ts';
import { type LabPaths, type LabState, type NodeState, readState } from '../lab/state.ts';
import { applyPki, planPki } from './certificates.ts';
import { deployPki } from './deploy-certificates.ts';
import { healthConditions, openClusterView, waitForCondition, waitUntilHealthy } from './health/mod.ts';
import { nodeStates } from './machines/node-states.ts';
import {
  chooseEngines,
  installEngineStep,
  type MachineContext,
  prepareMachinesStep,
  removeOldEnginesStep,
} from './machines/steps.ts';
import { configureMember, pendingAction } from './members.ts';
import { type Finding, preflight, refuseOnErrors } from './preflight/mod.ts';
import { engineVersion } from './preflight/program.ts';
import { allDone, sideBySide } from './side-by-side.ts';

/** Of a run in which nothing happens to the hosts. */
export interface Rehearsal {
  readonly wrapHost: WrapHost;
}

export interface UpOptions {
  readonly config: LabConfig;
  /** The folder that holds all labs. */
  readonly stateDirectory: string;
  readonly paths: LabPaths;
  /** Where the nodes are, if that is known already; else as lab.yaml says. */
  readonly nodes?: readonly NodeState[] | undefined;
  readonly rehearsal?: Rehearsal | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly sources?: Sources;
  /** For authorities whose key is encrypted; asked only when something must be signed. */
  readonly passphrase?: Passphrase;
  readonly build?: EnsureBuilt;
  /** @returns what to do when a majority of the members has lost its data, such as the backup to restore */
  readonly restoreAdvice?: (lab: Lab) => Promise<readonly string[]>;
}

/** What the steps hand on to each other. */
export interface UpContext {
  /** Set once the lab's state is written. */
  lab?: Lab;
  /** Set once it is known what goes to which machine. */
  nodes?: readonly NodeState[];
  warnings: Finding[];
  /** Whether anything was changed or started. */
  changed: boolean;
  /** Members that run with an older configuration, trust or executable. */
  toRestart: string[];
  /** Members that had data and have none; they are not started. */
  lost: readonly LostMember[];
  /** Empty with provider `local`. */
  machines: MachineContext;
}

export function newUpContext(): UpContext {
  return { warnings: [], changed: false, toRestart: [], lost: [], machines: { facts: new Map(), engines: new Map() } };
}

type Step = ListrTask<UpContext>;

/** @returns the task list; run it with a `newUpContext()` */
export function upTasks(options: UpOptions): Step[] {
  const { config, signal, rehearsal } = options;
  const isLocal = config.provider === 'local';
  const steps: Step[] = [
    preflightStep(options),
    isLocal ? engineStep(options) : chooseEngineStep(options),
    stateStep(options),
    ...(isLocal ? [] : [prepareMachinesStep<UpContext>(signal), installEngineStep<UpContext>(signal)]),
    certificateStep(options),
    configureStep(),
    startStep(options),
    lostDataStep(),
    // What is waited for does not come when nothing happens.
    ...(rehearsal === undefined ? [healthStep(options)] : []),
    restartStep(options),
    ...(isLocal ? [] : [removeOldEnginesStep<UpContext>()]),
  ];
  return steps.map((step) => ({
    ...step,
    task: (context, task) => {
      throwIfInterrupted(options.signal);
      return step.task(context, task);
    },
  }));
}

function preflightStep({ config, paths, nodes, sources = systemSources }: UpOptions): Step {
  return {
    title: config.provider === 'local' ? 'Check this machine' : 'Check the machines',
    task: async (context) => {
      const { facts } = context.machines;
      const findings = await preflight({ config, paths, nodes, facts, now: sources.now() });
      context.warnings = findings.filter((finding) => finding.severity === 'warning');
      refuseOnErrors(findings);
    },
  };
}

function engineStep({ config, build = ensureBuilt }: UpOptions): Step {
  return {
    title: config.engine.kind === 'built-in' ? 'Build the executable' : 'Use upstream binaries',
    skip: () => (config.engine.kind === 'upstream' && config.engine.archive === undefined ? config.engine.path : false),
    task: async () => {
      if (config.engine.kind === 'built-in') await build();
      else if (config.engine.archive !== undefined) await unpackEngine(config.engine.archive, config.engine.path);
    },
  };
}

/** Which executables each machine gets depends on what it is. */
function chooseEngineStep({ config, paths, nodes, build = ensureBuilt }: UpOptions): Step {
  return {
    title: config.engine.kind === 'built-in' ? 'Build the executable' : 'Choose upstream binaries',
    task: async (context, task) => {
      const described = nodes ?? nodeStates(config, await readState(paths));
      const { provider, engine } = config;
      const first = () => (labNodes({ provider, engine, nodes: described.slice(0, 1) }, paths)[0] as LabNode).host;
      context.nodes = await chooseEngines(config, described, context.machines, build, first);
      task.output = [...new Set([...context.machines.engines.values()].map(({ folder }) => folder))].join(', ');
    },
  };
}

/** The state is written before anything else is made: whatever happens then, `destroy` finds what there is. */
function stateStep({ config, stateDirectory, paths, rehearsal }: UpOptions): Step {
  return {
    title: 'Open the lab',
    task: async (context, task) => {
      const before = await readState(paths);
      const after = nextState(before, config, context.nodes);
      if (before !== undefined && JSON.stringify(before) === JSON.stringify(after)) {
        context.lab = await Lab.open(stateDirectory, config.name, rehearsal?.wrapHost);
        task.skip(`${paths.root} is there`);
        return;
      }
      context.lab = await Lab.save(stateDirectory, after, rehearsal?.wrapHost);
      context.changed = true;
      if (config.provider !== 'local') return;
      const { nodes, engine } = context.lab;
      const version = await engineVersion(engine, (nodes[0] as (typeof nodes)[number]).host);
      task.output = `${paths.root}, etcd ${version}`;
    },
  };
}

/** What was decided when the lab was first brought up stays: when, and how its members find each other. */
export function nextState(
  before: LabState | undefined,
  config: LabConfig,
  nodes: readonly NodeState[] = nodeStates(config, before),
): LabState {
  const cluster = Object.fromEntries(
    config.nodes.map(({ name, address, peerPort }) => [name, `https://${address}:${peerPort}`]),
  );
  // A token of its own: two labs can never take each other's members for their own.
  const token = `${config.name}-${randomBytes(4).toString('hex')}`;
  const bootstrap = Object.fromEntries(
    config.nodes.map(({ name }) => [name, { token, clusterState: 'new' as const, cluster }]),
  );
  return {
    version: 1,
    name: config.name,
    provider: config.provider,
    engine: engineOfLab(config.engine),
    nodes: [...nodes],
    certificates: config.certificates,
    createdAt: before?.createdAt ?? new Date().toISOString(),
    bootstrap: before?.bootstrap ?? bootstrap,
    ...(before?.membersWithData && { membersWithData: before.membersWithData }),
  };
}

function labOf(context: UpContext): Lab {
  if (context.lab === undefined) throw new Error('this step needs the lab to be open');
  return context.lab;
}

function certificateStep({ config, passphrase, sources = systemSources }: UpOptions): Step {
  return {
    title: 'Certificates',
    task: async (context, task) => {
      const lab = labOf(context);
      const store = new PkiStore(lab.paths.pki, passphrase);
      const plan = await planPki(store, lab.nodes, config.certificates, sources.now());
      await applyPki(store, plan, config.certificates, sources);
      const deployed = (await allDone(lab.nodes.map((node) => deployPki(store, node)))).flat();
      if (plan.toIssue.length + plan.newRevocationLists.length + deployed.length === 0) {
        task.skip(`all ${plan.wantedCount} are valid`);
        return;
      }
      context.changed = true;
      const authorities = plan.newAuthorities.length === 0 ? '' : `${plan.newAuthorities.length} authorities, `;
      const why =
        plan.newAuthorities.length > 0 ? '' : plan.toIssue.map(({ wanted, reason }) => `; ${wanted.name} ${reason}`);
      task.output = `${authorities}${plan.toIssue.length} certificates issued${[...why].join('')}`;
    },
  };
}

function configureStep(): Step {
  return {
    title: 'Configure the members',
    task: async (context, task) => {
      const lab = labOf(context);
      const changed = await allDone(lab.nodes.map(({ name }) => configureMember(lab, name)));
      if (!changed.includes(true)) task.skip('nothing has changed');
      else context.changed = true;
    },
  };
}

function startStep({ signal, restoreAdvice }: UpOptions): Step {
  return {
    title: 'Start the members',
    task: async (context, task) => {
      const lab = labOf(context);
      await lab.rememberData();
      context.lost = await lab.lostMembers();
      if (!quorumIsLeft(lab.nodes.length, context.lost)) {
        throw lostDataError(lab.nodes.length, context.lost, await restoreAdvice?.(lab));
      }
      return task.newListr(
        sideBySide<UpContext>(
          lab.nodes.map((node) => ({
            title: node.name,
            task: async (_, subtask) => {
              throwIfInterrupted(signal);
              if ((await node.host.cutFrom()).length > 0) {
                await node.host.heal();
                context.changed = true;
              }
              if (context.lost.some(({ name }) => name === node.name)) {
                subtask.skip('has lost its data');
                return;
              }
              const action = await pendingAction(lab, node);
              if (action === 'none' || action === 'restart') {
                if (action === 'restart') context.toRestart.push(node.name);
                subtask.skip(action === 'none' ? 'is running' : 'is running, and restarted below');
                return;
              }
              context.changed = true;
              if (action === 'thaw') await node.host.service.thaw();
              else await lab.start(node.name);
            },
          })),
        ),
        { concurrent: true },
      );
    },
  };
}

/** After the others were started: with them, the members that have lost their data can be replaced. */
function lostDataStep(): Step {
  return {
    title: 'Every member has its data',
    enabled: ({ lost }) => lost.length > 0,
    task: ({ lost, lab }) => {
      throw lostDataError(lab?.nodes.length ?? 0, lost);
    },
  };
}

function healthStep({ signal }: UpOptions): Step {
  return {
    title: 'Wait until the cluster is healthy',
    task: (context, task) => {
      const view = openClusterView(labOf(context));
      const conditions = healthConditions(view);
      return task.newListr(
        conditions.map((condition, index) => ({
          title: condition.title,
          task: async (_, subtask) => {
            try {
              const onReason = (reason: string) => {
                subtask.output = `not yet: ${reason}`;
              };
              await waitForCondition(view, condition, { signal, onReason });
              if (index < conditions.length - 1) return;
              view.close();
              await labOf(context).rememberData();
            } catch (error) {
              view.close();
              throw error;
            }
          },
        })),
      );
    },
  };
}

/** One after the other, each only when the cluster is healthy: a quorum serves all the time. */
function restartStep({ signal, rehearsal }: UpOptions): Step {
  return {
    title: 'Restart members with changed configuration',
    enabled: (context) => context.toRestart.length > 0,
    task: (context, task) =>
      task.newListr(
        // In the order of the nodes, which a run after an interruption takes again.
        inOrder(labOf(context), context.toRestart).map((name) => ({
          title: name,
          task: async (_, subtask) => {
            throwIfInterrupted(signal);
            const lab = labOf(context);
            context.changed = true;
            await lab.stop(name);
            await lab.start(name);
            if (rehearsal !== undefined) return;
            const onReason = (reason: string) => {
              subtask.output = `not yet: ${reason}`;
            };
            await waitUntilHealthy(lab, { signal, onReason });
            subtask.output = 'all members hold the same data, and none has an alarm';
          },
        })),
      ),
  };
}

function inOrder({ nodes }: Lab, names: readonly string[]): string[] {
  return nodes.map(({ name }) => name).filter((name) => names.includes(name));
}
