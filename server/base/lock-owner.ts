/** Who holds a lock on a file, as far as the machine tells. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Finds a process that holds a lock of any kind on a file. Linux lists them; elsewhere, and for processes in another
 * container, the answer is undefined.
 *
 * @returns such as `process 4711 (etcd)`
 */
export function lockOwner(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file);
    const pid = ownerIn(readFileSync('/proc/locks', 'utf8'), dev, ino);
    return pid === undefined ? undefined : `process ${pid}${programOf(pid)}`;
  } catch {
    return undefined;
  }
}

/**
 * @param locks the text of /proc/locks: `1: FLOCK  ADVISORY  WRITE 4711 fe:00:10004716 0 EOF`
 * @returns undefined when nobody holds one, or a process that cannot be seen from here
 */
export function ownerIn(locks: string, dev: number, ino: number): number | undefined {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const wanted = [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
  for (const line of locks.split('\n')) {
    // `->` marks those who wait for the lock above.
    const [, pid, device, inode] = /^\d+: (?!->).* (-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /.exec(line) ?? [];
    if (device === wanted && inode === String(ino) && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

function programOf(pid: number): string {
  try {
    const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return program === '' ? '' : ` (${path.basename(program)})`;
  } catch {
    return '';
  }
}
