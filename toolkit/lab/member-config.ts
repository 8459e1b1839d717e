/** A member's configuration file, from `templates/etcd.conf.yml`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Eta } from 'eta';
import type { LabNode } from './nodes.ts';
import { projectRoot } from './project.ts';
import type { Bootstrap } from './state.ts';

/** Each `<%= %>` becomes a quoted YAML scalar: a path may hold a colon, and upstream's YAML reads a bare `no` as false. */
const eta = new Eta({
  autoEscape: true,
  escapeFunction: (value) => JSON.stringify(value),
  // Newlines after a tag stay: they end YAML lines.
  autoTrim: false,
});

/**
 * @param bootstrap how the member finds its cluster while it has no data
 * @returns the YAML text; equal input gives equal text
 */
export async function renderMemberConfig(node: LabNode, bootstrap: Bootstrap): Promise<string> {
  const template = await readFile(join(projectRoot, 'templates', 'etcd.conf.yml'), 'utf8');
  return eta.renderString(template, {
    name: node.name,
    dataDir: node.paths.data,
    clientUrl: node.clientUrl,
    peerUrl: node.peerUrl,
    initialCluster: Object.entries(bootstrap.cluster)
      .map(([name, url]) => `${name}=${url}`)
      .join(','),
    initialClusterToken: bootstrap.token,
    initialClusterState: bootstrap.clusterState,
    pki: memberPkiFiles(node),
  });
}

/** Where a member's certificates are on its host. The client and the peer side have an authority each. */
export function memberPkiFiles(node: LabNode) {
  const { pki } = node.paths;
  return {
    serverCert: join(pki, 'server.pem'),
    serverKey: join(pki, 'server-key.pem'),
    clientCa: join(pki, 'client-ca.pem'),
    clientCrl: join(pki, 'client-ca.crl'),
    peerCert: join(pki, 'peer.pem'),
    peerKey: join(pki, 'peer-key.pem'),
    peerCa: join(pki, 'peer-ca.pem'),
    peerCrl: join(pki, 'peer-ca.crl'),
  };
}
