/**
 * `up --dry-run`: the steps of `up` against the real machines, with hosts that only write down what would be done, and a
 * copy of the lab's folder that is thrown away. What is shown is therefore what `up` does, not a description of it.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type PlannedAction, RecordingHost } from '../hosts/recording-host.ts';
import { quoteCommand } from '../hosts/ssh/command-line.ts';
import { type LabPaths, labPaths } from '../lab/state.ts';
import type { Rehearsal } from './up.ts';

/** What there is to know of a lab before it changes; keys stay in a folder for their owner only. */
const copied = ['state.json', 'known_hosts', 'pki'];

/** @param work is given where the copy is; it is gone afterwards */
export async function withCopyOfLab<T>(
  paths: LabPaths,
  work: (stateDirectory: string, copy: LabPaths) => Promise<T>,
): Promise<T> {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'etcdlab-dry-run-'));
  try {
    const copy = labPaths(stateDirectory, basename(paths.root));
    for (const name of copied) {
      await cp(join(paths.root, name), join(copy.root, name), { recursive: true }).catch(ignoreMissing);
    }
    return await work(stateDirectory, copy);
  } finally {
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** @returns a rehearsal whose hosts are found in `hosts` afterwards */
export function newRehearsal(): Rehearsal & { readonly hosts: RecordingHost[] } {
  const hosts: RecordingHost[] = [];
  return {
    hosts,
    wrapHost: (host) => {
      const recording = new RecordingHost(host);
      hosts.push(recording);
      return recording;
    },
  };
}

/** @returns one line for people, such as `write  /etc/etcd/etcd.conf.yml  0600 member, 1336 bytes` */
export function describeAction(planned: PlannedAction): string {
  const octal = (mode: number) => mode.toString(8).padStart(4, '0');
  const line = (...parts: string[]) => [planned.action.padEnd(14), ...parts].join('  ');
  switch (planned.action) {
    case 'run':
      return line(`${quoteCommand(planned.command)}  (as ${planned.as})`);
    case 'write':
      return line(planned.path, `${octal(planned.mode)} ${planned.owner}, ${planned.sizeBytes} bytes`);
    case 'upload':
      return line(planned.path, `${octal(planned.mode)} ${planned.owner}, from ${planned.from}`);
    case 'make-directory':
      return line(planned.path, `${octal(planned.mode)} ${planned.owner}`);
    case 'rename':
      return line(planned.path, `to ${planned.to}`);
    case 'remove':
      return line(planned.path);
    case 'cut':
      return line(planned.addresses.join(', '));
    case 'heal':
      return line();
    default:
      return line(planned.unit);
  }
}
