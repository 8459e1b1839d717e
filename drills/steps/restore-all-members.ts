import { z } from 'zod';
import { required } from '../engine/context.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import { defineStep } from './step.ts';

/**
 * Restores each member from the same bytes: with its own name, the whole initial cluster, and a token that no cluster
 * had before.
 */
export const restoreAllMembers = defineStep({
  name: 'restore-all-members',
  parameters: z.strictObject({}),
  needs: ['snapshot', 'disasterAt'],
  makes: ['restoredFrom'],
  title: (_, { lab }) =>
    `Restore ${lab.nodes.map((node) => node.name).join(', ')} from the snapshot, under a new token`,
  async run({ lab, runId, signal, found, progress, measured }) {
    const { path: snapshot, sha256 } = required(found.snapshot, 'snapshot');
    const token = `${lab.name}-${runId}`;
    found.restoredFrom = await restoreLab(lab, { snapshot, token, runId, signal, progress, measured });
    return `${lab.nodes.length} members from SHA-256 ${sha256.slice(0, 16)}…, token ${token}`;
  },
});
