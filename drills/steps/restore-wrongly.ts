import path from 'node:path';
import { z } from 'zod';
import { saveSnapshot } from '../../server/client/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { required } from '../engine/context.ts';
import { sourceOf } from '../recovery/record.ts';
import { restoreMember } from '../recovery/restore-member.ts';
import { defineStep } from './step.ts';

/** Saves a snapshot before there is anything to be missed: the one that somebody will later take for the newest. */
export const keepOlderSnapshot = defineStep({
  name: 'keep-older-snapshot',
  parameters: z.strictObject({}),
  needs: [],
  makes: ['olderSnapshot'],
  title: () => 'Keep a snapshot that will be older than the one to restore',
  async run({ lab, directory, signal, found }) {
    const file = path.join(directory, 'older.db');
    const client = lab.client(sourceOf(lab).name);
    try {
      const { sizeBytes } = await saveSnapshot(client, file, { signal, timeoutMs: 120_000 });
      found.olderSnapshot = file;
      return `${sizeBytes} bytes`;
    } finally {
      client.close();
    }
  },
});

/** Restores all members but the last from the snapshot, and the last from the older one: a mix-up of two files. */
export const restoreOneFromOlder = defineStep({
  name: 'restore-one-from-older',
  parameters: z.strictObject({}),
  needs: ['snapshot', 'olderSnapshot', 'disasterAt'],
  makes: ['hurt'],
  title: (_, { lab }) => `Restore ${lab.nodes.at(-1)?.name} from the older snapshot, the others from the newer one`,
  async run({ lab, runId, signal, found, journal }) {
    const newer = required(found.snapshot, 'snapshot').path;
    const older = required(found.olderSnapshot, 'older snapshot');
    const token = `${lab.name}-${runId}-mixed`;
    const last = lab.nodes.at(-1)?.name as string;
    await allDone(
      lab.nodes.map(async (node) => {
        const file = path.join(node.paths.root, `restore-${runId}.db`);
        try {
          await node.host.upload(node.name === last ? older : newer, file, 0o600);
          await restoreMember(lab, node, { snapshot: file, token, signal });
        } finally {
          await node.host.remove(file);
        }
        await configureMember(lab, node.name, { token, clusterState: 'new' });
      }),
    );
    found.hurt = [last];
    await journal.serving();
    await allDone(lab.nodes.map(({ host }) => host.service.start()));
    return `${last} has the older one; all three are started`;
  },
});

/** The mistake of the classic tutorial: one restore without names, and its directory copied to every member. */
export const restoreOneDirectory = defineStep({
  name: 'restore-one-directory',
  parameters: z.strictObject({}),
  needs: ['snapshot', 'disasterAt'],
  makes: ['hurt'],
  title: () => 'Restore once, without a name, and copy the directory to every member',
  async run({ lab, runId, signal, found, journal }) {
    const { path: snapshot } = required(found.snapshot, 'snapshot');
    await allDone(
      lab.nodes.map(async ({ name, host, paths, binaries }) => {
        const file = path.join(paths.root, `restore-${runId}.db`);
        try {
          await host.upload(snapshot, file, 0o600);
          // Restored with equal flags, the directories are equal byte for byte but for the database's file ids.
          const args = ['snapshot', 'restore', file, '--data-dir', paths.data];
          const { exitCode, stderr } = await host.run(binaries.etcdutl, args, { signal, timeoutMs: 600_000 });
          if (exitCode !== 0)
            throw new LabError('LAB_RESTORE', `the snapshot was refused on ${name}: ${stderr.trim()}`);
        } finally {
          await host.remove(file);
        }
      }),
    );
    found.hurt = lab.nodes.map(({ name }) => name);
    await journal.serving();
    await allDone(lab.nodes.map(({ host }) => host.service.start()));
    return 'all members are started on copies of one directory';
  },
});

/** Takes away what a wrong restore has made: from the snapshot, it can be made again. */
export const removeWrongRestore = defineStep({
  name: 'remove-wrong-restore',
  parameters: z.strictObject({}),
  needs: ['hurt', 'snapshot', 'disasterAt'],
  makes: [],
  title: () => 'Stop all members and take away what was restored wrongly',
  async run({ lab, journal }) {
    if (!journal.isOpen) throw new Error('nothing was moved aside: this would remove the members’ own data');
    await allDone(
      lab.nodes.map(async ({ host, paths }) => {
        await host.service.stop();
        await host.remove(paths.data);
      }),
    );
    return 'the data of before is still aside';
  },
});
