import path from 'node:path';
import { z } from 'zod';
import { saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { required } from '../engine/context.ts';
import { manifestOf, writeManifest } from '../engine/manifest.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import { defineStep } from './step.ts';

/**
 * A member that is left without a quorum still gives out its database. Whatever it had of the last writes is saved
 * before anything else is tried; then it is stopped for good, so that it cannot meet the new cluster.
 */
export const saveFromSurvivor = defineStep({
  name: 'save-from-survivor',
  parameters: z.strictObject({}),
  needs: ['hurt', 'reference'],
  makes: ['snapshot'],
  outcome: 'rescued',
  title: () => 'Save what a member that is left still has, and stop it',
  async run(context) {
    const { lab, signal, found, directory, journal, measured } = context;
    const reference = required(found.reference, 'record of the cluster');
    const left = lab.nodes.filter(({ name }) => !found.hurt?.includes(name));
    const [source] = left;
    if (source === undefined) throw new LabError('LAB_DRILL', 'no member is left to save from');
    const file = path.join(directory, 'rescued.db');
    const client = lab.client(source.name);
    try {
      await measured('decide', () => saveSnapshot(client, file, { signal, timeoutMs: 60_000 }));
    } finally {
      client.close();
    }
    const status = await snapshotStatus(file);
    const sha256 = await sha256OfFile(file);
    const manifest = manifestOf(context, reference, { file, sha256, status, source: source.name });
    await writeManifest(file, manifest);
    found.snapshot = { path: file, sha256, manifest };
    found.reference = { ...reference, outcome: 'rescued', snapshotSha256: sha256 };
    await allDone(left.map(({ host }) => host.service.stop()));
    await allDone(left.map(({ host, paths, name }) => host.rename(paths.data, journal.asideByNode[name] as string)));
    return `revision ${status.revision} saved from ${source.name}, the last acknowledged one was ${reference.lastRevision}`;
  },
});
