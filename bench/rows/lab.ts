/** The lab as a whole: bringing it up, a restore drill, and both beside what one would do by hand. */
import { type ExecFileException, execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { noLabChosen } from '../../test/support/lab-environment.ts';
import { freePorts } from '../../test/support/test-cluster.ts';
import type { Engine, EngineRow, Measured, Surroundings } from '../row.ts';
import { bringUpByHand } from './by-hand.ts';

const run = promisify(execFile);
/** The command as it is installed, which keeps what was compiled. */
const etcdlab = path.resolve(import.meta.dirname, '../../scripts/etcdlab.mjs');
const maxOutputBytes = 64 * 1024 * 1024;
/** A drill with many keys takes minutes. */
const commandMs = 480_000;
/** How much of the output of a failed command is shown. */
const lastWords = 500;

export interface Lab {
  /** Runs an `etcdlab` command on the lab. @throws Error with what it has said when it fails */
  command(...args: string[]): Promise<{ ms: number; stdout: string }>;
}

/** Describes a lab of three members in a folder, and takes it away afterwards. */
export async function withLab<T>(
  { name, executables }: Engine,
  { scratch: folder, signal }: Pick<Surroundings, 'scratch' | 'signal'>,
  work: (lab: Lab) => Promise<T>,
): Promise<T> {
  const ports = await freePorts(6);
  const nodes = [0, 1, 2].map((i) => ({ name: `node${i + 1}`, clientPort: ports[2 * i], peerPort: ports[2 * i + 1] }));
  const engine = name === 'built-in' ? name : { kind: name, path: path.dirname(executables.etcd) };
  await writeFile(path.join(folder, 'lab.yaml'), stringify({ name: 'bench', engine, nodes }));
  const command = async (args: readonly string[], ending?: AbortSignal): Promise<{ ms: number; stdout: string }> => {
    const startMs = performance.now();
    const env = { ...process.env, ...noLabChosen };
    const options = {
      cwd: folder,
      env,
      maxBuffer: maxOutputBytes,
      timeout: commandMs,
      ...(ending && { signal: ending }),
    };
    const { stdout } = await run(process.execPath, [etcdlab, ...args], options).catch((error: ExecFileException) => {
      throw new Error(`etcdlab ${args.join(' ')} failed: ${error.stderr || error.stdout?.slice(-lastWords)}`);
    });
    return { ms: performance.now() - startMs, stdout };
  };
  const lab: Lab = { command: (...args) => command(args, signal) };
  try {
    return await work(lab);
  } finally {
    // Whatever ended the work, the lab's members go.
    await command(['destroy', '--yes']);
  }
}

/** From the JSON events: from the start of the disaster until the proof begins, with all members healthy. */
function recoveryMs(stdout: string): number {
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { time: string; event: string; phase?: string });
  const startOf = (phase: string): number =>
    Date.parse(events.find((each) => each.event === 'step-started' && each.phase === phase)?.time ?? '');
  return startOf('verify') - startOf('disaster');
}

const seconds = (title: string) => ({ title, unit: 's', better: 'lower' }) as const;

const drillFigures = {
  up: seconds('etcdlab up before it'),
  drill: seconds('all of it'),
  recovery: seconds('of which disaster to healthy'),
};

/** @param flags of the drill */
function measureDrill(engine: Engine, surroundings: Surroundings, ...flags: string[]): Promise<Measured> {
  return withLab(engine, surroundings, async (lab) => {
    const up = await lab.command('up', '--json');
    const drill = await lab.command('drill', 'run', 'restore', '--yes', '--json', ...flags);
    return { up: up.ms / 1000, drill: drill.ms / 1000, recovery: recoveryMs(drill.stdout) / 1000 };
  });
}

export const labRows: readonly EngineRow[] = [
  {
    ...{ name: 'lab-drill', title: 'restore drill of 1,000 keys', on: 'programs', maxRounds: 2 },
    figures: () => drillFigures,
    measure: (engine, surroundings) => measureDrill(engine, surroundings),
  },
  {
    ...{ name: 'large-drill', title: 'restore drill of 100,000 keys', on: 'programs', maxRounds: 1, isLarge: true },
    figures: () => drillFigures,
    measure: (engine, surroundings) => measureDrill(engine, surroundings, '--keys', `${surroundings.scale.drillKeys}`),
  },
  {
    ...{ name: 'lab-up', title: 'three members with mutual TLS', on: 'programs' },
    figures: () => ({ up: seconds('etcdlab up (upstream: a script around cfssl)') }),
    measure: async (engine, surroundings) => {
      if (engine.name === 'upstream') return { up: (await bringUpByHand(engine.executables, surroundings)) / 1000 };
      return await withLab(engine, surroundings, async (lab) => ({ up: (await lab.command('up')).ms / 1000 }));
    },
  },
];
