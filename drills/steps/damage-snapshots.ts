import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import { snapshotDamages } from '../damage/snapshot-files.ts';
import { required } from '../engine/context.ts';
import { sourceOf } from '../recovery/record.ts';
import { restoreMember } from '../recovery/restore-member.ts';
import { defineStep } from './step.ts';

/** Makes copies of the snapshot, each damaged in one way. The sound one stays. */
export const damageSnapshots = defineStep({
  name: 'damage-snapshots',
  parameters: z.strictObject({}),
  needs: ['snapshot'],
  makes: ['damaged', 'disasterAt'],
  title: () => `Damage copies of the snapshot in ${snapshotDamages.length} ways`,
  async run({ directory, found, now, onEnd }) {
    const sound = await readFile(required(found.snapshot, 'snapshot').path);
    found.damaged = [];
    found.disasterAt = now();
    for (const [i, { how, apply }] of snapshotDamages.entries()) {
      const file = path.join(directory, `damaged-${i + 1}.db`);
      await writeFile(file, apply(sound), { mode: 0o600 });
      found.damaged.push({ how, path: file });
    }
    const paths = found.damaged.map((each) => each.path);
    onEnd(async () => {
      for (const file of paths) await rm(file, { force: true });
    });
    return `${found.damaged.length} copies of ${sound.length} bytes`;
  },
});

/**
 * Tries to restore each damaged copy, into a folder of its own: the engine's etcdutl must refuse it, our own check must
 * find it, and nothing may be left behind that the next attempt stumbles over.
 */
export const refuseDamagedSnapshots = defineStep({
  name: 'refuse-damaged-snapshots',
  parameters: z.strictObject({}),
  needs: ['damaged'],
  makes: [],
  title: () => 'Try to restore each damaged copy: all must be refused',
  run: ({ lab, runId, signal, found, progress, measured }) =>
    measured('detect', async () => {
      const node = sourceOf(lab);
      const damaged = required(found.damaged, 'damaged snapshot');
      let refused = 0;
      for (const { how, path: file } of damaged) {
        progress(how);
        const dataDir = path.join(node.paths.root, `restore-${runId}.trial`);
        const onHost = path.join(node.paths.root, `restore-${runId}.db`);
        try {
          await node.host.upload(file, onHost, 0o600);
          const byEngine = await restoreMember(lab, node, { snapshot: onHost, token: 'trial', dataDir, signal }).then(
            () => undefined,
            (error: unknown) => {
              if (error instanceof LabError && error.code === 'LAB_RESTORE') return error.details.at(-1) ?? 'refused';
              throw error;
            },
          );
          const byCheck = await snapshotStatus(file).then(
            ({ trailer }) => (trailer === 'ok' ? undefined : 'it has no SHA-256'),
            messageOf,
          );
          const left = (await node.host.list(node.paths.root)).filter((name) => name.includes('.trial'));
          const passed = byEngine !== undefined && byCheck !== undefined && left.length === 0;
          if (passed) refused += 1;
          found.checks.push({
            name: 'damage-refused',
            passed,
            expected: `a snapshot with ${how} is refused, by etcdutl and by the check, and nothing is left behind`,
            observed: `etcdutl: ${byEngine ?? 'accepted it'}; check: ${byCheck ?? 'accepted it'}${left.length > 0 ? `; left: ${left.join(', ')}` : ''}`,
          });
        } finally {
          await node.host.remove(dataDir);
          await node.host.remove(onHost);
        }
      }
      return `${refused} of ${damaged.length} refused`;
    }),
});
