/** Restores one member from a snapshot file, with the engine's own etcdutl. */
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';

export interface RestoreMemberOptions {
  /** On the member's host. */
  snapshot: string;
  /** The same for all members, and new: nothing of the old cluster can then talk to the new one. */
  token: string;
  /** Must not be there. Default: the member's own. */
  dataDir?: string;
  /** Extra flags, such as `--skip-hash-check` for a file that has no hash. */
  flags?: readonly string[];
  signal: AbortSignal;
}

/** The largest databases take minutes. */
const restoreTimeoutMs = 600_000;

/** @throws LabError LAB_RESTORE with what etcdutl says; nothing is left in the place of the data */
export async function restoreMember(lab: Lab, node: LabNode, options: RestoreMemberOptions): Promise<void> {
  const dataDir = options.dataDir ?? node.paths.data;
  const args = [
    'snapshot',
    'restore',
    options.snapshot,
    '--name',
    node.name,
    '--initial-cluster',
    lab.initialCluster(),
    '--initial-cluster-token',
    options.token,
    '--initial-advertise-peer-urls',
    node.peerUrl,
    '--data-dir',
    dataDir,
    ...(options.flags ?? []),
  ];
  const { signal } = options;
  const { exitCode, stderr } = await node.host.run(node.binaries.etcdutl, args, {
    signal,
    timeoutMs: restoreTimeoutMs,
  });
  if (exitCode === 0) return;
  // Upstream leaves half a directory, into which the next attempt would not restore.
  await node.host.remove(dataDir);
  throw new LabError('LAB_RESTORE', `the snapshot was refused on ${node.name}: etcdutl ended with ${exitCode}`, {
    details: telling(stderr),
    advice: 'take another snapshot: one that is refused is damaged, and must not be forced',
  });
}

/** etcdutl's last words, without the advice to skip the check that has just found the damage. */
function telling(stderr: string): string[] {
  const lines = stderr.trim().split('\n');
  return lines.map((line) => line.replace(/ but --skip-hash-check=false/, '')).slice(-10);
}
