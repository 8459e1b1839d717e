/** The `ssh` of this machine, for sessions that people sit in; it trusts exactly the host keys that the lab trusts. */
import { quoteCommand } from './command-line.ts';
import type { SshHost } from './ssh-host.ts';

/**
 * @param command what to run there; none for a login shell
 * @param isTerminal whether the other side gets a terminal
 * @returns the arguments of `ssh`
 */
export function sshArguments(
  { address, knownHosts }: SshHost,
  command: readonly string[],
  isTerminal: boolean,
): string[] {
  const { host, port, user, identityFile } = address;
  const settings = {
    UserKnownHostsFile: knownHosts.file,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    PasswordAuthentication: 'no',
    ...(identityFile !== undefined && { IdentitiesOnly: 'yes' }),
  };
  return [
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(identityFile === undefined ? [] : ['-i', identityFile]),
    isTerminal ? '-t' : '-T',
    '-p',
    String(port),
    '-l',
    user,
    '--',
    host,
    ...(command.length === 0 ? [] : [quoteCommand(command)]),
  ];
}
