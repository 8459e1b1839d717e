import { z } from 'zod';
import { writeBatches } from '../dataset/write.ts';
import { required } from '../engine/context.ts';
import { defineStep } from './step.ts';

/** Writes through the members that are left: a cluster with a quorum serves, and what it acknowledges must stay. */
export const writeOn = defineStep({
  name: 'write-on',
  parameters: z.strictObject({}),
  needs: ['dataSet', 'reference'],
  makes: [],
  title: () => 'Write on, through every member that is left',
  async run({ lab, signal, found }) {
    const dataSet = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'record of the cluster');
    const left = lab.nodes.map(({ name }) => name).filter((name) => !found.hurt?.includes(name));
    const client = lab.client(...left);
    try {
      const lastRevision = await writeBatches(client, dataSet.after, { signal, patienceMs: 15_000 });
      found.written.push(...dataSet.after);
      found.reference = { ...reference, laterKeys: dataSet.laterKeys, lastRevision };
      return `${lastRevision - reference.revision} revisions acknowledged by ${left.join(', ')}`;
    } finally {
      client.close();
    }
  },
});
