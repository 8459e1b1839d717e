import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderMemberConfig } from './member-config.ts';
import { localNode } from './nodes.ts';

const bootstrap = {
  token: 'lab-1',
  clusterState: 'new' as const,
  cluster: { node1: 'https://127.0.0.1:2380', node2: 'https://127.0.0.1:22380' },
};
const node = (hosts: string) =>
  localNode({ name: 'node1', address: '127.0.0.1', clientPort: 2379, peerPort: 2380 }, hosts);

describe("a member's configuration", () => {
  it('is what etcd reads', async () => {
    expect(parse(await renderMemberConfig(node('/lab/hosts'), bootstrap))).toEqual({
      name: 'node1',
      'data-dir': '/lab/hosts/node1/data',
      'listen-peer-urls': 'https://127.0.0.1:2380',
      'initial-advertise-peer-urls': 'https://127.0.0.1:2380',
      'listen-client-urls': 'https://127.0.0.1:2379',
      'advertise-client-urls': 'https://127.0.0.1:2379',
      'initial-cluster': 'node1=https://127.0.0.1:2380,node2=https://127.0.0.1:22380',
      'initial-cluster-token': 'lab-1',
      'initial-cluster-state': 'new',
      'client-transport-security': {
        'cert-file': '/lab/hosts/node1/pki/server.pem',
        'key-file': '/lab/hosts/node1/pki/server-key.pem',
        'trusted-ca-file': '/lab/hosts/node1/pki/client-ca.pem',
        'client-cert-auth': true,
      },
      'peer-transport-security': {
        'cert-file': '/lab/hosts/node1/pki/peer.pem',
        'key-file': '/lab/hosts/node1/pki/peer-key.pem',
        'trusted-ca-file': '/lab/hosts/node1/pki/peer-ca.pem',
        'client-cert-auth': true,
      },
      ClientTLSInfo: { CRLFile: '/lab/hosts/node1/pki/client-ca.crl' },
      PeerTLSInfo: { CRLFile: '/lab/hosts/node1/pki/peer-ca.crl' },
      'log-level': 'info',
      'log-outputs': ['stderr'],
    });
  });

  it('takes every value as it is, whatever YAML would make of it', async () => {
    const text = await renderMemberConfig(node('/a b: #c "d"'), { ...bootstrap, token: 'no' });
    expect(parse(text)).toMatchObject({ 'data-dir': '/a b: #c "d"/node1/data', 'initial-cluster-token': 'no' });
    // Upstream's YAML is of version 1.1, where a bare `no` is false.
    expect(text).toContain('initial-cluster-token: "no"');
  });

  it('is the same for the same input', async () => {
    const once = await renderMemberConfig(node('/lab'), bootstrap);
    expect(await renderMemberConfig(node('/lab'), bootstrap)).toBe(once);
  });
});
