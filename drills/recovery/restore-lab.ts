/** Restores every member of a lab from the same bytes. */
import path from 'node:path';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import type { RecoveryPart } from '../engine/context.ts';
import { sha256OnHost } from './file-digest.ts';
import { restoreMember } from './restore-member.ts';

export interface RestoreLabOptions {
  /** A file of this machine. */
  snapshot: string;
  /** A token that no cluster had before: nothing of the old cluster can then talk to the new one. */
  token: string;
  /** Names the copies on the hosts; the journal's way back removes those of its own run. */
  runId: string;
  /** Extra ones for etcdutl, such as `--bump-revision`. */
  flags?: readonly string[];
  signal: AbortSignal;
  progress?: ((text: string) => void) | undefined;
  measured?: (<T>(part: RecoveryPart, work: () => Promise<T>) => Promise<T>) | undefined;
}

/**
 * Copies the snapshot to every host, takes its digest there, and restores each member under its own name into the place
 * of its data, which must be empty. No member is started.
 *
 * @returns the SHA-256 of what each member was restored from, by member
 * @throws LabError LAB_RESTORE
 */
export async function restoreLab(lab: Lab, options: RestoreLabOptions): Promise<Record<string, string>> {
  const { snapshot, token, runId, signal, progress, flags = [] } = options;
  const measured = options.measured ?? ((_, work) => work());
  const restoredFrom: Record<string, string> = {};
  const files = lab.nodes.map((node) => ({ node, file: path.join(node.paths.root, `restore-${runId}.db`) }));
  try {
    await measured('fetch', () =>
      allDone(
        files.map(async ({ node, file }) => {
          await node.host.upload(snapshot, file, 0o600);
          restoredFrom[node.name] = await sha256OnHost(node.host, file, signal);
        }),
      ),
    );
    await measured('restore', () =>
      allDone(
        files.map(async ({ node, file }) => {
          progress?.(`etcdutl snapshot restore on ${node.name}`);
          await restoreMember(lab, node, { snapshot: file, token, flags, signal });
          await configureMember(lab, node.name, { token, clusterState: 'new' });
        }),
      ),
    );
  } finally {
    await Promise.all(files.map(({ node, file }) => node.host.remove(file)));
  }
  return restoredFrom;
}
