import { z } from 'zod';
import { writeBatches } from '../dataset/write.ts';
import { required } from '../engine/context.ts';
import { compareKeySpaces } from '../verification/compare.ts';
import { readKeySpace } from '../verification/key-space.ts';
import { defineStep } from './step.ts';

/** Writes what the restored cluster must not have, and works out what restoring the snapshot will cost. */
export const writeAfterSnapshot = defineStep({
  name: 'write-after-snapshot',
  parameters: z.strictObject({}),
  needs: ['dataSet', 'snapshot', 'reference'],
  makes: ['loss'],
  title: () => 'Write, overwrite and delete more after the snapshot',
  async run({ lab, signal, found, now }) {
    const dataSet = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'snapshot');
    const snapshotAt = new Date(required(found.snapshot, 'snapshot').manifest.createdAt);
    const [source] = lab.nodes as [(typeof lab.nodes)[number]];
    const client = lab.client();
    try {
      const lastRevision = await writeBatches(client, dataSet.after, { signal });
      const durationMs = now().getTime() - snapshotAt.getTime();
      // The member that is asked must have seen the last write; a linearizable read makes sure of it.
      await client.range(
        { key: Buffer.from(dataSet.prefix), count_only: true },
        { endpoint: source.clientUrl, signal },
      );
      const last = await readKeySpace(client, source.clientUrl, lastRevision, signal);
      found.reference = { ...reference, laterKeys: dataSet.laterKeys, lastRevision };
      found.written.push(...dataSet.after);
      found.loss = {
        revisions: lastRevision - reference.revision,
        durationMs,
        keys: compareKeySpaces(reference.keys, last),
      };
      return `revision ${lastRevision}: ${found.loss.revisions} revisions that the snapshot does not hold`;
    } finally {
      client.close();
    }
  },
});
