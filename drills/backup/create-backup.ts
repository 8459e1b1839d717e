/** Takes a backup of a lab that serves. */
import path from 'node:path';
import { saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { manifestOf } from '../engine/manifest.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import { followerOf, recordState } from '../recovery/record.ts';
import { readLeases } from '../verification/leases.ts';
import type { Backup, Backups } from './backup-store.ts';
import { requireSpace } from './space.ts';

export interface CreateBackupOptions {
  signal: AbortSignal;
  /** Why it was taken; for whoever finds it later. */
  reason?: string | undefined;
  progress?: ((text: string) => void) | undefined;
  now?: () => Date;
}

/** The longest that a snapshot may take on its way. */
const saveTimeoutMs = 600_000;

/**
 * Saves from a follower if there is one, checks the file, and writes down what every member held at its revision.
 *
 * @throws RpcError, Error of `saveSnapshot`, LabError LAB_DIVERGED; nothing is left then
 */
export async function createBackup(lab: Lab, backups: Backups, options: CreateBackupOptions): Promise<Backup> {
  const { signal, reason, progress, now = () => new Date() } = options;
  const client = lab.client();
  try {
    // The leader has enough to do. A lab of one member has no follower.
    const source = await followerOf(client, lab, signal).catch(() => lab.nodes[0] as (typeof lab.nodes)[number]);
    throwIfInterrupted(signal);
    return await backups.add(now(), async (folder) => {
      const file = path.join(folder, 'snapshot.db');
      const { version, dbSize } = await client.status({}, { endpoint: source.clientUrl, signal });
      // The snapshot, and what is made of it: it is compressed, or restored to be verified.
      await requireSpace(folder, 2 * Number(dbSize), 'the backup');
      progress?.(`saving from ${source.name}`);
      // The member may be behind: a linearizable read through it makes sure that it is not.
      await client.range({ key: Buffer.from('health') }, { endpoint: source.clientUrl, signal });
      await saveSnapshot(client, file, { endpoint: source.clientUrl, signal, timeoutMs: saveTimeoutMs });
      const status = await snapshotStatus(file);
      progress?.(`reading the keys at revision ${status.revision}`);
      const state = await recordState(client, lab, status.revision, signal);
      const leases = await readLeases(client, source.clientUrl, signal);
      const saved = { file, sha256: await sha256OfFile(file), status, source: source.name, serverVersion: version };
      const manifest = manifestOf({ lab, now }, state, { ...saved, leases: leases?.length });
      return reason === undefined ? manifest : { ...manifest, reason };
    });
  } finally {
    client.close();
  }
}

/** @returns the backup, or why there can be none: a cluster without a quorum has nothing to record */
export async function tryBackup(
  lab: Lab,
  backups: Backups,
  options: CreateBackupOptions,
): Promise<{ backup: Backup } | { problem: string }> {
  try {
    return { backup: await createBackup(lab, backups, options) };
  } catch (error) {
    throwIfInterrupted(options.signal);
    return { problem: messageOf(error) };
  }
}
