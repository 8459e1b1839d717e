/** What is written on a machine about the lab it belongs to, so that no other lab takes it, and `destroy` knows its own. */
import { z } from 'zod';
import type { LabState } from '../../lab/state.ts';

export const recordFile = '/etc/etcd/etcdlab.json';

const schema = z.object({
  lab: z.string(),
  node: z.string(),
  /** When the lab was first brought up: two labs of one name differ in it. */
  createdAt: z.string(),
  /** Whether the member's user was made for the lab, and goes with it. */
  madeUser: z.boolean(),
  /** Whether /var/lib/etcd was made for the lab, and goes with it; a package's stays, empty as it was. */
  madeRoot: z.boolean().default(true),
});

export type MachineRecord = z.output<typeof schema>;

/** @returns undefined if the text is no record, as of a machine that somebody else uses */
export function parseRecord(text: string): MachineRecord | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function formatRecord(record: MachineRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Whether the machine belongs to this very lab. */
export function isOwn(record: MachineRecord | undefined, lab: Pick<LabState, 'name' | 'createdAt'>): boolean {
  return record?.lab === lab.name && record.createdAt === lab.createdAt;
}
