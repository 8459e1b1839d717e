import { z } from 'zod';
import { planDataSet } from '../dataset/dataset.ts';
import { writeBatches } from '../dataset/write.ts';
import { readLeases } from '../verification/leases.ts';
import { defineStep } from './step.ts';

/** Writes the known data set: the part that the snapshot must bring back. */
export const writeDataset = defineStep({
  name: 'write-dataset',
  parameters: z.strictObject({ keys: z.number().int().min(100).max(1_000_000).default(1000) }),
  needs: [],
  makes: ['dataSet'],
  title: ({ keys }) => `Write a known data set of ${keys} keys`,
  async run({ lab, seed, signal, found, progress }, { keys }) {
    const client = lab.client();
    try {
      const [source] = lab.nodes as [(typeof lab.nodes)[number]];
      const withLeases = (await readLeases(client, source.clientUrl, signal)) !== undefined;
      const dataSet = planDataSet({ keys, seed, withLeases });
      found.dataSet = dataSet;
      const revision = await writeBatches(client, dataSet.before, {
        signal,
        onProgress: (done, total) => {
          if (done % Math.ceil(total / 4) === 0) progress(`${done} of ${total} transactions`);
        },
      });
      const leases = withLeases ? `, ${dataSet.leases.length} leases` : '';
      return `${keys} keys under ${dataSet.prefix}${leases}, revision ${revision}`;
    } finally {
      client.close();
    }
  },
});
