/** From the description of a lab to where its nodes are and how their hosts are reached. */
import { userInfo } from 'node:os';
import type { LabConfig, NodeConfig } from '../../lab/config.ts';
import type { LabState, NodeState } from '../../lab/state.ts';

/** The SSH settings of a machine that somebody else knows, such as Vagrant. */
export type SshSettings = NonNullable<NodeState['ssh']>;

/**
 * @param before what is remembered of the lab; keeps where its engine was installed
 * @param found settings by node, in place of those that lab.yaml leaves open
 * @returns the nodes in the order of lab.yaml
 */
export function nodeStates(
  config: Pick<LabConfig, 'provider' | 'nodes' | 'ssh'>,
  before?: Pick<LabState, 'nodes'>,
  found: ReadonlyMap<string, SshSettings> = new Map(),
): NodeState[] {
  return config.nodes.map((node) => {
    const { name, address, clientPort, peerPort, alternativeNames } = node;
    const state = { name, address, clientPort, peerPort, ...(alternativeNames && { alternativeNames }) };
    if (config.provider === 'local') return state;
    const known = before?.nodes.find((candidate) => candidate.name === name);
    const engineFolder = known?.engineFolder;
    // How Vagrant's machines are reached is known only from Vagrant: from now, or from last time.
    const remembered = config.provider === 'vagrant' ? known?.ssh : undefined;
    return {
      ...state,
      ssh: sshSettings(node, config.ssh, found.get(name) ?? remembered),
      ...(engineFolder !== undefined && { engineFolder }),
    };
  });
}

function sshSettings(
  { address, ssh: own = {} }: NodeConfig,
  common: LabConfig['ssh'],
  found?: SshSettings,
): SshSettings {
  const identityFile = own.identityFile ?? common?.identityFile ?? found?.identityFile;
  return {
    host: own.host ?? found?.host ?? address,
    port: own.port ?? common?.port ?? found?.port ?? 22,
    user: own.user ?? common?.user ?? found?.user ?? userInfo().username,
    ...(identityFile !== undefined && { identityFile }),
  };
}
