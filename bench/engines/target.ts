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

/** Resident memory of each process, in bytes. */
export function residentBytes({ pids }: Target): number[] {
  return pids.map((pid) => {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return 1024 * Number(kilobytes);
  });
}
