import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import { required } from '../engine/context.ts';
import { countByPrefix, type SnapshotManifest } from '../engine/manifest.ts';
import { readKeySpace } from '../verification/key-space.ts';
import { leaseReference, readLeases } from '../verification/leases.ts';
import { readHashKv } from '../verification/observe.ts';
import { defineStep } from './step.ts';

/**
 * Saves a snapshot, checks it, and records what the cluster holds at exactly the snapshot's revision: that is what the
 * restored cluster is compared with. Writes that go on meanwhile do no harm, for everything is read at that revision.
 */
export const takeSnapshot = defineStep({
  name: 'take-snapshot',
  parameters: z.strictObject({}),
  needs: ['dataSet'],
  makes: ['snapshot', 'reference'],
  title: () => 'Take a snapshot and record what it must bring back',
  async run(context) {
    const { lab, signal, found, directory, progress } = context;
    const dataSet = required(found.dataSet, 'data set');
    const [source] = lab.nodes as [(typeof lab.nodes)[number]];
    const file = path.join(directory, 'snapshot.db');
    const client = lab.client();
    const snapshotClient = lab.client(source.name);
    try {
      const leasesBefore = await readLeases(client, source.clientUrl, signal);
      // The member that is asked may be behind: a linearizable read through it makes sure that it is not.
      await client.range(
        { key: Buffer.from(dataSet.prefix), count_only: true },
        { endpoint: source.clientUrl, signal },
      );
      progress(`saving from ${source.name}`);
      await saveSnapshot(snapshotClient, file, { overwrite: false, signal });
      const status = await snapshotStatus(file);
      const sha256 = await sha256OfFile(file);

      progress(`reading the keys at revision ${status.revision}`);
      const hashes = await Promise.all(
        lab.nodes.map((node) => readHashKv(client, node.clientUrl, status.revision, signal)),
      );
      const [first] = hashes as [(typeof hashes)[number]];
      if (
        hashes.some(({ hash, compactRevision }) => hash !== first.hash || compactRevision !== first.compactRevision)
      ) {
        const list = lab.nodes.map(
          (node, i) => `${node.name}: HashKV ${hashes[i]?.hash}, compacted at ${hashes[i]?.compactRevision}`,
        );
        throw new LabError('LAB_DIVERGED', `the members already disagree at revision ${status.revision}`, {
          details: list,
          advice: 'etcdctl endpoint hashkv --cluster',
        });
      }
      const keys = await readKeySpace(client, source.clientUrl, status.revision, signal);
      const leasesAfter = await readLeases(client, source.clientUrl, signal);
      const { header, members } = await client.memberList({ linearizable: true }, { signal });
      const { version } = await client.status({}, { endpoint: source.clientUrl, signal });

      const identities = members.map(({ name, peerURLs, clientURLs, isLearner }) => ({
        name,
        peerURLs,
        clientURLs,
        isLearner,
      }));
      found.reference = {
        revision: status.revision,
        hashKv: first.hash,
        compactRevision: first.compactRevision,
        keys,
        leases: leasesBefore && leasesAfter && leaseReference(leasesBefore, leasesAfter),
        snapshotSha256: sha256,
        clusterId: header?.cluster_id ?? 0n,
        members: identities,
        canaries: dataSet.canaries,
        laterKeys: [],
        lastRevision: status.revision,
      };
      const manifest: SnapshotManifest = {
        format: 'etcdlab-snapshot-manifest/1',
        file: path.basename(file),
        sha256,
        sizeBytes: status.totalSizeBytes + 32,
        createdAt: context.now().toISOString(),
        lab: lab.name,
        takenFrom: source.name,
        serverVersion: version,
        clusterId: (header?.cluster_id ?? 0n).toString(16),
        revision: status.revision,
        compactRevision: first.compactRevision,
        hashKv: first.hash,
        keys: keys.size,
        keysByPrefix: countByPrefix(keys.keys()),
        ...(leasesAfter && { leases: leasesAfter.length }),
        members: identities.map(({ name, peerURLs, clientURLs }) => ({ name, peerURLs, clientURLs })),
        alsoNeeded: ['the certificate authorities and certificates of the members', 'the members’ configuration files'],
      };
      await writeFileAtomically(`${file}.manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`, 0o600);
      found.snapshot = { path: file, sha256, manifest };
      return `revision ${status.revision}, ${keys.size} keys, HashKV ${first.hash}, SHA-256 ${sha256.slice(0, 16)}…`;
    } finally {
      snapshotClient.close();
      client.close();
    }
  },
});

async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
