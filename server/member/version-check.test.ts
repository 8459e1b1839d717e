/** A server and a cluster of another release: who may start, join, and go on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { newMember } from '../membership/mod.ts';
import { PeerClient } from '../peer/mod.ts';
import { Workbench } from '../peer/testing/workbench.ts';
import { ConfState, Entry, EntryType } from '../proto/gen/raft.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { checkClusterVersion } from './join.ts';
import { BareMember, memberConfig } from './testing/bare-member.ts';
import { requireFittingVersion, UnfitVersionError } from './version-check.ts';

const none = { enabled: false, targetVersion: '' };
const to = (targetVersion: string) => ({ enabled: true, targetVersion });
const tooLow = 'invalid downgrade; server version is lower than determined cluster version';
const notAllowed = 'invalid downgrade; server version is not allowed to join when downgrade is enabled';

describe('a server of 3.5', () => {
  test.each([
    [undefined, none],
    ['3.0.0', none],
    ['3.5.0', none],
    ['3.6.0', to('3.5.0')],
    [undefined, to('3.5.0')],
  ])('fits a cluster at %s with %o', (version, downgrade) => {
    requireFittingVersion(version, downgrade);
  });

  test.each([
    ['3.6.0', none, `${tooLow}: this server is 3.5.30, and the cluster is at 3.6.0`],
    ['3.6.0', none, 'etcdctl downgrade enable 3.5'],
    ['4.0.0', none, /Start etcd 4\.0 on this data directory$/],
    ['3.5.0', to('3.4.0'), `${notAllowed}: this server is 3.5.30, and the cluster goes to 3.4.0`],
    ['3.7.0', to('3.6.0'), notAllowed],
  ])('does not fit a cluster at %s with %o', (version, downgrade, message) => {
    expect(() => requireFittingVersion(version, downgrade)).toThrow(message);
  });
});

describe('a member', () => {
  let fs: CrashFileSystem;
  let member: BareMember;
  beforeEach(async () => {
    fs = new CrashFileSystem();
    member = await BareMember.start(memberConfig(fs));
    await member.put('a');
  });

  /** Stops it, with what its cluster has come to since. */
  async function stopAt(version: string, downgrade = none): Promise<void> {
    const { cluster, backend } = member.boot.machine;
    cluster.setVersion(version);
    cluster.setDowngrade(downgrade);
    await backend.commit();
    await member.close();
  }

  test('does not start on the data of a cluster at 3.6', async () => {
    await stopAt('3.6.0');
    await expect(BareMember.start(memberConfig(fs))).rejects.toThrow(tooLow);
  });

  test('starts on the data of a cluster at 3.6 that goes back to 3.5', async () => {
    await stopAt('3.6.0', to('3.5.0'));
    const restarted = await BareMember.start(memberConfig(fs));
    expect(restarted.keys()).toEqual(['a']);
    await restarted.close();
  });

  test('ends at an entry that brings the cluster to 3.6, which changes nothing', () => {
    const { machine } = member.boot;
    const Data = InternalRaftRequest.encode(InternalRaftRequest.create({ cluster_version_set: { ver: '3.6.0' } }));
    const entry = Entry.create({ Type: EntryType.EntryNormal, Term: 1, Index: machine.appliedIndex + 1, Data });
    const applied = machine.appliedIndex;
    expect(() => machine.apply(entry, () => ConfState.create())).toThrow(UnfitVersionError);
    expect([machine.cluster.version(), machine.appliedIndex]).toEqual([undefined, applied]);
  });
});

describe('a member without data', () => {
  const bench = new Workbench();
  afterEach(() => bench.clear());

  /** Members that say which version their cluster is at, and whether it goes back; undefined: they do not answer. */
  async function join(clusterVersions: readonly (string | undefined)[], isDowngrading: boolean): Promise<void> {
    const urls = clusterVersions.map((etcdcluster) =>
      bench.listen(({ url }, response) => {
        if (etcdcluster === undefined) response.writeHead(500).end();
        else if (url === '/version') response.end(JSON.stringify({ etcdserver: '3.6.16', etcdcluster }));
        else response.end(String(isDowngrading));
      }),
    );
    const members = (await Promise.all(urls)).map((url, i) => newMember({ id: BigInt(i), peerURLs: [url] }));
    const client = new PeerClient();
    try {
      await checkClusterVersion(members, client, silentLogger);
    } finally {
      client.close();
    }
  }

  test.each([
    ['3.5.0', false],
    ['3.0.0', false],
    ['3.6.0', true],
  ])(
    'joins a cluster at %s (that goes back: %s), if only one of its members answers',
    async (version, isDowngrading) => {
      await join([undefined, version, 'not_decided'], isDowngrading);
    },
  );

  test.each([
    ['3.6.0', false],
    ['3.7.0', true],
    ['3.5.0', true],
    ['2.3.0', false],
    ['not_decided', false],
  ])('does not join a cluster at %s (that goes back: %s)', async (version, isDowngrading) => {
    await expect(join([version, undefined], isDowngrading)).rejects.toThrow(
      'incompatible with current running cluster',
    );
  });

  test('does not join a cluster of which one member is at another version', async () => {
    await expect(join(['3.5.0', '3.6.0'], false)).rejects.toThrow('incompatible with current running cluster');
  });
});
