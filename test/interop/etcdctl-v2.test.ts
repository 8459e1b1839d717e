/**
 * The commands of the v2 API: upstream's tool on upstream's v2 store, and ours on v3 keys. What users saw then they see
 * again; indexes differ, since they are revisions now.
 */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runEtcdctl } from '../../server/etcdctl/main.ts';
import { runCommandWith, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const env = { ETCDCTL_API: '2' };

interface Seen {
  readonly exitCode: number;
  readonly stdout: string;
  readonly error: string;
}

let cluster: TestCluster;

beforeAll(async () => {
  if (!haveUpstream()) return;
  // Both stores are in one server and do not know of each other.
  const flags = ['--unsafe-no-fsync', '--enable-v2'];
  cluster = await TestCluster.start(upstreamExecutables(), { members: 1, flags });
});
afterAll(() => cluster?.close());

async function theirs(args: readonly string[], input: string): Promise<Seen> {
  const { etcdctl } = upstreamExecutables();
  const { exitCode, stdout, stderr } = await runCommandWith(etcdctl, args, { input, env });
  return { exitCode, stdout, error: stderr };
}

async function ours(args: readonly string[], input: string): Promise<Seen> {
  const out: string[] = [];
  const err: string[] = [];
  const sink = (chunks: string[]) => ({ write: (chunk: string | Uint8Array) => chunks.push(String(chunk)) });
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)]);
  const exitCode = await runEtcdctl(args, { stdin, stdout: sink(out), stderr: sink(err), env });
  return { exitCode, stdout: out.join(''), error: err.filter((text) => !text.startsWith('note: ')).join('') };
}

function comparable({ exitCode, stdout, error }: Seen, args: readonly string[]): unknown {
  const plain = (text: string): string =>
    text
      .replaceAll(/(?<=\) )\[\d+\]/g, '[N]')
      .replaceAll(/(Index":|Index: )\d+/g, '$1N')
      .replaceAll(/\/\d{20}/g, '/NAME')
      // Seconds may pass between the two; a node that stays has 0.
      .replaceAll(/\bTTL: [1-9]\d*/g, 'TTL: N')
      .trimEnd();
  // The v2 store listed in no order.
  const lines = args.includes('ls') ? plain(stdout).split('\n').sort().join('\n') : plain(stdout);
  return { exitCode, stdout: lines, error: plain(error) };
}

const script: (string | { line: string; input: string })[] = [
  'set /foo/bar hello',
  'set foo/bar',
  'set',
  'get',
  'get foo/bar',
  'get //foo/bar/',
  'get /foo',
  'get /no',
  '-o extended get /foo/bar',
  '-o json get /foo/bar',
  '-o extended set /foo/bar x2',
  '-o json set /foo/bar x3',
  { line: 'set /stdin', input: 'from a pipe' },
  'mk /foo/bar y',
  'mk /foo/new y',
  'mk --in-order /q job',
  'mk --in-order /q job2',
  'mkdir /d',
  'mkdir /d',
  'mkdir /foo/bar',
  '-o extended mkdir /d2',
  'mkdir /deep/er/still',
  'ls',
  'ls /',
  'ls /foo',
  'ls -p --recursive /',
  'ls -p /',
  'ls /foo/bar',
  'ls /nope',
  'rm /d',
  'rm --dir /d',
  'rm --dir /foo',
  'rm /no',
  'rmdir /foo',
  'rmdir /d2',
  'rmdir /foo/bar',
  '-o json rm /foo/new',
  'ls /foo',
  'set /foo z',
  'set /foo/file z',
  'set /foo/file/below z',
  'update /foo/file up',
  'update /no up',
  'update /foo up',
  'set --swap-with-value up /foo/file sw',
  'set --swap-with-value up /foo/file sw',
  'set --swap-with-value x /none sw',
  'set --ttl 100 /t v',
  '-o extended get /t',
  'rm --with-value q /t',
  'rm --with-value v /t',
  'setdir /s1',
  'setdir /s1',
  'set /_hidden/x 1',
  'ls -r',
  'ls /_hidden',
  'rm --recursive /foo',
  'ls /foo',
];

describe.skipIf(!haveUpstream())('ETCDCTL_API=2', () => {
  test('a session of a v2 user goes as it went', { timeout: 120_000 }, async () => {
    for (const step of script) {
      const { line, input } = typeof step === 'string' ? { line: step, input: '' } : step;
      const args = [`--endpoints=${cluster.member(0).clientUrl}`, ...line.split(' ')];
      const [expected, actual] = await Promise.all([theirs(args, input), ours(args, input)]);
      expect.soft(comparable(actual, args), line).toEqual(comparable(expected, args));
    }
  });

  test('the health of the cluster and its members', async () => {
    const args = [`--endpoints=${cluster.member(0).clientUrl}`];
    for (const command of [['cluster-health'], ['member', 'list']]) {
      expect(await ours([...args, ...command], '')).toEqual(await theirs([...args, ...command], ''));
    }
    const dead = ['--endpoints=http://127.0.0.1:1', '--total-timeout=500ms'];
    expect((await ours([...dead, 'get', '/x'], '')).exitCode).toBe((await theirs([...dead, 'get', '/x'], '')).exitCode);
    const health = await ours([...dead, 'cluster-health'], '');
    expect(health).toMatchObject({ exitCode: 4, stdout: 'cluster may be unhealthy: failed to list members\n' });
  });

  test('what has no counterpart says what to do instead, and each command that v2 is history', async () => {
    const { exitCode, error } = await ours(['backup'], '');
    expect(exitCode).toBe(1);
    expect(error).toContain('snapshot save');
    const said: string[] = [];
    const stderr = { write: (chunk: string | Uint8Array) => said.push(String(chunk)) };
    await runEtcdctl(['ls', `--endpoints=${cluster.member(0).clientUrl}`], {
      ...{ stdin: Readable.from([]), stdout: { write: () => {} }, stderr, env },
    });
    expect(said.filter((text) => text.includes('the v2 API is history'))).toHaveLength(1);
  });
});
