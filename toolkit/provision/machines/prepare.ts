/** Makes a machine ready for a member: the member's user, its folders, and a note of whose machine it is. */
import { dirname } from 'node:path';
import { LabError } from '../../errors.ts';
import type { Host, HostUser } from '../../hosts/host.ts';
import { memberUser } from '../../hosts/ssh/ssh-host.ts';
import { unitFile } from '../../hosts/ssh/systemd-service.ts';
import { machineEngines, machinePaths } from '../../lab/nodes.ts';
import type { LabState } from '../../lab/state.ts';
import { formatRecord, parseRecord, recordFile } from './record.ts';

interface Directory {
  readonly path: string;
  readonly mode: number;
  readonly owner: HostUser & ('member' | 'root');
}

/** The parents first. Only the member reads its keys and its data. */
const directories: readonly Directory[] = [
  { path: machineEngines, mode: 0o755, owner: 'root' },
  { path: '/etc/etcd', mode: 0o755, owner: 'root' },
  { path: machinePaths.pki, mode: 0o700, owner: 'member' },
  { path: machinePaths.root, mode: 0o700, owner: 'member' },
];

/**
 * Does what is missing; can be repeated after an interruption.
 * @returns what was changed, in words; nothing if all was as it should be
 */
export async function prepareMachine(
  host: Host,
  node: string,
  lab: Pick<LabState, 'name' | 'createdAt'>,
): Promise<string[]> {
  const changed: string[] = [];
  const before = await host.getFile(recordFile);
  const record = before && parseRecord(Buffer.from(before).toString('utf8'));
  const isThere = await userExists(host);
  // Written first: whatever happens then, `destroy` knows the machine for its own, and that the user is to go with it.
  const wanted = formatRecord({
    lab: lab.name,
    node,
    createdAt: lab.createdAt,
    madeUser: record?.madeUser ?? !isThere,
    madeRoot: record?.madeRoot ?? !(await host.exists(machinePaths.root)),
  });
  if (before === undefined || Buffer.from(before).toString('utf8') !== wanted) {
    await host.makeDirectory('/etc/etcd', 0o755, 'root');
    await host.putFile(recordFile, wanted, 0o644, 'root');
    changed.push(recordFile);
  }
  if (!isThere) {
    await makeUser(host);
    changed.push(`user ${memberUser}`);
  }
  for (const directory of directories) if (await ensureDirectory(host, directory)) changed.push(directory.path);
  changed.push(...(await removeLeftovers(host)));
  return changed;
}

/** What a machine that died in the middle of a transfer has left. None that is under way is as old. */
async function removeLeftovers(host: Host): Promise<string[]> {
  const places = ['/etc/etcd', machineEngines, machinePaths.root, dirname(unitFile)];
  const isLeftover = ['-maxdepth', '2', '-name', '.etcdlab-*', '-mmin', '+60'];
  const { stdout } = await host.run('find', [...places, ...isLeftover], { as: 'root', readOnly: true });
  const leftovers = stdout.split('\n').filter((line) => line !== '');
  for (const path of leftovers) await host.remove(path);
  return leftovers;
}

async function userExists(host: Host): Promise<boolean> {
  const { exitCode } = await host.run('getent', ['passwd', memberUser], { as: 'login', readOnly: true });
  return exitCode === 0;
}

async function makeUser(host: Host): Promise<void> {
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', machinePaths.root];
  const shell = ['--shell', '/usr/sbin/nologin'];
  await must(host, 'useradd', [...args, ...shell, memberUser]);
}

/** Puts owner and mode right also of a directory that was there. */
async function ensureDirectory(host: Host, { path, mode, owner }: Directory): Promise<boolean> {
  const user = owner === 'member' ? memberUser : 'root';
  const wanted = `${mode.toString(8)} ${user} ${user}`;
  const { exitCode, stdout } = await host.run('stat', ['-c', '%a %U %G', path], { as: 'root', readOnly: true });
  if (exitCode === 0 && stdout.trim() === wanted) return false;
  await host.makeDirectory(path, mode, owner);
  if (exitCode === 0) {
    await must(host, 'chown', ['--no-dereference', `${user}:${user}`, path]);
    await must(host, 'chmod', [mode.toString(8), path]);
  }
  return true;
}

/** @throws LabError LAB_HOST_COMMAND if the command fails */
export async function must(host: Host, file: string, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await host.run(file, args, { as: 'root' });
  if (exitCode === 0) return;
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  throw new LabError('LAB_HOST_COMMAND', `${file} on ${host.name} ended with exit code ${exitCode}: ${reason}`, {
    advice: `etcdlab exec ${host.name} -- sudo ${file} ${args.join(' ')}`,
  });
}
