/**
 * How long a command of the tools takes: `etcdctl version`, which is the start alone, and `etcdctl get` from a member on
 * this machine, the same for both tools.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { ensureBuilt } from '../../scripts/build.ts';
import { TestCluster } from '../../test/support/test-cluster.ts';
import { spreadOf } from '../report/statistics.ts';
import type { EngineRow, Measured, Scale } from '../row.ts';

const figures = () =>
  ({
    wallMs: { title: 'wall time', unit: 'ms', better: 'lower' },
    cpuMs: { title: 'CPU', unit: 'ms', better: 'lower' },
  }) as const;

interface Sample {
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
}

function measureRuns(program: string, args: readonly string[], { runs }: Scale): Measured {
  const samples = Array.from({ length: runs }, () => measureRun(program, args));
  const medianOf = (of: keyof Sample): number => spreadOf(samples.map((sample) => sample[of])).median;
  return { wallMs: medianOf('wallMs'), cpuMs: medianOf('cpuMs') };
}

function measureRun(program: string, args: readonly string[]): Sample {
  const startMs = performance.now();
  // The shell's `times` tells the processor time of the one command that it ran.
  const script = '"$@" >/dev/null || exit; times';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', program, ...args], { encoding: 'utf8' });
  const wallMs = performance.now() - startMs;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  return { wallMs, cpuMs: childrenMs(stdout) };
}

/** @param times two lines, the shell's and its children's, such as `0m0.012s 0m0.003s` */
function childrenMs(times: string): number {
  const line = times.trim().split('\n').at(-1) ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + 60_000 * Number(m) + 1000 * Number(s),
    0,
  );
}

export const toolRows: readonly EngineRow[] = [
  {
    ...{ name: 'etcdctl-version', title: 'etcdctl version', on: 'programs', figures },
    measure: async ({ executables }, { scale }) => measureRuns(executables.etcdctl, ['version'], scale),
  },
  {
    ...{ name: 'etcdctl-get', title: 'etcdctl get', on: 'programs', figures },
    measure: async ({ executables }, { scale }) => {
      const cluster = await TestCluster.start(await ensureBuilt(), { members: 1, flags: ['--log-level=error'] });
      try {
        const endpoint = `--endpoints=${cluster.member(0).clientUrl}`;
        execFileSync(executables.etcdctl, [endpoint, 'put', 'key', 'value']);
        return measureRuns(executables.etcdctl, [endpoint, 'get', 'key'], scale);
      } finally {
        await cluster.close();
      }
    },
  },
];
