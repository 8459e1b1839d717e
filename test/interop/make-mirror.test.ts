/** `etcdctl make-mirror` of either family, from clusters of one engine to clusters of the other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const pollTimeout = { timeout: 20_000, interval: 50 };
const engines = ['upstream', 'ours'] as const;
type Engine = (typeof engines)[number];

interface Side {
  cluster: TestCluster;
  client: EtcdClient;
  etcdctl: string;
}

const sides = new Map<Engine, Side>();
let running: ChildProcess | undefined;

beforeAll(async () => {
  if (!haveUpstream()) return;
  for (const engine of engines) {
    const executables = engine === 'ours' ? await ensureBuilt() : upstreamExecutables();
    const cluster = await TestCluster.start(executables, { members: 1, flags: ['--unsafe-no-fsync'] });
    sides.set(engine, { cluster, client: cluster.client(), etcdctl: executables.etcdctl });
  }
});

afterEach(() => stop());

afterAll(async () => {
  for (const { cluster, client } of sides.values()) {
    client.close();
    await cluster.close();
  }
});

const side = (engine: Engine): Side => sides.get(engine) as Side;
const bytes = (text: string): Buffer => Buffer.from(text);

/** Keys under the prefix, without it, and their values. */
async function under({ client }: Side, prefix: string): Promise<Record<string, string>> {
  const { kvs } = await client.range({ key: bytes(prefix), range_end: bytes(`${prefix}~`) });
  return Object.fromEntries(kvs.map(({ key, value }) => [key.subarray(prefix.length).toString(), value.toString()]));
}

let said = '';

function start(tool: Engine, from: Side, to: Side, flags: string[]): void {
  said = '';
  const args = [`--endpoints=${from.cluster.endpoints.join()}`, 'make-mirror', ...flags, ...to.cluster.endpoints];
  running = spawn(side(tool).etcdctl, args, { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  running.stderr?.on('data', (text) => {
    said += text;
  });
}

async function stop(): Promise<void> {
  const child = running;
  running = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGINT');
  await closed;
}

const ways = engines.flatMap((from) => engines.map((to) => [from, to] as const)).filter(([from, to]) => from !== to);

describe.skipIf(!haveUpstream())('make-mirror', () => {
  test.for(engines.flatMap((tool) => ways.map(([from, to]) => [tool, from, to] as const)))(
    'by %s from %s to %s copies what is there, and what happens then',
    async ([tool, source, destination]) => {
      const [from, to] = [side(source), side(destination)];
      const prefix = `${tool}-${source}/`;
      const copy = `copy-of-${prefix}`;
      for (let i = 0; i < 300; i++) await from.client.put({ key: bytes(`${prefix}${i}`), value: bytes(`v${i}`) });
      start(tool, from, to, [`--prefix=${prefix}`, `--dest-prefix=${copy}`]);
      await expect.poll(() => under(to, copy), pollTimeout).toEqual(await under(from, prefix));

      await from.client.put({ key: bytes(`${prefix}new`), value: bytes('') });
      await from.client.put({ key: bytes(`${prefix}7`), value: bytes('changed') });
      await from.client.put({ key: bytes('elsewhere'), value: bytes('') });
      await from.client.deleteRange({ key: bytes(`${prefix}1`), range_end: bytes(`${prefix}2`) });
      const expected = await under(from, prefix);
      expect(Object.keys(expected)).toHaveLength(190);
      await expect.poll(() => under(to, copy), pollTimeout).toEqual(expected);
    },
  );

  test('goes on from where it was stopped', async () => {
    const [from, to] = [side('upstream'), side('ours')];
    const flags = ['--prefix=resumed/', '--no-dest-prefix'];
    await from.client.put({ key: bytes('resumed/a-'), value: bytes('1') });
    await from.client.put({ key: bytes('resumed/a-gone'), value: bytes('1') });
    start('ours', from, to, flags);
    await expect.poll(() => under(to, 'a-'), pollTimeout).toEqual({ '': '1', gone: '1' });
    await stop();
    const rev = /--rev=\d+/.exec(said)?.[0];
    expect(said).toContain('mirroring has ended');
    await from.client.deleteRange({ key: bytes('resumed/a-gone') });
    await from.client.put({ key: bytes('resumed/a-'), value: bytes('2') });
    start('ours', from, to, [...flags, rev as string]);
    await expect.poll(() => under(to, 'a-'), pollTimeout).toEqual({ '': '2' });
  });
});
