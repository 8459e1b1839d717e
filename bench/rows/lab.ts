/** The lab as a whole: bringing it up, a restore drill, and both beside what one would do by hand. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { freePorts } from '../../test/support/test-cluster.ts';
import type { Engine, EngineRow, Measured } from '../row.ts';
import { bringUpByHand } from './by-hand.ts';

const run = promisify(execFile);
const toolkit = path.resolve(import.meta.dirname, '../../toolkit/main.ts');
const maxOutputBytes = 64 * 1024 * 1024;
const commandMs = 180_000;

interface Lab {
  /** Runs an `etcdlab` command on the lab. @throws Error with what it has said when it fails */
  command(...args: string[]): Promise<{ ms: number; stdout: string }>;
}

/** Describes a lab of three members in a folder, and takes it away afterwards. */
async function withLab<T>({ name, executables }: Engine, folder: string, work: (lab: Lab) => Promise<T>): Promise<T> {
  const ports = await freePorts(6);
  const nodes = [0, 1, 2].map((i) => ({ name: `node${i + 1}`, clientPort: ports[2 * i], peerPort: ports[2 * i + 1] }));
  const engine = name === 'built-in' ? name : { kind: name, path: path.dirname(executables.etcd) };
  await writeFile(path.join(folder, 'lab.yaml'), stringify({ name: 'bench', engine, nodes }));
  const lab: Lab = {
    command: async (...args) => {
      const startMs = performance.now();
      const options = { cwd: folder, maxBuffer: maxOutputBytes, timeout: commandMs };
      const { stdout } = await run(process.execPath, [toolkit, ...args], options);
      return { ms: performance.now() - startMs, stdout };
    },
  };
  try {
    return await work(lab);
  } finally {
    await lab.command('destroy', '--yes').catch(() => undefined);
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

export const labRows: readonly EngineRow[] = [
  {
    ...{ name: 'lab-drill', title: 'restore drill of 1,000 keys', on: 'programs' },
    figures: () => ({
      up: seconds('etcdlab up before it'),
      drill: seconds('all of it'),
      recovery: seconds('of which disaster to healthy'),
    }),
    measure: (engine, { scratch }) =>
      withLab(engine, scratch, async (lab): Promise<Measured> => {
        const up = await lab.command('up', '--json');
        const drill = await lab.command('drill', 'run', 'restore', '--yes', '--json');
        return { up: up.ms / 1000, drill: drill.ms / 1000, recovery: recoveryMs(drill.stdout) / 1000 };
      }),
  },
  {
    ...{ name: 'lab-up', title: 'three members with mutual TLS', on: 'programs' },
    figures: () => ({ up: seconds('etcdlab up (upstream: a script around cfssl)') }),
    measure: async (engine, { scratch }) => {
      if (engine.name === 'upstream') return { up: (await bringUpByHand(engine.executables, scratch)) / 1000 };
      return await withLab(engine, scratch, async (lab) => ({ up: (await lab.command('up')).ms / 1000 }));
    },
  },
];
