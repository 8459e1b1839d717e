import path from 'node:path';
import { z } from 'zod';
import { configureMember } from '../../toolkit/provision/members.ts';
import { allDone } from '../engine/all-done.ts';
import { required } from '../engine/context.ts';
import { restoreMember } from '../recovery/restore-member.ts';
import { sha256OnHost } from './file-digest.ts';
import { defineStep } from './step.ts';

/**
 * Restores each member from the same bytes: with its own name, the whole initial cluster, and a token that no cluster
 * had before, so that nothing of the old cluster can talk to the new one.
 */
export const restoreAllMembers = defineStep({
  name: 'restore-all-members',
  parameters: z.strictObject({}),
  needs: ['snapshot', 'disasterAt'],
  makes: ['restoredFrom'],
  title: (_, { lab }) =>
    `Restore ${lab.nodes.map((node) => node.name).join(', ')} from the snapshot, under a new token`,
  async run({ lab, runId, signal, found, progress, measured }) {
    const snapshot = required(found.snapshot, 'snapshot');
    const token = `${lab.name}-${runId}`;
    const files = lab.nodes.map((node) => ({ node, file: path.join(node.paths.root, `restore-${runId}.db`) }));
    try {
      await measured('fetch', () =>
        allDone(
          files.map(async ({ node, file }) => {
            await node.host.upload(snapshot.path, file, 0o600);
            found.restoredFrom[node.name] = await sha256OnHost(node.host, file, signal);
          }),
        ),
      );
      await measured('restore', () =>
        allDone(
          files.map(async ({ node, file }) => {
            progress(`etcdutl snapshot restore on ${node.name}`);
            await restoreMember(lab, node, { snapshot: file, token, signal });
            await configureMember(lab, node.name, { token, clusterState: 'new' });
          }),
        ),
      );
    } finally {
      await Promise.all(files.map(({ node, file }) => node.host.remove(file)));
    }
    return `${lab.nodes.length} members from SHA-256 ${snapshot.sha256.slice(0, 16)}…, token ${token}`;
  },
});
