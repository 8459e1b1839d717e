/** The root file system that all test machines share: a small Debian with systemd, sshd, sudo and nftables. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

const suite = 'bookworm';
/** Masked: they write at times of their own, and tests compare whole disks. */
const timers = ['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer'];
const packages = ['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'sudo', 'iproute2', 'nftables', 'libatomic1'];
/** Programs of this machine, and the Debian packages that have them. */
export type Tools = Readonly<Record<string, string>>;

/** Who may log in to a machine. `lab` may do everything by sudo without a password, `nobody-special` nothing. */
export const users = { administrator: 'lab', withoutSudo: 'nobody-special' } as const;

/** Installs what is not there. @throws Error with what apt says when it cannot */
export async function installTools(tools: Tools): Promise<void> {
  const missing: string[] = [];
  for (const [tool, name] of Object.entries(tools)) {
    const { exitCode } = await execa('which', [tool], { reject: false });
    if (exitCode !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: 300_000 };
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...new Set(missing)];
  const { exitCode } = await execa('apt-get', install, { ...options, reject: false });
  if (exitCode === 0) return;
  // The lists of packages are missing, or of another day.
  await execa('apt-get', ['update', '-qq'], options);
  await execa('apt-get', install, options);
}

/**
 * Makes the root file system once; later calls find it.
 * @param cache a folder that may be kept from run to run
 * @param more packages to have in it
 * @returns its path; it is shared and must not be written to
 */
export async function ensureBaseSystem(cache: string, more: readonly string[] = []): Promise<string> {
  const recipe = `${await readFile(import.meta.filename, 'utf8')} ${more.join()}`;
  const base = path.join(cache, `base-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`);
  if (existsSync(base)) return base;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const work = path.join(cache, `making-${process.pid}`);
  try {
    const args = ['--variant=minbase', `--include=${[...packages, ...more].join(',')}`, suite, work];
    await execa('debootstrap', args, { timeout: 300_000 });
    await prepare(work);
    await rename(work, base);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return base;
}

/** What every machine has in common, beside its packages. */
async function prepare(root: string): Promise<void> {
  for (const user of Object.values(users)) await execa('chroot', [root, 'useradd', '-m', '-s', '/bin/bash', user]);
  const at = (file: string) => path.join(root, file);
  await writeFile(at('etc/sudoers.d/lab'), `${users.administrator} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
  await writeFile(
    at('etc/ssh/sshd_config.d/lab.conf'),
    'UseDNS no\nPermitRootLogin no\nPasswordAuthentication no\nMaxStartups 100\n',
  );
  // The machines have no way out, and must not wait for a name server that they cannot reach.
  await writeFile(at('etc/resolv.conf'), '');
  await writeFile(at('etc/hosts'), '127.0.0.1 localhost\n::1 localhost ip6-localhost\n');
  await rm(at('var/lib/dbus/machine-id'), { force: true });
  await writeFile(at('etc/machine-id'), '');
  // journald keeps logs over a power cut only if this folder is there.
  await mkdir(at('var/log/journal'), { recursive: true });
  await appendFile(at('etc/systemd/journald.conf'), 'SystemMaxUse=64M\nRateLimitIntervalSec=0\n');
  for (const timer of timers) await symlink('/dev/null', at(`etc/systemd/system/${timer}`));
  for (const name of await readdir(at('etc/ssh'))) {
    // Each machine gets host keys of its own.
    if (name.startsWith('ssh_host_')) await rm(at(`etc/ssh/${name}`));
  }
}
