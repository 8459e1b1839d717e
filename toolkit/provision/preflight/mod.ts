/** Looks at everything that could stop a lab from coming up, and reports all of it at once. Changes nothing. */
import { PkiStore } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { LocalHost } from '../../hosts/local-host.ts';
import type { LabConfig } from '../../lab/config.ts';
import { type LabNode, labNodes } from '../../lab/nodes.ts';
import { type LabPaths, type LabState, type NodeState, readState } from '../../lab/state.ts';
import { checkMachines } from '../machines/check.ts';
import type { MachineFacts } from '../machines/facts.ts';
import { checkInstalledEngine } from '../machines/installed-engine.ts';
import { nodeStates } from '../machines/node-states.ts';
import { checkCertificates } from './certificates.ts';
import { checkDisk } from './disk.ts';
import { checkEnded } from './ended.ts';
import { type Finding, ok, problem } from './finding.ts';
import { checkPorts } from './ports.ts';
import { checkEngine, checkEngineFiles, checkNode } from './program.ts';
import { checkVagrant } from './vagrant.ts';

export type { Finding, Severity } from './finding.ts';

export interface PreflightOptions {
  readonly config: LabConfig;
  readonly paths: LabPaths;
  readonly now: Date;
  /** Where the nodes are, if that is known already; else as lab.yaml says. */
  readonly nodes?: readonly NodeState[] | undefined;
  /** Report members that have ended by themselves; not for `up`, which starts them. */
  readonly looksForEnded?: boolean;
  /** Receives what the machines are, for whoever goes on with it. */
  readonly facts?: Map<string, MachineFacts> | undefined;
}

/** @returns what every check found, problems first, the most severe first */
export async function preflight(options: PreflightOptions): Promise<Finding[]> {
  const { config, paths } = options;
  const state = await readState(paths).catch((error: unknown) => error as LabError);
  if (state instanceof Error) {
    if (!(state instanceof LabError)) throw state;
    return [problem('error', 'state', paths.stateFile, state.message, state.advice.join('; '))];
  }
  const described = options.nodes ?? nodeStates(config, state);
  const nodes = labNodes({ provider: config.provider, engine: config.engine, nodes: [...described] }, paths);
  try {
    const checks = config.provider === 'local' ? checkLocal : checkRemote;
    const findings = await Promise.all([
      checkState(state, config, paths),
      checkNode(process.version, process.execPath),
      checkCertificates(new PkiStore(paths.pki), nodes, config.certificates, options.now),
      checks(options, nodes, state),
      options.looksForEnded === true && state !== undefined ? checkEnded(nodes) : [],
    ]);
    const order = { error: 0, warning: 1, ok: 2 };
    return findings.flat().sort((a, b) => order[a.severity] - order[b.severity]);
  } finally {
    await Promise.all(nodes.map((node) => node.host.close()));
  }
}

async function checkLocal({ config, paths }: PreflightOptions, nodes: readonly LabNode[]): Promise<Finding[]> {
  const findings = await Promise.all([
    checkEngine(config.engine, new LocalHost('this machine', paths.root)),
    checkPorts(nodes),
    checkDisk(paths.root, nodes.length),
  ]);
  return findings.flat();
}

async function checkRemote(
  { config, facts, nodes: reachable }: PreflightOptions,
  nodes: readonly LabNode[],
  state: LabState | undefined,
): Promise<Finding[]> {
  // How its machines are reached is known once Vagrant has made them.
  if (config.provider === 'vagrant' && reachable === undefined && state === undefined) {
    const { engine } = config;
    const isOnMachines = engine.kind === 'upstream' && engine.installed !== undefined;
    return [...(isOnMachines ? [] : [await checkEngineFiles(engine)]), ...(await checkVagrant(config.nodes))];
  }
  const machines = await checkMachines(nodes, config, state);
  for (const [name, found] of machines.facts) facts?.set(name, found);
  return [await checkEngineOfMachines(config.engine, nodes, machines.facts), ...machines.findings];
}

async function checkEngineOfMachines(
  engine: LabConfig['engine'],
  [first]: readonly LabNode[],
  facts: ReadonlyMap<string, MachineFacts>,
): Promise<Finding> {
  if (engine.kind === 'built-in' || engine.installed === undefined) return checkEngineFiles(engine);
  if (first !== undefined && facts.has(first.name)) return checkInstalledEngine(first.host, engine.installed);
  return problem(
    'error',
    'engine',
    engine.installed,
    'the machine that has it cannot be looked at',
    'see what is said of that',
  );
}

/** The members of a cluster cannot be changed by editing lab.yaml: they have data and identities. */
export function checkState(state: LabState | undefined, config: LabConfig, paths: LabPaths): Finding {
  const check = 'state';
  if (state === undefined) return ok(check, paths.root, 'no lab yet: up makes it');
  const was = state.nodes.map(describeNode);
  const is = config.nodes.map(describeNode);
  if (was.join() === is.join()) return ok(check, paths.root, `lab of ${was.length} nodes`);
  const difference = [
    ...was.filter((node) => !is.includes(node)).map((node) => `${node} is running but not described`),
    ...is.filter((node) => !was.includes(node)).map((node) => `${node} is described but was not brought up`),
  ];
  const found = `the lab was brought up with other nodes: ${difference.join('; ') || 'in another order'}`;
  return problem('error', check, paths.root, found, 'undo the change of lab.yaml, or start over: etcdlab destroy');
}

function describeNode(node: LabConfig['nodes'][number]): string {
  return `${node.name} ${node.address}:${node.clientPort}/${node.peerPort}`;
}

/** @throws LabError LAB_PREFLIGHT with all errors, if there are any */
export function refuseOnErrors(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error');
  if (errors.length === 0) return;
  const problems = errors.length === 1 ? 'a problem' : `${errors.length} problems`;
  throw new LabError('LAB_PREFLIGHT', `${problems} must be solved before the lab can come up; nothing was changed`, {
    // What has one cure is told it once.
    details: [...Map.groupBy(errors, ({ advice }) => advice)].flatMap(([advice, alike]) => [
      ...alike.map(({ subject, found }) => `${subject}: ${found}`),
      `  → ${advice}`,
    ]),
  });
}
