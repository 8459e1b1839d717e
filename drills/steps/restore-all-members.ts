import { z } from 'zod';
import { required } from '../engine/context.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import type { Reference } from '../verification/evidence.ts';
import { defineStep } from './step.ts';

/**
 * Restores each member from the same bytes: with its own name, the whole initial cluster, and a token that no cluster
 * had before.
 */
export const restoreAllMembers = defineStep({
  name: 'restore-all-members',
  parameters: z.strictObject({
    /** Raises the revision by so much, so that clients that watched learn that their past is gone. 0: leaves it. */
    bumpRevision: z.number().int().min(0).max(1_000_000_000_000).default(0),
  }),
  needs: ['snapshot', 'disasterAt'],
  makes: ['restoredFrom'],
  title: ({ bumpRevision }, { lab }) =>
    `Restore ${lab.nodes.map((node) => node.name).join(', ')} from the snapshot, under a new token${
      bumpRevision > 0 ? `, with revisions raised by ${bumpRevision}` : ''
    }`,
  async run({ lab, runId, signal, found, progress, measured }, { bumpRevision }) {
    const { path: snapshot, sha256 } = required(found.snapshot, 'snapshot');
    const token = `${lab.name}-${runId}`;
    const flags = bumpRevision > 0 ? ['--bump-revision', String(bumpRevision), '--mark-compacted'] : [];
    found.restoredFrom = await restoreLab(lab, { snapshot, token, runId, signal, progress, measured, flags });
    if (bumpRevision > 0) found.reference = raised(required(found.reference, 'record of the cluster'), bumpRevision);
    return `${lab.nodes.length} members from SHA-256 ${sha256.slice(0, 16)}…, token ${token}`;
  },
});

/** What was compacted cannot be read again, nor hashed: the keys are read where the restored cluster begins. */
function raised(reference: Reference, bumpedBy: number): Reference {
  return { ...reference, bumpedBy, hashKv: undefined, readAt: reference.revision + bumpedBy };
}
