import path from 'node:path';
import { z } from 'zod';
import { saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { inconclusive, required } from '../engine/context.ts';
import { manifestOf, writeManifest } from '../engine/manifest.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import { recordAccess, recordState, sourceOf } from '../recovery/record.ts';
import { readAccess } from '../verification/access.ts';
import { leaseReference, readLeases } from '../verification/leases.ts';
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
  outcome: 'restored',
  title: () => 'Take a snapshot and record what it must bring back',
  async run(context) {
    const { lab, signal, found, directory, progress } = context;
    const dataSet = required(found.dataSet, 'data set');
    const source = sourceOf(lab);
    const file = path.join(directory, 'snapshot.db');
    const client = lab.client();
    const snapshotClient = lab.client(source.name);
    try {
      const leasesBefore = await readLeases(client, source.clientUrl, signal);
      const accessBefore = await readAccess(client, source.clientUrl, signal);
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
      const state = await recordState(client, lab, status.revision, signal);
      const leasesAfter = await readLeases(client, source.clientUrl, signal);
      const access = await recordAccess(client, lab, signal);
      if (access.access?.authRevision !== accessBefore.authRevision) {
        throw inconclusive(
          'users or roles were changed while the snapshot was taken: nobody knows which ones it holds',
        );
      }
      const { version } = await client.status({}, { endpoint: source.clientUrl, signal });
      found.reference = {
        ...state,
        ...access,
        outcome: 'restored',
        leases: leasesBefore && leasesAfter && leaseReference(leasesBefore, leasesAfter),
        snapshotSha256: sha256,
        replaced: [],
        canaries: dataSet.canaries,
        laterKeys: [],
        lastRevision: status.revision,
      };
      found.written = [];
      const manifest = manifestOf(context, state, {
        file,
        sha256,
        status,
        source: source.name,
        serverVersion: version,
        leases: leasesAfter?.length,
      });
      await writeManifest(file, manifest);
      found.snapshot = { path: file, sha256, manifest };
      return `revision ${status.revision}, ${state.keys.size} keys, HashKV ${state.hashKv}, SHA-256 ${sha256.slice(0, 16)}…`;
    } finally {
      snapshotClient.close();
      client.close();
    }
  },
});
