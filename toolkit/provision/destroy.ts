/** Takes a lab down for good, whatever state it is in. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ListrTask } from 'listr2';
import { LabError } from '../errors.ts';
import { LocalHost } from '../hosts/local-host.ts';
import { Lab } from '../lab/lab.ts';
import { isLockFile } from '../lab/lock.ts';
import { type LabPaths, readState, removeLabFolder } from '../lab/state.ts';
import { removeFromMachine } from './machines/remove.ts';
import { sideBySide } from './side-by-side.ts';

/** Everything that a lab's folder may hold; `known_hosts.old` is what `ssh-keygen -R` leaves. */
const ownNames = new Set([
  'pki',
  'hosts',
  'backups',
  'reports',
  'state.json',
  'known_hosts',
  'known_hosts.old',
  'drill-journal.json',
  'engine-switch.json',
  'workshop',
  'author-check',
]);

/** What would be lost. */
export interface LabContents {
  /** There if the members run on machines of their own. */
  readonly lab?: Lab | undefined;
  readonly members: readonly string[];
  readonly backups: number;
  readonly reports: number;
}

/**
 * @returns what the lab's folder holds
 * @throws LabError LAB_MISSING if there is none, LAB_NOT_A_LAB if it holds what no lab does, LAB_STATE if it is damaged
 *   and there are machines that only it knows
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
  const [folders, backups, reports] = await Promise.all(
    [paths.hosts, paths.backups, paths.reports].map((folder) => readdir(folder).catch(() => [])),
  );
  const lab = await machineLab(paths);
  const members = lab?.nodes.map((node) => node.name) ?? folders ?? [];
  return { lab, members, backups: backups?.length ?? 0, reports: reports?.length ?? 0 };
}

/** A lab of local processes can be removed by what is in its folder; what is on machines only its state knows. */
async function machineLab(paths: LabPaths): Promise<Lab | undefined> {
  try {
    const state = await readState(paths);
    if (state === undefined || state.provider === 'local') return undefined;
    return await Lab.open(dirname(paths.root), basename(paths.root));
  } catch (error) {
    if (existsSync(paths.knownHostsFile)) throw error;
    return undefined;
  }
}

/**
 * Ends local members by what is written on their hosts, since state.json may be damaged, and removes the folder. They
 * are killed: there is nothing left to be saved by a slow end.
 */
export async function destroyLab(paths: LabPaths, members: readonly string[]): Promise<void> {
  await Promise.all(members.map((name) => new LocalHost(name, join(paths.hosts, name)).service.kill()));
  await removeLabFolder(paths.root);
}

/**
 * Takes the lab off its machines, all at once; the folder goes when nothing is left on any of them, so that what failed
 * can be done again.
 * @param forget nodes whose machines are left as they are
 */
export function leaveMachinesTask(lab: Lab, forget: readonly string[]): ListrTask<object> {
  return {
    title: 'Take the lab off its machines',
    task: (_, task) =>
      task.newListr(
        sideBySide(
          lab.nodes.map((node) => ({
            title: node.name,
            task: async (_, subtask) => {
              if (forget.includes(node.name)) return subtask.skip('is left as it is');
              if (!(await removeFromMachine(node, lab.state))) subtask.skip('has nothing of it');
            },
          })),
        ),
        { concurrent: true, exitOnError: true },
      ),
  };
}
