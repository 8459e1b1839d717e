/** The first contact with a host, before there is any trust. */
import { Client } from 'ssh2';
import { LabError, messageOf } from '../../errors.ts';
import { connectTimeoutMs, type SshAddress } from './connection.ts';
import { type HostKey, parseHostKey } from './host-keys.ts';

/**
 * Asks a host for its key, without trusting it and without logging in.
 * @throws LabError LAB_HOST_UNREACHABLE
 */
export function readHostKey(name: string, { host, port }: Pick<SshAddress, 'host' | 'port'>): Promise<HostKey> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const fail = (reason: string) => {
      client.destroy();
      reject(
        new LabError('LAB_HOST_UNREACHABLE', `${name} (${host}:${port}) cannot be reached over SSH: ${reason}`, {
          advice: 'check its address in lab.yaml, that it runs, and that sshd listens there',
        }),
      );
    };
    client.on('error', (error) => fail(messageOf(error)));
    client.on('close', () => fail('it closed the connection'));
    client.connect({
      host,
      port,
      username: 'etcdlab',
      readyTimeout: connectTimeoutMs,
      hostVerifier: (blob: Buffer) => {
        resolve(parseHostKey(blob));
        // The verdict "no" ends the connection before a login is tried.
        return false;
      },
    });
  });
}
