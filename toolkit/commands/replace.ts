/** `etcdlab replace NODE`: a member whose data is lost or damaged joins anew, with the data of the others. */
import { undoInterruptedDrill } from '../../drills/engine/interrupted.ts';
import { replaceMember } from '../../drills/recovery/replace-member.ts';
import { PkiStore } from '../../pki/mod.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/nodes.ts';
import { deployPki } from '../provision/deploy-certificates.ts';
import { healthConditions, openClusterView, waitForCondition } from '../provision/health/mod.ts';
import { refuseOnErrors } from '../provision/preflight/mod.ts';
import { checkPorts } from '../provision/preflight/ports.ts';
import { requireQuorumWithout } from '../provision/quorum.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { tellUndone } from './undone-drill.ts';

interface ReplaceOptions extends CommonOptions {
  readonly yes?: boolean;
}

export const registerReplace: RegisterCommand = (program, cli) => {
  addCommand<ReplaceOptions>(
    program,
    cli,
    'replace <node>',
    'let a member with lost or damaged data join anew, with the data of the others',
    (options, [name = '']) => replace(cli, options, name),
  ).option('-y, --yes', 'do not ask');
};

async function replace(cli: Cli, options: ReplaceOptions, name: string): Promise<undefined> {
  const lab = await openLab(cli, options);
  const node = lab.node(name);
  await requireQuorum(cli, lab, name);
  if (options.yes !== true) {
    await confirm(cli, {
      action: `${name} leaves the cluster, what is left of its data is moved aside, and it joins anew under a new ID with the data of the others`,
      word: name,
      command: `etcdlab replace ${name} --yes`,
    });
  }
  await withLock(lab.paths, 'replace', async () => {
    tellUndone(cli, await undoInterruptedDrill(lab));
    // A process that nobody knows any more would keep the new one from its ports.
    if (node.host.kind === 'local') refuseOnErrors(await checkPorts([node]));
    await requireQuorum(cli, lab, name);
    await carryOut(cli, lab, node);
  });
}

async function requireQuorum(cli: Cli, lab: Lab, name: string): Promise<void> {
  const view = openClusterView(lab);
  try {
    await requireQuorumWithout(view, name, { signal: cli.signal });
  } finally {
    view.close();
  }
}

async function carryOut(cli: Cli, lab: Lab, node: LabNode): Promise<void> {
  const { signal, ui } = cli;
  const { name, host, paths } = node;
  const progress = (text: string): void => {
    ui.event({ event: 'progress', text });
    ui.line(`  ${text}`);
  };
  const runId = new Date().toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const aside = `${paths.data}.before-replace-${runId}`;
  // The folder of a local member holds its certificates as well: whoever removes it removes all of it.
  await deployPki(new PkiStore(lab.paths.pki), node);
  await replaceMember(lab, name, { aside, signal, progress });
  const down = await verify(cli, lab, node, progress);
  const kept = (await host.exists(aside)) ? aside : undefined;
  ui.event({ event: 'finished', name: lab.name, node: name, aside: kept, down });
  ui.line(ui.style('green', `${name} is replaced, and holds the same data as the others.`));
  if (down.length > 0) ui.warning(`${down.join(', ')} not running: etcdlab status`);
  if (kept !== undefined) ui.line(`What was left of its data stays, until you remove it:\n  ${kept}`);
}

/** Several members may be hurt: those that are down are no reason to doubt this one. @returns their names */
async function verify(
  { signal }: Cli,
  lab: Lab,
  replaced: LabNode,
  progress: (text: string) => void,
): Promise<string[]> {
  const view = openClusterView(lab);
  try {
    const states = await Promise.all(lab.nodes.map((node) => view.process(node).catch(() => undefined)));
    const running = lab.nodes.filter((node, i) => node === replaced || states[i]?.state === 'running');
    const seen = { ...view, nodes: running };
    const isWhole = running.length === lab.nodes.length;
    // The others are on the member list, and cannot be asked: what is left to see is whether all who run agree.
    const conditions = healthConditions(seen).filter(({ id }) => isWhole || id !== 'members-complete');
    const onReason = (reason: string): void => progress(`not yet: ${reason}`);
    for (const condition of conditions) await waitForCondition(seen, condition, { signal, onReason });
    return lab.nodes.filter((node) => !running.includes(node)).map((node) => node.name);
  } finally {
    view.close();
  }
}
