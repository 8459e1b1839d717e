/** `etcdlab engine switch`: another engine on the same data, member by member, while the cluster serves. */
import { resolve } from 'node:path';
import { ExitCode, LabError } from '../errors.ts';
import type { EngineOverride } from '../lab/config-file.ts';
import { type EngineSwitch, readEngineSwitch, writeEngineSwitch } from '../lab/engine-switch.ts';
import type { Lab } from '../lab/lab.ts';
import { openClusterView } from '../provision/health/mod.ts';
import { requireHealthy } from '../provision/require-healthy.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';
import { bringUp } from './up.ts';

interface SwitchOptions extends CommonOptions {
  readonly back?: boolean;
  readonly path?: string;
  readonly archive?: string;
  readonly sha256?: string;
}

export const registerEngine: RegisterCommand = (program, cli) => {
  const engine = program.command('engine').summary('the engine of the lab').description('The engine of the lab.');
  addCommand<SwitchOptions>(
    engine,
    cli,
    'switch [engine]',
    "put 'built-in' or 'upstream' in the place of the other, member by member, on the same data",
    (options, [kind]) => switchEngine(cli, options, kind),
  )
    .option('--back', 'undo a switch that was interrupted')
    .option('--path <folder>', 'where the binaries of upstream are')
    .option('--archive <file>', 'a release of upstream instead of its binaries, with --sha256')
    .option('--sha256 <checksum>', 'what the archive must have');
};

async function switchEngine(cli: Cli, options: SwitchOptions, kind: string | undefined): Promise<number> {
  const lab = await openLab(cli, options);
  const underWay = await readEngineSwitch(lab.paths);
  const engine = options.back === true ? engineBefore(underWay, kind) : engineOption(cli, options, kind);
  const { before } = underWay ?? (await begin(lab));
  try {
    await bringUp(cli, { ...options, engine });
  } catch (error) {
    cli.ui.warning(
      'members may be on either engine now, which is sound: the same command goes on, etcdlab engine switch --back undoes it',
    );
    throw error;
  }
  const after = await openLab(cli, options);
  await requireSameData(after, before);
  cli.ui.line(`All members hold what they held before: HashKV ${before.hash} at revision ${before.revision}.`);
  cli.ui.line(`Write it into lab.yaml, or the next etcdlab up switches back:  ${lineOf(engine)}`);
  return ExitCode.ok;
}

/** @returns what is written down before the first member is moved */
async function begin(lab: Lab): Promise<EngineSwitch> {
  await requireHealthy(lab, 'a switch starts from a healthy cluster');
  const journal = { from: lab.state.engine, before: await readHash(lab) };
  await writeEngineSwitch(lab.paths, journal);
  return journal;
}

/** @returns the engine that all members ran before a switch that was interrupted */
function engineBefore(underWay: EngineSwitch | undefined, kind: string | undefined): EngineOverride {
  if (kind !== undefined) throw new LabError('LAB_USAGE', `--back knows the engine by itself, without '${kind}'`);
  if (underWay === undefined) {
    throw new LabError('LAB_USAGE', 'no switch was interrupted', { advice: 'etcdlab engine switch <engine>' });
  }
  return underWay.from.kind === 'built-in' ? 'built-in' : underWay.from.path;
}

/** @returns what takes the place of the engine in lab.yaml */
function engineOption(cli: Cli, { path, archive, sha256 }: SwitchOptions, kind: string | undefined): EngineOverride {
  const isNamed = path !== undefined || archive !== undefined || sha256 !== undefined;
  if (kind === 'built-in' && !isNamed) return kind;
  if (kind !== 'upstream') {
    throw new LabError(
      'LAB_USAGE',
      `an engine is 'built-in' or 'upstream' (with --path or --archive), not '${kind ?? ''}'`,
    );
  }
  const here = (file: string) => resolve(cli.io.workingDirectory, file);
  if (path !== undefined && archive === undefined && sha256 === undefined) return here(path);
  if (path === undefined && archive !== undefined && sha256 !== undefined) return { file: here(archive), sha256 };
  throw new LabError('LAB_USAGE', 'upstream needs --path, the folder of its binaries, or --archive with --sha256');
}

/** @returns the line of lab.yaml */
function lineOf(engine: EngineOverride): string {
  if (engine === 'built-in') return 'engine: built-in';
  if (typeof engine === 'string') return `engine: { kind: upstream, path: ${engine} }`;
  return `engine: { kind: upstream, archive: ${engine.file}, sha256: ${engine.sha256} }`;
}

type HashBefore = EngineSwitch['before'];

/** What the first member holds; that the others hold the same was just seen. */
async function readHash(lab: Lab): Promise<HashBefore> {
  const view = openClusterView(lab);
  try {
    const [node] = lab.nodes as [(typeof lab.nodes)[number]];
    const revision = await view.linearizableRead(node);
    return { revision, ...(await view.hashKv(node, revision)) };
  } finally {
    view.close();
  }
}

/**
 * That all members are alike was seen after each of them. What they held before can be looked for as long as nobody has
 * compacted it.
 *
 * @throws LabError LAB_DIVERGED
 */
async function requireSameData(lab: Lab, before: HashBefore): Promise<void> {
  const view = openClusterView(lab);
  try {
    for (const node of lab.nodes) {
      const now = await view.hashKv(node, before.revision).catch(unlessCompacted);
      if (now === undefined || now.compactRevision !== before.compactRevision || now.hash === before.hash) continue;
      const message = `${node.name} holds other data than before: HashKV ${now.hash}, not ${before.hash}`;
      throw new LabError('LAB_DIVERGED', message, { advice: 'etcdctl endpoint hashkv --cluster' });
    }
  } finally {
    view.close();
  }
}

function unlessCompacted(error: Error): undefined {
  if (!error.message.includes('has been compacted')) throw error;
}
