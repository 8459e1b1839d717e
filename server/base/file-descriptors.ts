/** How many files this process may have open, and has. */
import { readdirSync, readFileSync } from 'node:fs';

/** @throws Error where there is no /proc, which is everywhere but on Linux */
export function openFileDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** @throws Error where there is no /proc, which is everywhere but on Linux */
export function fileDescriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
}
