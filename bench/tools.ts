/**
 * How long a command of our tools takes beside upstream's (ETCDLAB_UPSTREAM names its binaries): `etcdctl version`, which
 * is the start alone, and `etcdctl get` from a member on this machine. Run by `npm run bench:tools`.
 *
 * In turn, round by round, with the processor time beside the wall time: on a busy machine the wall time says more about
 * the others. What counts is the ratio within one run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/build.ts';
import { TestCluster } from '../test/support/test-cluster.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '30' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) throw new Error('--rounds takes 1 to 1000');
const folder = process.env.ETCDLAB_UPSTREAM;
if (folder === undefined) throw new Error('ETCDLAB_UPSTREAM must name the folder of upstream’s etcdctl');

const own = await ensureBuilt();
const programs = { upstream: path.resolve(folder, 'etcdctl'), 'built-in': own.etcdctl };
const cluster = await TestCluster.start(own, { members: 1, flags: ['--unsafe-no-fsync'] });
try {
  const endpoint = `--endpoints=${cluster.member(0).clientUrl}`;
  execFileSync(own.etcdctl, [endpoint, 'put', 'key', 'value']);
  const commands = { version: ['version'], get: [endpoint, 'get', 'key'] };
  for (const [title, args] of Object.entries(commands)) {
    const samples = { upstream: [] as Sample[], 'built-in': [] as Sample[] };
    for (let round = 0; round < rounds; round++) {
      for (const name of ['upstream', 'built-in'] as const) samples[name].push(measure(programs[name], args));
    }
    console.log(`etcdctl ${title}`);
    const [theirs, ours] = [best(samples.upstream), best(samples['built-in'])];
    for (const [name, { wallMs, cpuMs }] of Object.entries({ upstream: theirs, 'built-in': ours })) {
      console.log(`  ${name.padEnd(8)} wall ${wallMs.toFixed(1)} ms, processor ${cpuMs.toFixed(1)} ms`);
    }
    const ratio = (of: keyof Sample): string => (ours[of] / theirs[of]).toFixed(2);
    console.log(`  ratio    wall ${ratio('wallMs')}, processor ${ratio('cpuMs')}`);
  }
} finally {
  await cluster.close();
}

interface Sample {
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
}

function measure(program: string, args: readonly string[]): Sample {
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

/** The least of each: whatever came between only made it longer. */
function best(samples: readonly Sample[]): Sample {
  const least = (of: keyof Sample): number => Math.min(...samples.map((sample) => sample[of]));
  return { wallMs: least('wallMs'), cpuMs: least('cpuMs') };
}
