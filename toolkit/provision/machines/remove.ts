/** Takes a lab off a machine, so that nothing of it is left. */
import { LabError } from '../../errors.ts';
import { memberUser } from '../../hosts/ssh/ssh-host.ts';
import { stayDownFile, unitFile, unitName } from '../../hosts/ssh/systemd-service.ts';
import { type LabNode, machineEngines, machinePaths } from '../../lab/nodes.ts';
import type { LabState } from '../../lab/state.ts';
import { must } from './prepare.ts';
import { isOwn, parseRecord, recordFile } from './record.ts';

/**
 * Can be repeated after an interruption: what says that the machine is the lab's goes last.
 * @returns whether there was anything to remove
 * @throws LabError LAB_NOT_A_LAB if the machine belongs to another lab
 */
export async function removeFromMachine(
  { host, name }: LabNode,
  lab: Pick<LabState, 'name' | 'createdAt'>,
): Promise<boolean> {
  const text = await host.getFile(recordFile);
  if (text === undefined) return false;
  const record = parseRecord(Buffer.from(text).toString('utf8'));
  if (record === undefined || !isOwn(record, lab)) {
    const whose = record === undefined ? 'a lab that cannot be told' : `lab '${record.lab}' of ${record.createdAt}`;
    throw new LabError('LAB_NOT_A_LAB', `${name} belongs to ${whose}: nothing was removed there`, {
      advice: 'destroy that lab instead, or take the node out with --forget NODE',
    });
  }
  await host.heal();
  await host.service.kill();
  await host.run('systemctl', ['disable', '--quiet', unitName], { as: 'root' });
  for (const path of [unitFile, stayDownFile.replace(/\/[^/]*$/, '')]) await host.remove(path);
  await must(host, 'systemctl', ['daemon-reload']);
  // A unit that failed is remembered by name even when its file is gone.
  await host.run('systemctl', ['reset-failed', unitName], { as: 'root' });
  for (const path of [machinePaths.root, machineEngines, machinePaths.pki, machinePaths.configFile]) {
    await host.remove(path);
  }
  if (!record.madeRoot) await host.makeDirectory(machinePaths.root);
  if (record.madeUser) await removeUser(host);
  await host.remove(recordFile);
  // Fails while somebody else has files there, which is as it should be.
  await host.run('rmdir', ['/etc/etcd'], { as: 'root' });
  return true;
}

async function removeUser(host: LabNode['host']): Promise<void> {
  const { exitCode, stderr } = await host.run('userdel', [memberUser], { as: 'root' });
  // 6: there is none; 12: its home directory is gone already, and so is the user.
  if ([0, 6, 12].includes(exitCode)) return;
  throw new LabError('LAB_HOST_COMMAND', `user ${memberUser} cannot be removed from ${host.name}: ${stderr.trim()}`, {
    advice: `etcdlab exec ${host.name} -- ps -u ${memberUser}`,
  });
}
