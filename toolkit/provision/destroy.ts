/** Takes a lab down for good, whatever state it is in. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { LocalHost } from '../hosts/local-host.ts';
import { isLockFile } from '../lab/lock.ts';
import { type LabPaths, removeLabFolder } from '../lab/state.ts';

/** Everything that a lab's folder may hold. */
const ownNames = new Set(['pki', 'hosts', 'backups', 'reports', 'state.json', 'drill-journal.json']);

/** What would be lost. */
export interface LabContents {
  readonly members: readonly string[];
  readonly backups: number;
  readonly reports: number;
}

/**
 * @returns what the lab's folder holds
 * @throws LabError LAB_MISSING if there is none, LAB_NOT_A_LAB if it holds what no lab does
 */
export async function labContents(paths: LabPaths): Promise<LabContents> {
  const names = await readdir(paths.root).catch(() => undefined);
  if (names === undefined) throw new LabError('LAB_MISSING', `there is no lab in ${paths.root}`);
  const strange = names.filter((name) => !ownNames.has(name) && !isLockFile(name) && !name.endsWith('.tmp'));
  if (strange.length > 0) {
    throw new LabError('LAB_NOT_A_LAB', `${paths.root} holds what no lab does: ${strange.slice(0, 5).join(', ')}`, {
      advice: 'check --state-dir and --name; if it is the lab, move that away first',
    });
  }
  const [members, backups, reports] = await Promise.all(
    [paths.hosts, paths.backups, paths.reports].map((folder) => readdir(folder).catch(() => [])),
  );
  return { members: members ?? [], backups: backups?.length ?? 0, reports: reports?.length ?? 0 };
}

/**
 * Ends the members by what is written on their hosts, since state.json may be damaged, and removes the folder. They
 * are killed: there is nothing left to be saved by a slow end.
 */
export async function destroyLab(paths: LabPaths, members: readonly string[]): Promise<void> {
  await Promise.all(members.map((name) => new LocalHost(name, join(paths.hosts, name)).service.kill()));
  await removeLabFolder(paths.root);
}
