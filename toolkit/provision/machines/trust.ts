/** The first contact with a machine: which host key it shows, and whether it is the one that was expected. */
import { LabError } from '../../errors.ts';
import { readHostKey } from '../../hosts/ssh/host-key-probe.ts';
import { fingerprint, type HostKey, type KnownHosts } from '../../hosts/ssh/host-keys.ts';
import type { NodeConfig } from '../../lab/config.ts';
import type { NodeState } from '../../lab/state.ts';

/** A machine that was never trusted, and the key that it shows. */
export interface Stranger {
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly key: HostKey;
  readonly fingerprint: string;
}

export interface Encounter {
  /** The machines whose keys nobody has vouched for. */
  readonly strangers: readonly Stranger[];
  /** LAB_HOST_UNREACHABLE of a machine, LAB_HOST_KEY_CHANGED of one whose key is not the one in lab.yaml. */
  readonly failures: readonly LabError[];
}

/**
 * Trusts the keys that lab.yaml names. Asks nobody.
 * @param wanted the fingerprints of lab.yaml
 */
export async function meetMachines(
  nodes: readonly NodeState[],
  wanted: readonly Pick<NodeConfig, 'name' | 'ssh'>[],
  knownHosts: KnownHosts,
): Promise<Encounter> {
  const strangers: Stranger[] = [];
  const failures: LabError[] = [];
  await Promise.all(
    nodes.map(async ({ name, ssh }) => {
      if (ssh === undefined || (await knownHosts.find(ssh.host, ssh.port)) !== undefined) return;
      try {
        const key = await readHostKey(name, ssh);
        const stranger = { node: name, host: ssh.host, port: ssh.port, key, fingerprint: fingerprint(key) };
        const expected = wanted.find((node) => node.name === name)?.ssh?.hostKey;
        if (expected === undefined) strangers.push(stranger);
        else if (expected === stranger.fingerprint) await knownHosts.trust(ssh.host, ssh.port, key);
        else failures.push(unexpectedKey(stranger, expected));
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        failures.push(error);
      }
    }),
  );
  return { strangers: strangers.sort((a, b) => (a.node < b.node ? -1 : 1)), failures };
}

/** @throws LabError the failure, or one that names all of them */
export function refuseFailures(failures: Encounter['failures']): void {
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  throw new LabError(first.code, `${failures.length} machines cannot be trusted or reached`, {
    details: failures.map(({ message }) => message),
    advice: first.advice,
  });
}

function unexpectedKey({ node, host, port, fingerprint, key }: Stranger, expected: string): LabError {
  const found = `${node} (${host}:${port}) shows the ${key.type} key ${fingerprint}, and lab.yaml says ${expected}`;
  return new LabError('LAB_HOST_KEY_CHANGED', found, {
    advice: [
      `on ${node} itself, look which is right: ssh-keygen -lf /etc/ssh/ssh_host_${key.type.replace('ssh-', '')}_key.pub`,
      'if somebody else answers in its place, find out who before anything is sent there',
    ],
  });
}

/** Trusts the keys from now on. */
export async function trustMachines(strangers: readonly Stranger[], knownHosts: KnownHosts): Promise<void> {
  for (const { host, port, key } of strangers) await knownHosts.trust(host, port, key);
}

/** @returns one line per machine: name, address, key */
export function describeStrangers(strangers: readonly Stranger[]): string[] {
  return strangers.map(
    ({ node, host, port, key, fingerprint }) => `${node} ${host}:${port} ${key.type} ${fingerprint}`,
  );
}
