/** Opens the store that lab.yaml or `--store` names. */
import { LabError } from '../../../toolkit/errors.ts';
import { SshConnection } from '../../../toolkit/hosts/ssh/connection.ts';
import { readHostKey } from '../../../toolkit/hosts/ssh/host-key-probe.ts';
import { fingerprint, KnownHosts } from '../../../toolkit/hosts/ssh/host-keys.ts';
import type { BackupsConfig, StoreLocation } from '../../../toolkit/lab/backup-config.ts';
import { FolderStore } from './folder-store.ts';
import type { ObjectStore } from './object-store.ts';
import { SftpStore } from './sftp-store.ts';

export {
  type Content,
  contentOfFile,
  contentOfText,
  type Digest,
  type ObjectInfo,
  type ObjectStore,
} from './object-store.ts';

export type ForeignLocation = Exclude<StoreLocation, { kind: 'local' }>;

/**
 * @param knownHostsFile the lab's own: a host key that was trusted once is asked for again
 * @returns the store, to be closed by the caller; the one over SFTP has met its host, others are asked when they are used
 * @throws LabError LAB_HOST_KEY_UNKNOWN, LAB_HOST_KEY_CHANGED, LAB_HOST_UNREACHABLE, LAB_STORE_ACCESS
 */
export async function openStore(
  location: ForeignLocation,
  settings: Pick<BackupsConfig, 's3' | 'sftp'>,
  knownHostsFile: string,
): Promise<ObjectStore> {
  if (location.kind === 'folder') return new FolderStore(location.path);
  if (location.kind === 's3') {
    const { S3Store } = await import('./s3-store.ts');
    return S3Store.open(location, settings.s3);
  }
  return openSftp(location, settings.sftp, new KnownHosts(knownHostsFile));
}

async function openSftp(
  { user, host, port, path }: Extract<ForeignLocation, { kind: 'sftp' }>,
  { identityFile, hostKey }: NonNullable<BackupsConfig['sftp']> = {},
  knownHosts: KnownHosts,
): Promise<SftpStore> {
  const name = 'the store of the backups';
  await meet(name, { host, port }, hostKey, knownHosts);
  const connection = new SshConnection(name, { user, host, port, identityFile }, knownHosts);
  return new SftpStore(connection, path, `sftp://${user}@${host}${port === 22 ? '' : `:${port}`}${path}`);
}

/** Trusts a host that shows the key that lab.yaml names, and no other. */
async function meet(
  name: string,
  { host, port }: { host: string; port: number },
  expected: string | undefined,
  knownHosts: KnownHosts,
): Promise<void> {
  const trusted = await knownHosts.find(host, port);
  if (trusted !== undefined && (expected === undefined || fingerprint(trusted) === expected)) return;
  const shown = await readHostKey(name, { host, port });
  if (fingerprint(shown) === expected) return knownHosts.trust(host, port, shown);
  if (expected !== undefined) {
    throw new LabError(
      'LAB_HOST_KEY_CHANGED',
      `${name} (${host}:${port}) shows the ${shown.type} key ${fingerprint(shown)}, and lab.yaml says ${expected}`,
      { advice: 'if somebody else answers in its place, find out who before anything is sent there' },
    );
  }
  throw new LabError('LAB_HOST_KEY_UNKNOWN', `nobody has vouched for the SSH host key of ${name} (${host}:${port})`, {
    details: [`it shows ${shown.type} ${fingerprint(shown)}`],
    advice:
      'if that is right (ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub there), name it in lab.yaml: backups.sftp.hostKey',
  });
}
