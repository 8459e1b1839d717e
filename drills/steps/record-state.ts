import { z } from 'zod';
import { required } from '../engine/context.ts';
import { recordAccess, recordState, settledRevision, sourceOf } from '../recovery/record.ts';
import { leaseReference, readLeases } from '../verification/leases.ts';
import { defineStep } from './step.ts';

/** Records what the cluster holds. From here on no acknowledged write may be lost: the cluster must survive. */
export const recordStateStep = defineStep({
  name: 'record-state',
  parameters: z.strictObject({}),
  needs: ['dataSet'],
  makes: ['reference'],
  outcome: 'kept',
  title: () => 'Record what the cluster holds',
  async run({ lab, signal, found, progress }) {
    const dataSet = required(found.dataSet, 'data set');
    const client = lab.client();
    try {
      const source = sourceOf(lab);
      const leases = await readLeases(client, source.clientUrl, signal);
      const revision = await settledRevision(client, lab, signal);
      progress(`reading the keys at revision ${revision}`);
      const state = await recordState(client, lab, revision, signal);
      found.reference = {
        ...state,
        ...(await recordAccess(client, lab, signal)),
        outcome: 'kept',
        leases: leases && leaseReference(leases, leases),
        snapshotSha256: undefined,
        replaced: [],
        canaries: dataSet.canaries,
        laterKeys: [],
        lastRevision: revision,
      };
      found.written = [];
      return `revision ${revision}, ${state.keys.size} keys, HashKV ${state.hashKv}`;
    } finally {
      client.close();
    }
  },
});
