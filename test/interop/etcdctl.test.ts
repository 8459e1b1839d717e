/**
 * The same command lines through upstream's etcdctl and ours, each against an upstream member of its own with the
 * same history: what a script sees (standard output, exit code, the error) must be the same.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runEtcdctl } from '../../server/etcdctl/main.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { type Line, lines } from './etcdctl-lines.ts';
import { normalized, withoutIds } from './etcdctl-normalize.ts';

interface Result {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** One etcdctl and the member that it talks to. */
interface Side {
  readonly cluster: TestCluster;
  run(args: readonly string[], line: Line): Promise<Result>;
}

let upstream: Side;
let ours: Side;

beforeAll(async () => {
  if (!haveUpstream()) return;
  const executables = upstreamExecutables();
  const start = () => TestCluster.start(executables, { members: 1, flags: ['--unsafe-no-fsync'] });
  const [one, other] = await Promise.all([start(), start()]);
  await Promise.all([one, other].map(({ directory }) => writeFile(path.join(directory, 'small'), Buffer.alloc(3000))));
  await Promise.all([one, other].map(grantLeases));
  upstream = { cluster: one, run: (args, line) => runProgram(executables.etcdctl, args, line) };
  ours = { cluster: other, run: runInProcess };
});

afterAll(async () => {
  await Promise.all([upstream, ours].map((side) => side?.cluster.close()));
});

/** Leases with known ids, which etcdctl cannot choose; apart in time, so that their order is the same. */
async function grantLeases(cluster: TestCluster): Promise<void> {
  const client = cluster.client();
  try {
    await client.leaseGrant({ ID: 0x5678n, TTL: 3600 });
    await client.leaseGrant({ ID: -3n, TTL: 4000 });
    await client.leaseGrant({ ID: -4n, TTL: 5000 });
  } finally {
    client.close();
  }
}

async function runProgram(program: string, args: readonly string[], { env = {}, input = '' }: Line): Promise<Result> {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, timeout: 60_000 });
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  child.stdin.on('error', () => {}); // It may end without reading.
  child.stdin.end(input);
  const [exitCode, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  return { exitCode, stdout, stderr: stderr.toString() };
}

async function runInProcess(args: readonly string[], { env = {}, input = '' }: Line): Promise<Result> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const sink = (chunks: Buffer[]) => ({ write: (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk)) });
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]);
  const exitCode = await runEtcdctl(args, { stdin, stdout: sink(stdout), stderr: sink(stderr), env });
  return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

async function observe(side: Side, line: Line): Promise<unknown> {
  const { cluster } = side;
  const { clientUrl } = cluster.member(0);
  const file = (name: string): string => path.join(cluster.directory, name);
  const files: Record<string, string> = { SNAPSHOT: file('s.db'), SMALL: file('small'), TARGET: file('restored') };
  const endpoints = line.endpoints?.(clientUrl) ?? clientUrl;
  const args = [`--endpoints=${endpoints}`, ...line.args.map((arg) => files[arg] ?? arg)];
  const result = await side.run(args, line);
  const isProtobuf = line.args.at(-1) === 'protobuf' && line.args[0] !== 'member';
  return {
    exitCode: result.exitCode,
    stdout: isProtobuf ? withoutIds(result.stdout) : normalized(cluster, result.stdout.toString()),
    error: normalized(cluster, errorLines(result.stderr)),
  };
}

/** Of standard error, what scripts look at; log lines and notices are free. */
function errorLines(stderr: string): string {
  const pattern = /^(?:Error|Failed to get|unsupported API|.* is unhealthy|Deprecated|\{"level":"fatal")/;
  return stderr
    .split('\n')
    .filter((text) => pattern.test(text))
    .map((text) => text.replace(/^\{.*"environment-variable":("[A-Z_]+").*/, 'fatal: $1'))
    .join('\n');
}

describe.skipIf(!haveUpstream())('etcdctl says and does what upstream’s does:', () => {
  for (const [title, group] of Object.entries(lines)) {
    test(title, { timeout: 240_000 }, async () => {
      for (const line of group) {
        const [expected, actual] = await Promise.all([observe(upstream, line), observe(ours, line)]);
        const input = line.input === undefined ? '' : ` <<< ${JSON.stringify(line.input)}`;
        expect.soft(actual, `etcdctl ${line.args.join(' ')}${input}`).toEqual(expected);
      }
    });
  }
});
