/** Who holds a TCP port of this machine. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

/** The state LISTEN of a socket in /proc/net/tcp. */
const listen = '0A';

/** @param table content of /proc/net/tcp or /proc/net/tcp6 @returns inodes of the sockets that listen on the port */
export function listeningInodes(table: string, port: number): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const isMatch = state === listen && Number.parseInt(local?.split(':')[1] ?? '', 16) === port;
    return isMatch && inode !== undefined ? inode : [];
  });
}

export interface PortOwner {
  readonly pid: number;
  /** Its command line, arguments separated by spaces. */
  readonly command: string;
}

/**
 * @returns the process that listens on the port, as far as this user may see; undefined where there is no /proc or
 *   another user's process holds it
 */
export async function portOwner(port: number): Promise<PortOwner | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const wanted = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (wanted.size === 0) return undefined;
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (!wanted.has(target)) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), command: command.replaceAll('\0', ' ').trim() };
    }
  }
  return undefined;
}

/** @returns undefined if the port can be bound now, else the system's error code: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` */
export function bindError(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
