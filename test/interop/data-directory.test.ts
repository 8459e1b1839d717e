/**
 * Data directories that a killed cluster of one family has left, under the servers of the other: with everything
 * in them that a log and a database can hold.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { AlarmRequest_AlarmAction, AlarmType } from '../../server/proto/gen/rpc.ts';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

let cluster: TestCluster;
let client: EtcdClient;
let writer: RecordedWriter;

afterEach(async () => {
  await writer?.stop();
  client?.close();
  await cluster?.close();
});

const bytes = (text: string): Buffer => Buffer.from(text);
/** The members that are left when the membership has changed. */
const left = [1, 2, 3];

/** What every member must have, whichever family it is of. */
async function state(): Promise<unknown> {
  const { header } = await client.range({ key: bytes('x') });
  const revision = header?.revision ?? 0;
  const hashes = new Set<string>();
  for (const index of left) {
    const { clientUrl: endpoint } = cluster.member(index);
    await client.range({ key: bytes('x') }, { endpoint });
    const { hash, compact_revision } = await client.hashKv({ revision }, { endpoint });
    hashes.add(`${hash} compacted at ${compact_revision}`);
  }
  expect([...hashes]).toHaveLength(1);
  const { members } = await client.memberList({ linearizable: true });
  const leases = [];
  for (const { ID } of (await client.leases()).leases) {
    const { grantedTTL, keys } = await client.leaseTimeToLive({ ID, keys: true });
    leases.push({ ID, grantedTTL, keys: keys.map((key) => Buffer.from(key).toString()).sort() });
  }
  return {
    ...{ revision, hash: [...hashes][0] },
    members: members.map(({ ID, name, peerURLs }) => [ID, name, ...peerURLs]).sort(),
    leases: leases.sort((a, b) => Number(a.ID - b.ID)),
    alarms: (await client.alarm({ alarm: AlarmType.NONE })).alarms,
  };
}

/** Adds one member and removes another: the log and the database have to carry both. */
async function changeMembership(): Promise<void> {
  const index = await cluster.addMember();
  const { name, peerUrl } = cluster.member(index);
  const { members } = await client.memberAdd({ peerURLs: [peerUrl] });
  const initial = members.map((each) => `${each.name || name}=${each.peerURLs[0]}`).join();
  cluster.launch(index, [`--initial-cluster=${initial}`, '--initial-cluster-state=existing']);
  await cluster.waitHealthy();
  const first = (await client.memberList({ linearizable: true })).members.find((member) => member.name === 'm1');
  client.close();
  client = cluster.client(left.map((each) => cluster.member(each).clientUrl));
  await client.memberRemove({ ID: first?.ID ?? 0n });
  await cluster.waitEnded(0);
}

async function write(): Promise<void> {
  for (const ID of [11n, 12n, 13n]) await client.leaseGrant({ ID, TTL: 5000 });
  for (let i = 0; i < 30; i++) {
    await client.put({ key: bytes(`leased/${i}`), value: bytes('v'), lease: [11n, 12n, 13n][i % 3] as bigint });
  }
  await client.leaseRevoke({ ID: 12n });
  await client.deleteRange({ key: bytes('leased/1'), range_end: bytes('leased/15') });
  for (let i = 0; i < 300; i++) await client.put({ key: bytes(`key/${i % 20}`), value: bytes(`${i}`) });
}

async function raiseNoSpace(action: AlarmRequest_AlarmAction): Promise<void> {
  const { header } = await client.status();
  await client.alarm({ action, memberID: header?.member_id ?? 0n, alarm: AlarmType.NOSPACE });
}

async function startLeft(executables: Executables): Promise<void> {
  cluster.executables = executables;
  for (const index of left) cluster.launch(index);
  await cluster.waitHealthy();
}

describe.skipIf(!haveUpstream())(
  'data directories that a killed cluster has left',
  { retry: 0, timeout: 120_000 },
  () => {
    const upstream = async (): Promise<Executables> => upstreamExecutables();

    test.each([
      { title: 'ours under upstream’s servers', first: ensureBuilt, second: upstream },
      { title: 'upstream’s under our servers', first: upstream, second: ensureBuilt },
    ])('$title: keys, leases, alarms, compactions and members are the same', async ({ first, second }) => {
      // Without the wait for members to have been connected for a while; with snapshots of the log in between.
      const flags = [
        '--strict-reconfig-check=false',
        '--snapshot-count=150',
        '--experimental-snapshot-catchup-entries=20',
      ];
      cluster = await TestCluster.start(await first(), { flags });
      client = cluster.client();
      await write();
      await changeMembership();
      writer = new RecordedWriter(client);
      await writer.moreAcknowledged(300);
      await writer.stop();
      await raiseNoSpace(AlarmRequest_AlarmAction.ACTIVATE);
      const { header } = await client.range({ key: bytes('x') });
      // Its deletions may be under way when the power goes.
      await client.compact({ revision: (header?.revision ?? 0) - 100 });
      const before = await state();
      expect(before).toMatchObject({ leases: [{ ID: 11n }, { ID: 13n }], alarms: [{ alarm: AlarmType.NOSPACE }] });
      await cluster.killAll();

      await startLeft(await second());
      expect(await state()).toEqual(before);
      expect(await writer.lostWrites(client)).toEqual([]);
      await expect(client.put({ key: bytes('k'), value: bytes('v') })).rejects.toThrow('database space exceeded');
    });
  },
);
