import { z } from 'zod';
import { planDataSet } from '../dataset/dataset.ts';
import { writeBatches } from '../dataset/write.ts';
import { defineStep } from './step.ts';

/** Writes the known data set: the part that the snapshot must bring back. */
export const writeDataset = defineStep({
  name: 'write-dataset',
  parameters: z.strictObject({ keys: z.number().int().min(100).max(500_000).default(1000) }),
  needs: [],
  makes: ['dataSet'],
  title: ({ keys }) => `Write a known data set of ${keys} keys`,
  async run({ lab, seed, signal, found, progress }, { keys }) {
    const dataSet = planDataSet({ keys, seed });
    found.dataSet = dataSet;
    const client = lab.client();
    try {
      const revision = await writeBatches(client, dataSet.before, {
        signal,
        onProgress: (done, total) => {
          if (done % Math.ceil(total / 4) === 0) progress(`${done} of ${total} transactions`);
        },
      });
      return `${keys} keys under ${dataSet.prefix}, revision ${revision}`;
    } finally {
      client.close();
    }
  },
});
