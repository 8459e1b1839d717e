/** Whole command lines against a server in this process. What real servers answer: test/interop/etcdctl-watch. */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../base/logger.ts';
import { memoryIo } from '../../cli/testing/memory-io.ts';
import { put, remove } from '../../mvcc/testing/drive.ts';
import { TestServer } from '../../rpc/testing/test-server.ts';
import { runEtcdctl } from '../main.ts';

let server: TestServer;

beforeEach(async () => {
  server = await TestServer.start({ logger: silentLogger });
});
afterEach(() => server.close());

/** A watch that reads its lines from the test, and ends when the test says so. */
function interactive(argv: string[] = [], env: Record<string, string> = {}) {
  const io = memoryIo('', env);
  const stdin = new PassThrough();
  const ended = runEtcdctl([`--endpoints=${server.address}`, 'watch', '-i', ...argv], { ...io, stdin });
  return { stdin, ended, out: io.out, err: io.err };
}

async function run(argv: string[], env: Record<string, string> = {}) {
  const io = memoryIo('', env);
  const exitCode = await runEtcdctl([`--endpoints=${server.address}`, 'watch', ...argv], io);
  return { exitCode, out: io.out(), err: io.err() };
}

describe('interactively', () => {
  test('any number of keys are watched at a time, each as its line says', async () => {
    const { mvcc } = server.member;
    put(mvcc, 'a', '1');
    const { stdin, ended, out, err } = interactive();
    stdin.write('watch a --rev=2 --prev-kv\nwatch b c -- sh -c "echo $ETCD_WATCH_KEY"\n');
    await vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(2), 10_000);
    put(mvcc, 'a', '2');
    await vi.waitFor(() => expect(out()).toBe('PUT\na\n1\nPUT\na\n1\na\n2\n'), 10_000);
    remove(mvcc, 'b');
    put(mvcc, 'bb', '3');
    await vi.waitFor(() => expect(out()).toMatch(/PUT\nbb\n3\n"bb"\n$/), 10_000);
    stdin.end();
    expect(await ended).toBe(3);
    expect(err()).toBe('Error: error reading watch request line: EOF\n');
    await vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(0), 10_000);
  });

  test('progress is asked for of all watches', async () => {
    const { stdin, ended, out } = interactive();
    stdin.write('watch a\nwatch b\nprogress\n');
    await vi.waitFor(() => expect(out()).toBe('progress notify: 1\nprogress notify: 1\n'), 10_000);
    stdin.end();
    await ended;
  });

  test('wrong lines are reported and passed over', async () => {
    const { stdin, ended, err } = interactive();
    stdin.end('\nfoo bar\nwatch\nwatch -- echo\nwatch a b --prefix\n');
    expect(await ended).toBe(3);
    expect(err().split('\n').slice(0, 5)).toEqual([
      'Invalid command:  (watch and progress supported)',
      'Invalid command foo bar (only support watch)',
      'Invalid command watch (command type or key is not provided)',
      'Invalid command watch -- echo (bad number of arguments)',
      'Invalid command watch a b --prefix (`range_end` and `--prefix` are mutually exclusive)',
    ]);
  });

  test.each([
    ['watch a --nope', {}, 'unknown flag: --nope'],
    ['watch a --', {}, 'bad number of arguments (found separator --, but no commands)'],
    ['watch --prefix', {}, 'bad number of arguments'],
    ['watch a', { ETCDCTL_WATCH_KEY: 'b' }, 'bad number of arguments (found conflicting environment key)'],
  ])('%j ends the command', async (line, env, message) => {
    const { stdin, ended, err } = interactive([], env);
    stdin.write(`${line}\n`);
    expect(await ended).toBe(128);
    expect(err()).toBe(`Error: ${message}\n`);
  });

  test('a command that fails ends all watches', async () => {
    const { stdin, ended, err } = interactive();
    put(server.member.mvcc, 'a', '1');
    stdin.write('watch b\nwatch a --rev=2 -- sh -c "exit 7"\n');
    expect(await ended).toBe(1);
    expect(err()).toBe('command ["sh" "-c" "exit 7"] error (exit status 7)\n');
    await vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(0), 10_000);
  });
});

describe('from the command line', () => {
  test('a watch whose start is compacted away is exit code 5', async () => {
    const { mvcc } = server.member;
    for (const value of ['1', '2', '3']) put(mvcc, 'a', value);
    await mvcc.compact(3).done;
    expect(await run(['a', '--rev=2'])).toEqual({
      exitCode: 5,
      out: '',
      err: 'watch was canceled (etcdserver: mvcc: required revision has been compacted)\nError: watch is canceled by the server\n',
    });
  });

  test('the environment names the range when no argument does', async () => {
    await server.member.mvcc.compact(1).done;
    const env = { ETCDCTL_WATCH_KEY: 'b', ETCDCTL_WATCH_RANGE_END: 'a' };
    expect((await run([], env)).err).toMatch(/^watch was canceled \(mvcc: watcher range is empty\)\n/);
  });

  test.each([
    [['a'], { ETCDCTL_WATCH_KEY: 'b' }, 'bad number of arguments (found conflicting environment key)'],
    [['a'], { ETCDCTL_WATCH_RANGE_END: 'b' }, 'ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END="b"'],
    [[], {}, 'bad number of arguments'],
    [['--', 'echo'], {}, 'bad number of arguments'],
    [['a', 'b', '--'], {}, 'bad number of arguments (found separator --, but no commands)'],
    [['a', 'b', '--prefix'], {}, '`range_end` and `--prefix` are mutually exclusive'],
  ])('%j with %j is refused', async (argv, env, message) => {
    expect(await run(argv, env as Record<string, string>)).toEqual({
      exitCode: 128,
      out: '',
      err: `Error: ${message}\n`,
    });
  });
});
