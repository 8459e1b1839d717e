/**
 * Whether a member has its data. One that had data and has none must not be started: it would come back under its old
 * id without the log of what it has voted and acknowledged, and with all of them empty a new cluster would look healthy.
 */
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import type { LabNode } from './nodes.ts';

/** `unknown`: its host cannot be asked. */
export type MemberData = 'there' | 'gone' | 'unknown';

/** A member whose data is gone. */
export interface LostMember {
  readonly name: string;
  /** Where the data was. */
  readonly folder: string;
  /** Its process still runs, on files that nobody else can see any more. */
  readonly isAlive: boolean;
}

/** @returns whether there is a log, by which etcd itself tells a member that was bootstrapped from a blank one */
export async function memberData({ host, paths }: LabNode): Promise<MemberData> {
  try {
    const names = await host.list(join(paths.data, 'member', 'wal'));
    return names.some((name) => name.endsWith('.wal')) ? 'there' : 'gone';
  } catch (error) {
    if (error instanceof LabError && error.code === 'LAB_HOST_UNREACHABLE') return 'unknown';
    throw error;
  }
}

/** @returns those of the nodes that once had data and have none now */
export async function lostMembers(nodes: readonly LabNode[], hadData: readonly string[]): Promise<LostMember[]> {
  const lost = await Promise.all(
    nodes.map(async (node): Promise<LostMember[]> => {
      if (!hadData.includes(node.name) || (await memberData(node)) !== 'gone') return [];
      const { state } = await node.host.service.status();
      const isAlive = state === 'running' || state === 'frozen';
      return [{ name: node.name, folder: node.paths.data, isAlive }];
    }),
  );
  return lost.flat();
}

/** @returns whether a majority has its data, or runs with it */
export function quorumIsLeft(memberCount: number, lost: readonly LostMember[]): boolean {
  const serving = memberCount - lost.filter(({ isAlive }) => !isAlive).length;
  return serving > memberCount / 2;
}

/**
 * @param lost at least one
 * @param restoreAdvice what to do when no quorum is left
 * @returns LAB_DATA_LOST when the members can be replaced, LAB_CLUSTER_LOST when a majority is gone
 */
export function lostDataError(
  memberCount: number,
  lost: readonly LostMember[],
  restoreAdvice: readonly string[] = ['etcdlab restore', 'etcdlab destroy, to start anew without data'],
): LabError {
  const names = lost.map(({ name }) => name).join(', ');
  const have = lost.length === 1 ? 'has lost its data' : 'have lost their data';
  const details = lost.map(
    ({ name, folder, isAlive }) => `${name} had data, and ${folder} has none${isAlive ? ', while it still runs' : ''}`,
  );
  if (!quorumIsLeft(memberCount, lost)) {
    const message = `${names} ${have}: of ${memberCount} members no quorum is left, and none was started without data`;
    return new LabError('LAB_CLUSTER_LOST', message, { details, advice: restoreAdvice });
  }
  const saveFirst = lost.some(({ isAlive }) => isAlive) ? ['etcdlab backup create'] : [];
  return new LabError('LAB_DATA_LOST', `${names} ${have}, and must not be started without it under the old ID`, {
    details,
    advice: [...saveFirst, ...lost.map(({ name }) => `etcdlab replace ${name}`)],
  });
}
