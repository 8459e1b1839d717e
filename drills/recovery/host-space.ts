/** Room on the members' disks, asked for before one of them is stopped. */
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { noSpace } from '../backup/space.ts';

const mebibyte = 1024 ** 2;
/** A member preallocates a segment of its log of 64 MB, and soon the next. */
const logBytes = 2 * 64 * mebibyte;

/** @returns what one member needs for a time: the copy of the snapshot, the database made of it, and its log */
export function restoreBytes(snapshotBytes: number): number {
  return 2 * snapshotBytes + logBytes;
}

/**
 * @param snapshotBytes the size of the backup; the data of before stays beside what is made of it
 * @throws LabError LAB_PREFLIGHT naming the host that has not enough; nothing for a host that cannot tell
 */
export async function requireHostSpace(lab: Lab, snapshotBytes: number, signal: AbortSignal): Promise<void> {
  // Members on this machine share its disk.
  const shared = lab.state.provider === 'local' ? lab.nodes.length : 1;
  const asked = lab.state.provider === 'local' ? lab.nodes.slice(0, 1) : lab.nodes;
  const neededBytes = shared * restoreBytes(snapshotBytes);
  for (const node of asked) {
    const freeBytes = await freeBytesOn(node, signal);
    if (freeBytes === undefined || freeBytes >= neededBytes) continue;
    throw noSpace(`${node.paths.root} on ${node.name}`, freeBytes, neededBytes, 'what is restored');
  }
}

async function freeBytesOn({ host, paths }: LabNode, signal: AbortSignal): Promise<number | undefined> {
  const { exitCode, stdout } = await host.run('df', ['-Pk', paths.root], { signal, timeoutMs: 20_000, readOnly: true });
  return exitCode === 0 ? parseFreeBytes(stdout) : undefined;
}

/** @param text of `df -Pk` (POSIX): a heading, and one line whose fourth column counts KiB */
export function parseFreeBytes(text: string): number | undefined {
  const [, blocks] = /^\S.*?\s+\d+\s+\d+\s+(\d+)\s+\d+%\s/m.exec(text.split('\n').slice(1).join('\n')) ?? [];
  return blocks === undefined ? undefined : Number(blocks) * 1024;
}
