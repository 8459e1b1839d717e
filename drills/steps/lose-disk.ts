import { z } from 'zod';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { leaderOf } from '../recovery/record.ts';
import { defineStep } from './step.ts';

/** Kills members and takes their data away: of the one that leads, of one that follows, or of a majority. */
export const loseDisk = defineStep({
  name: 'lose-disk',
  parameters: z.strictObject({ of: z.enum(['leader', 'follower', 'majority']).default('leader') }),
  needs: ['reference'],
  makes: ['disasterAt', 'hurt'],
  title: ({ of }) =>
    of === 'majority'
      ? 'Kill a majority of the members and take their data away'
      : `Kill the ${of} and take its data away`,
  unmet: (_, { lab }) => (lab.nodes.length < 3 ? 'it needs three members, so that others are left' : undefined),
  async run({ lab, runId, signal, journal, found, now }, { of }) {
    const client = lab.client();
    const leader = await leaderOf(client, lab, signal).finally(() => client.close());
    const hurt =
      of === 'majority'
        ? [leader, ...lab.nodes.filter((node) => node !== leader)].slice(0, Math.floor(lab.nodes.length / 2) + 1)
        : [of === 'leader' ? leader : (lab.nodes.find((node) => node !== leader) ?? leader)];
    // With a majority gone the cluster is over; its members get their data back together if this is undone.
    if (of === 'majority') await journal.begin(lab, runId);
    else await journal.beginRepair(lab, runId, { hurt: hurt.map(({ name }) => name) });
    found.hurt = hurt.map(({ name }) => name);
    found.disasterAt = now();
    await allDone(hurt.map((node) => node.host.service.kill()));
    await allDone(hurt.map((node) => node.host.rename(node.paths.data, journal.asideByNode[node.name] as string)));
    return `${found.hurt.join(', ')}: killed, without data`;
  },
});
