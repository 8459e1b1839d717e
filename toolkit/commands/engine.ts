/** `etcdlab engine switch`: another engine on the same data, member by member, while the cluster serves. */
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ExitCode, LabError } from '../errors.ts';
import type { EngineOverride } from '../lab/config-file.ts';
import { engineOfLab } from '../lab/engine-config.ts';
import { type EngineSwitch, endEngineSwitch, readEngineSwitch, writeEngineSwitch } from '../lab/engine-switch.ts';
import type { Lab } from '../lab/lab.ts';
import { readState } from '../lab/state.ts';
import { openClusterView } from '../provision/health/mod.ts';
import { requireHealthy } from '../provision/require-healthy.ts';
import {
  addCommand,
  type Cli,
  type CommonOptions,
  describedLab,
  openLab,
  type RegisterCommand,
  withLock,
} from './cli.ts';
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
  const { paths } = lab;
  const underWay = await readEngineSwitch(paths);
  const engine = options.back === true ? engineBefore(underWay, options, kind) : engineOption(cli, options, kind);
  const { from, before } = underWay ?? (await withLock(paths, 'engine switch', () => begin(lab)));
  try {
    await bringUp(cli, { ...options, engine }, { endsSwitch: false });
  } catch (error) {
    // The state names the new engine before the first member is moved.
    const isUntouched = underWay === undefined && isDeepStrictEqual((await readState(paths))?.engine, from);
    if (isUntouched) await endEngineSwitch(paths);
    else {
      cli.ui.warning(
        'members may be on either engine now, which is sound: the same command goes on, etcdlab engine switch --back undoes it',
      );
    }
    throw error;
  }
  const after = await openLab(cli, options);
  const compared = await requireSameData(after, before);
  await endEngineSwitch(paths);
  cli.ui.line(describeComparison(before, compared, after.nodes.length));
  const { config } = await describedLab(cli, options);
  if (isDeepStrictEqual(engineOfLab(config.engine), after.state.engine)) return ExitCode.ok;
  if (options.back === true) cli.ui.line('lab.yaml names another engine: the next etcdlab up switches to that.');
  else cli.ui.line(`Write it into lab.yaml, or the next etcdlab up switches back:  ${lineOf(engine)}`);
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
function engineBefore(
  underWay: EngineSwitch | undefined,
  { path, archive, sha256 }: SwitchOptions,
  kind: string | undefined,
): EngineOverride {
  const named = kind ?? path ?? archive ?? sha256;
  if (named !== undefined) throw new LabError('LAB_USAGE', `--back knows the engine by itself, without '${named}'`);
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

/** @returns the line of lab.yaml; what is quoted as in JSON is so in YAML, whatever is in a path */
export function lineOf(engine: EngineOverride): string {
  if (engine === 'built-in') return 'engine: built-in';
  if (typeof engine === 'string') return `engine: { kind: upstream, path: ${JSON.stringify(engine)} }`;
  const { file, sha256 } = engine;
  return `engine: { kind: upstream, archive: ${JSON.stringify(file)}, sha256: ${JSON.stringify(sha256)} }`;
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

/** @returns what was proven, and no more */
export function describeComparison({ hash, revision }: HashBefore, compared: number, members: number): string {
  if (compared === members) return `All members hold what they held before: HashKV ${hash} at revision ${revision}.`;
  const which = compared === 0 ? 'no member' : `only ${compared} of ${members} members`;
  return `All members hold the same. With what they held before, ${which} could be compared: there was a compaction meanwhile.`;
}

/**
 * That all members are alike was seen after each of them. What they held before can be looked for as long as nobody has
 * compacted it.
 *
 * @returns how many members could be compared
 * @throws LabError LAB_DIVERGED
 */
async function requireSameData(lab: Lab, before: HashBefore): Promise<number> {
  const view = openClusterView(lab);
  let compared = 0;
  try {
    for (const node of lab.nodes) {
      const now = await view.hashKv(node, before.revision).catch(unlessCompacted);
      if (now === undefined || now.compactRevision !== before.compactRevision) continue;
      compared += 1;
      if (now.hash === before.hash) continue;
      const message = `${node.name} holds other data than before: HashKV ${now.hash}, not ${before.hash}`;
      throw new LabError('LAB_DIVERGED', message, { advice: 'etcdctl endpoint hashkv --cluster' });
    }
    return compared;
  } finally {
    view.close();
  }
}

function unlessCompacted(error: Error): undefined {
  if (!error.message.includes('has been compacted')) throw error;
}
