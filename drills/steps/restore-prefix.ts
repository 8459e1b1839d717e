import { z } from 'zod';
import { PutRequest, RequestOp, TxnRequest } from '../../server/proto/gen/rpc.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { required } from '../engine/context.ts';
import { sourceOf } from '../recovery/record.ts';
import { restoreMember } from '../recovery/restore-member.ts';
import { createScratchLab, removeScratchLab } from '../scratch/scratch-lab.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

/** Keys that one transaction puts back: upstream takes 128 operations, and 1.5 MiB in all. */
const batchKeys = 16;

/** Deletes a part of the data set that nothing has been written to since the snapshot. */
export const deletePrefix = defineStep({
  name: 'delete-prefix',
  parameters: z.strictObject({
    /** Below the data set's own prefix. */
    prefix: z.string().regex(/^[a-z]+\/$/, 'must be letters and a slash, such as binary/'),
  }),
  needs: ['dataSet', 'snapshot', 'reference'],
  makes: ['disasterAt', 'mistake', 'hurt'],
  title: ({ prefix }) => `Delete everything under ${prefix} by mistake`,
  async run({ lab, runId, journal, signal, found, now }, { prefix }) {
    const whole = `${required(found.dataSet, 'data set').prefix}${prefix}`;
    await journal.beginRepair(lab, runId);
    const client = lab.client();
    try {
      found.disasterAt = now();
      const range = { key: Buffer.from(whole), range_end: Buffer.from(`${whole.slice(0, -1)}0`) };
      const { deleted, header } = await client.deleteRange(range, { signal, timeoutMs: 15_000 });
      found.mistake = { prefix: whole, revision: header?.revision ?? 0 };
      found.hurt = [];
      return `${deleted} keys deleted at revision ${header?.revision}`;
    } finally {
      client.close();
    }
  },
});

/**
 * Restores the snapshot into a cluster of its own, beside the real one, and puts back from there what was deleted. All
 * that was written elsewhere since the snapshot stays.
 */
export const restorePrefix = defineStep({
  name: 'restore-prefix',
  parameters: z.strictObject({}),
  needs: ['mistake', 'snapshot'],
  makes: ['recovery'],
  title: () => 'Read the deleted keys from the snapshot, and put them back',
  async run({ lab, directory, signal, found, progress, now, measured, onEnd }) {
    const { prefix } = required(found.mistake, 'mistake');
    const { path: snapshot } = required(found.snapshot, 'snapshot');
    const scratch = await createScratchLab({ directory, engine: lab.state.engine, members: 1 });
    onEnd(() => removeScratchLab(scratch));
    const { token } = scratch.bootstrap(sourceOf(scratch).name);
    await measured('fetch', async () => {
      progress('starting a cluster of its own on the snapshot');
      await restoreMember(scratch, sourceOf(scratch), { snapshot, token, signal });
      await sourceOf(scratch).host.service.start();
      await waitUntilHealthy(scratch, { signal });
    });
    const from = scratch.client();
    const to = lab.client();
    try {
      const count = await measured('restore', async () => {
        const range_end = Buffer.from(`${prefix.slice(0, -1)}0`);
        const options = { signal, timeoutMs: 30_000 };
        let done = 0;
        for (let key: Uint8Array = Buffer.from(prefix); ; ) {
          const { kvs, more } = await from.range({ key, range_end, limit: batchKeys }, options);
          if (kvs.length === 0) return done;
          const success = kvs.map(({ key: name, value, lease }) =>
            RequestOp.create({ request_put: PutRequest.create({ key: name, value, lease }) }),
          );
          await to.txn(TxnRequest.create({ success }), options);
          done += kvs.length;
          if (!more) return done;
          key = Buffer.concat([kvs.at(-1)?.key ?? Buffer.alloc(0), Buffer.from([0])]);
        }
      });
      const { recovery } = await measured('start', () => waitUntilServing(lab, { signal, progress, now }));
      found.recovery = recovery;
      return `${count} keys put back, as the snapshot has them`;
    } finally {
      from.close();
      to.close();
    }
  },
});
