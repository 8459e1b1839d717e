/** What is measured: an engine's cluster, or the server that does nothing. */
import { readFileSync } from 'node:fs';
import type { Address } from '../load/connection.ts';

export interface Target extends Address {
  /** It does nothing: its answers have a size and no content. */
  readonly isNull: boolean;
  /** Processes that serve, one for each member. */
  readonly pids: readonly number[];
}

/** Linux counts processor time in ticks of 10 ms, and memory in pages. */
const tickMs = 10;

/**
 * Processor time that all processes of a target have taken so far, in ms.
 *
 * @throws Error when one of them is gone, or this is not Linux
 */
export function processorMs({ pids }: Target): number {
  return pids.reduce((sum, pid) => {
    // The name of the program stands in brackets and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * tickMs;
  }, 0);
}

export interface Memory {
  /** The process's own (RssAnon). */
  readonly ownBytes: number;
  /** With pages of files that it has mapped (VmRSS), such as a database, which the system drops when it needs room. */
  readonly residentBytes: number;
}

/**
 * Memory of each process.
 *
 * @throws Error when one of them is gone, or this is not Linux
 */
export function memoryOf({ pids }: Pick<Target, 'pids'>): Memory[] {
  return pids.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytesOf = (name: string): number =>
      1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
    return { ownBytes: bytesOf('RssAnon'), residentBytes: bytesOf('VmRSS') };
  });
}
