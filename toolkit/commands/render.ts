/** `etcdlab render`: what would be put on a machine, as text. Needs no machine, and no lab that is up. */
import { Option } from 'commander';
import { LabError } from '../errors.ts';
import { labNodes, machineEngines } from '../lab/nodes.ts';
import { type LabState, readState } from '../lab/state.ts';
import { renderStaticPod } from '../lab/static-pod.ts';
import { renderByHand } from '../provision/machines/by-hand.ts';
import { renderCertificates } from '../provision/machines/certificates-by-hand.ts';
import type { EngineSource } from '../provision/machines/engine.ts';
import { nextState } from '../provision/up.ts';
import { addCommand, type Cli, type CommonOptions, describedLab, type RegisterCommand } from './cli.ts';
import { registerRenderBackup } from './render-backup.ts';

interface RenderOptions extends CommonOptions {
  readonly node?: string;
  readonly image: string;
}

const defaultImage = 'gcr.io/etcd-development/etcd:v3.5.30';

export const registerRender: RegisterCommand = (program, cli) => {
  const render = program
    .command('render')
    .summary('print what would be put on a machine')
    .description('Print what would be put on a machine.');
  const verb = (usage: string, summary: string, text: (cli: Cli, options: RenderOptions) => Promise<string>) =>
    addCommand<RenderOptions>(render, cli, usage, summary, async (options) => {
      cli.ui.raw(await text(cli, options));
      return undefined;
    });
  const ofNode = ['--node <name>', 'of this node (default: the first)'] as const;
  verb('static-pod', "a member as a static pod of Kubernetes' kubelet", staticPod)
    .option(...ofNode)
    .addOption(new Option('--image <image>', 'of etcd').default(defaultImage));
  verb('shell', 'what up does on a machine, as a shell script to do it by hand', shell).option(...ofNode);
  verb('certificates', 'the certificates of up, as a shell script that makes them with openssl', certificates);
  registerRenderBackup(render, cli);
};

async function staticPod(cli: Cli, options: RenderOptions): Promise<string> {
  const { node } = await imagine(cli, options);
  return renderStaticPod(node, options.image);
}

async function shell(cli: Cli, options: RenderOptions): Promise<string> {
  const { node, state } = await imagine(cli, options);
  const names = ['etcd', 'etcdctl', 'etcdutl'];
  const engine: EngineSource = {
    folder: `${machineEngines}/by-hand`,
    files: names.map((name) => ({ name, localPath: name, sha256: '' })),
    links: [],
  };
  return renderByHand(node, state, engine);
}

async function certificates(cli: Cli, options: RenderOptions): Promise<string> {
  const { nodes, state, config } = await imagine(cli, options);
  return renderCertificates(state.name, nodes, config.certificates);
}

/** The lab as it was brought up, or else as it would be. */
async function imagine(cli: Cli, options: RenderOptions) {
  const { config, paths } = await describedLab(cli, options);
  if (config.provider === 'local') {
    throw new LabError('LAB_NOT_SUPPORTED', 'members of provider local are processes of this machine', {
      advice: 'describe machines: provider: ssh or vagrant in lab.yaml',
    });
  }
  const before = await readState(paths);
  const state = before === undefined ? reproducible(nextState(undefined, config)) : nextState(before, config);
  const nodes = labNodes(state, paths);
  const node = options.node === undefined ? nodes[0] : nodes.find(({ name }) => name === options.node);
  if (node !== undefined) return { node, nodes, state, config };
  const names = nodes.map(({ name }) => name).join(', ');
  throw new LabError('LAB_NODE_UNKNOWN', `lab '${config.name}' has no node '${options.node}'; it has ${names}`);
}

/** Members are rendered one after the other: what `up` draws once for all of them must be the same each time. */
function reproducible(state: LabState): LabState {
  const token = `${state.name}-by-hand`;
  const bootstrap = Object.entries(state.bootstrap).map(([node, was]) => [node, { ...was, token }]);
  return { ...state, createdAt: new Date(0).toISOString(), bootstrap: Object.fromEntries(bootstrap) };
}
