/** /metrics of a member after the same work, beside upstream's: every family with its type, labels and buckets. */
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { PutRequest, RequestOp } from '../../server/proto/gen/rpc.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

/** What only upstream has, and why there is nothing to measure here. */
const leftOut = [
  // Go's runtime and its metrics library; ours has nodejs_* in their place.
  /^go_/,
  /^promhttp_/,
  /^process_(?:network_(?:receive|transmit)_bytes_total|virtual_memory_max_bytes)$/,
  // bbolt's own phases of a commit.
  /^etcd_debugging_disk_backend_commit_(?:rebalance|spill|write)_duration_seconds$/,
  // The v2 store, which 3.5 still has inside.
  /^etcd_debugging_store_/,
  // The gRPC proxy, which is another process.
  /^etcd_grpc_proxy_/,
];

/** Upstream 3.5 puts a member's attributes and the cluster version into the log in the older form, ours in the newer. */
const ofMembership = /version="v2"|op="Cluster/;

interface Family {
  type: string;
  /** Label names as they stand together, such as `op,success`. */
  labels: Set<string>;
  buckets: Set<string>;
}

let cluster: TestCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

async function scrape(executables: Executables): Promise<string> {
  cluster = await TestCluster.start(executables, { members: 1, flags: ['--unsafe-no-fsync', '--snapshot-count=20'] });
  const client = cluster.client();
  try {
    await work(client);
    const response = await fetch(`${cluster.member(0).clientUrl}/metrics`);
    return await response.text();
  } finally {
    client.close();
    await cluster.close();
    cluster = undefined;
  }
}

const bytes = (text: string): Buffer => Buffer.from(text);

/** One of each kind of request that goes through the log, and of what reads the whole database. */
async function work(client: ReturnType<TestCluster['client']>): Promise<void> {
  for (let i = 0; i < 30; i++) await client.put({ key: bytes(`k${i % 3}`), value: bytes(`${i}`) });
  await client.deleteRange({ key: bytes('k0') });
  await client.range({ key: bytes('k1') });
  const put = PutRequest.create({ key: bytes('k1'), value: bytes('t') });
  await client.txn({ success: [RequestOp.create({ request_put: put })] });
  await client.put({ key: bytes('k'), value: bytes(''), lease: 404n }).catch(() => undefined);
  const { ID } = await client.leaseGrant({ TTL: 600 });
  await client.leaseRevoke({ ID });
  await client.compact({ revision: 20, physical: true });
  await client.auth.userAdd({ name: 'someone', password: 'secret' });
  await client.auth.userGet({ name: 'someone' });
  await client.hashKv({ revision: 0 });
  const { members } = await client.memberList({ linearizable: true });
  await client.memberPromote({ ID: members[0]?.ID ?? 0n }).catch(() => undefined);
  await client.alarm({});
}

function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name && type) families.set(name, { type, labels: new Set(), buckets: new Set() });
    const [, sample, labelText = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (sample === undefined) continue;
    const family = families.get(sample) ?? families.get(sample.replace(/_(?:bucket|sum|count)$/, ''));
    const pairs = [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value] as const);
    const labels = pairs.map(([key]) => key).filter((key) => key !== 'le');
    family?.labels.add(labels.sort().join());
    const bound = pairs.find(([key]) => key === 'le')?.[1];
    if (bound !== undefined) family?.buckets.add(bound);
  }
  return families;
}

/** The label sets of a family, the values included. */
function labelled(text: string, sample: string): string[] {
  const found = text.split('\n').filter((line) => line.startsWith(`${sample}{`));
  const sets = found.map((line) => line.slice(sample.length, line.lastIndexOf(' ')));
  return sets.map((set) => set.slice(1, -1).split(',').sort().join()).sort();
}

describe.skipIf(!haveUpstream())('metrics', () => {
  test('every family of upstream’s is there with its type, labels and buckets', async () => {
    const theirs = await scrape(upstreamExecutables());
    const ours = await scrape(await ensureBuilt());
    const expected = [...parse(theirs)].filter(([name]) => !leftOut.some((pattern) => pattern.test(name)));
    expect(expected.length).toBeGreaterThan(70);
    const found = parse(ours);
    for (const [name, family] of expected) expect.soft(found.get(name), name).toEqual(family);
    const applied = (text: string) =>
      labelled(text, 'etcd_server_apply_duration_seconds_count').filter((labels) => !ofMembership.test(labels));
    expect.soft(applied(ours)).toEqual(applied(theirs));
  });
});
