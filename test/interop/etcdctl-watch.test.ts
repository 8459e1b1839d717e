/** `etcdctl watch` of both makes against servers of both makes: what they print and how they end must be the same. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { normalized, withoutIds } from './etcdctl-normalize.ts';

interface Case {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Given to standard input, which stays open until the output is there. */
  readonly input?: string;
  /** Lines of standard output after which the command is ended; without it, it must end by itself. */
  readonly lines?: number;
}

/** Words by spaces; 'with quotes' for the others. */
function line(args: string, more: Omit<Case, 'args'> = {}): Case {
  return { args: (args.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", '')), ...more };
}

const show = `sh -c 'echo $ETCD_WATCH_REVISION $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE'`;
const cases: Case[] = [
  line('k --prefix --rev=3', { lines: 12 }),
  line('k --prefix --rev=3 --prev-kv', { lines: 18 }),
  line('k --prefix --rev=3 --hex', { lines: 12 }),
  line('k --prefix --rev=3 --prev-kv -w json', { lines: 1 }),
  line('k --prefix --rev=3 --prev-kv -w fields', { lines: 50 }),
  line('k --prefix --rev=3 -w protobuf', { lines: 4 }),
  line('k --prefix --rev=3 -w table'),
  line('k --prefix --rev=3 -w xml'),
  line("'' --prefix --rev=3", { lines: 12 }),
  line('k0 k1 --rev=3', { lines: 9 }),
  line('k1 odd third --rev=4', { lines: 3 }),
  ...['simple', 'json', 'fields', 'protobuf'].map((format) => line(`k1 --rev=2 -w ${format}`)),
  ...['simple', 'json', 'fields'].map((format) => line(`b a -w ${format}`)),
  line('a --rev=-1'),
  line(`k --prefix --rev=3 -- ${show}`, { lines: 16 }),
  line(`k1 --rev=4 -- sh -c 'cat; exit 7'`),
  line('k1 --rev=4 -- /nonexistent'),
  line('k1 --rev=4 -- nonexistent'),
  line(`k1 --rev=4 -- sh -c 'kill -9 $$'`),
  line(''),
  line('a --'),
  line('a b --prefix'),
  line('-- echo'),
  line('a', { env: { ETCDCTL_WATCH_KEY: 'k1' } }),
  line('a', { env: { ETCDCTL_WATCH_RANGE_END: 'k2' } }),
  line('--rev=4', { env: { ETCDCTL_WATCH_KEY: 'k1' }, lines: 3 }),
  line('--rev=3 -- echo hi', { env: { ETCDCTL_WATCH_KEY: 'k0', ETCDCTL_WATCH_RANGE_END: 'k1' }, lines: 12 }),
  line('k1 --rev=x'),
  line('-i', { input: 'watch k1 --rev=4\n', lines: 3 }),
  line('-i', { input: 'watch "k1" --rev=4 -- sh -c "echo x y"\n', lines: 4 }),
  line('-i', { input: 'watch k1\nprogress\n', lines: 1 }),
  line('-i -w json', { input: 'watch k1\nprogress\n', lines: 2 }),
  line('-i', { input: '\nfoo\nwatch\nput a b\nwatch -- echo\nwatch k1 k2 --prefix\n', lines: 0 }),
  line('-i', { input: 'watch k1 --rev=2\nwatch k0 --rev=5\n', lines: 6 }),
  line('-i', { input: 'watch --rev=4 -- echo hi\n', env: { ETCDCTL_WATCH_KEY: 'k1' }, lines: 4 }),
  line('-i', { input: 'watch k1 --nope\n' }),
  line('-i', { input: 'watch k1 --\n' }),
  line('-i', { input: 'watch --prefix\n' }),
  line('-i', { input: 'watch k1\n', env: { ETCDCTL_WATCH_KEY: 'k1' } }),
];

let clusters: { upstream: TestCluster; ours: TestCluster };
let programs: { upstream: Executables; ours: Executables };

beforeAll(async () => {
  if (!haveUpstream()) return;
  programs = { upstream: upstreamExecutables(), ours: await ensureBuilt() };
  const flags = ['--unsafe-no-fsync'];
  const start = async (executables: Executables): Promise<TestCluster> => {
    const cluster = await TestCluster.start(executables, { members: 1, flags });
    const client = cluster.client();
    for (const [key, value] of ['k1=v1', 'k0=v2', 'k1=v3', 'k0=v4'].map((pair) => pair.split('='))) {
      await client.put({ key: Buffer.from(key as string), value: Buffer.from(value as string) });
    }
    await client.deleteRange({ key: Buffer.from('k0') });
    await client.compact({ revision: 3 });
    client.close();
    return cluster;
  };
  const [upstream, ours] = await Promise.all([start(programs.upstream), start(programs.ours)]);
  clusters = { upstream, ours };
});

afterAll(() => Promise.all([clusters?.upstream.close(), clusters?.ours.close()]));

/** Runs one command line until its output is there, or to its end. */
function run(program: string, cluster: TestCluster, { args, env = {}, input, lines }: Case): Promise<unknown> {
  const endpoint = `--endpoints=${cluster.member(0).clientUrl}`;
  return new Promise((resolve) => {
    const child = spawn(program, [endpoint, 'watch', ...args], {
      env: { PATH: process.env.PATH, ETCDCTL_API: '3', ...env },
      timeout: 30_000,
    });
    let stdout = Buffer.alloc(0);
    let stderr = '';
    let isEnough = false;
    child.stdin.on('error', () => {}); // It may end without reading.
    if (input === undefined) child.stdin.end();
    else child.stdin.write(input);
    const check = (): void => {
      if (lines === undefined || isEnough || stdout.toString('latin1').split('\n').length - 1 < lines) return;
      isEnough = true;
      // The end of the input ends an interactive watch; any other goes on until it is ended.
      if (input === undefined) child.kill('SIGTERM');
      else child.stdin.end();
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout = Buffer.concat([stdout, chunk]);
      check();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    check();
    child.once('close', (exitCode, signal) => {
      const isBinary = args.includes('protobuf');
      resolve({
        ...{ exitCode, signal },
        stdout: isBinary ? withoutIds(stdout) : normalized(cluster, stdout.toString()),
        stderr: withoutLog(stderr),
      });
    });
  });
}

/** Of standard error, what scripts look at; log lines and empty ones are free. */
function withoutLog(stderr: string): string[] {
  return stderr.split('\n').filter((each) => each !== '' && !each.startsWith('{'));
}

function title({ args, env = {}, input = '' }: Case): string {
  return JSON.stringify([...Object.keys(env), ...args, ...input.split('\n')].join(' ').trim());
}

describe.runIf(haveUpstream())('etcdctl watch', () => {
  test.each(cases.map((of) => [title(of), of] as const))('%s', async (_, of) => {
    const expected = await run(programs.upstream.etcdctl, clusters.upstream, of);
    expect(await run(programs.upstream.etcdctl, clusters.ours, of), 'upstream’s against our server').toEqual(expected);
    expect(await run(programs.ours.etcdctl, clusters.upstream, of), 'ours against upstream’s server').toEqual(expected);
    expect(await run(programs.ours.etcdctl, clusters.ours, of), 'ours against our server').toEqual(expected);
  });
});
