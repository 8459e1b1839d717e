import path from 'node:path';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import type { Host } from '../../toolkit/hosts/host.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { required } from '../engine/context.ts';
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
  async run({ lab, runId, signal, found, progress }) {
    const snapshot = required(found.snapshot, 'snapshot');
    const token = `${lab.name}-${runId}`;
    await Promise.all(
      lab.nodes.map(async (node) => {
        const { host, paths } = node;
        const file = path.join(paths.root, `restore-${runId}.db`);
        try {
          await host.upload(snapshot.path, file, 0o600);
          found.restoredFrom[node.name] = await sha256OnHost(host, file, signal);
          progress(`etcdutl snapshot restore on ${node.name}`);
          const { exitCode, stderr } = await host.run(
            node.binaries.etcdutl,
            [
              'snapshot',
              'restore',
              file,
              '--name',
              node.name,
              '--initial-cluster',
              lab.initialCluster(),
              '--initial-cluster-token',
              token,
              '--initial-advertise-peer-urls',
              node.peerUrl,
              '--data-dir',
              paths.data,
            ],
            { signal, timeoutMs: 600_000 },
          );
          if (exitCode !== 0) {
            throw new LabError(
              'LAB_RESTORE',
              `etcdutl snapshot restore failed on ${node.name} with exit code ${exitCode}`,
              {
                details: stderr.trim().split('\n').slice(-10),
              },
            );
          }
        } finally {
          await host.remove(file);
        }
        await configureMember(lab, node.name, { token, clusterState: 'new' });
      }),
    );
    return `${lab.nodes.length} members from SHA-256 ${snapshot.sha256.slice(0, 16)}…, token ${token}`;
  },
});

/** The digest as the host itself computes it, so that a copy that went wrong shows. */
async function sha256OnHost(host: Host, file: string, signal: AbortSignal): Promise<string> {
  const commands: [string, string[]][] = [
    ['sha256sum', [file]],
    ['shasum', ['-a', '256', file]],
  ];
  for (const [command, args] of commands) {
    try {
      const { exitCode, stdout } = await host.run(command, args, { signal, timeoutMs: 120_000 });
      const digest = /^\\?([0-9a-f]{64})\b/.exec(stdout)?.[1];
      if (exitCode === 0 && digest !== undefined) return digest;
    } catch (error) {
      if (!(error instanceof LabError) || error.code !== 'LAB_COMMAND_START') throw error;
    }
  }
  throw new LabError(
    'LAB_RESTORE',
    `neither sha256sum nor shasum works on ${host.name}: the copied snapshot cannot be checked`,
    {
      advice: 'install coreutils (sha256sum) or perl (shasum) there',
    },
  );
}
