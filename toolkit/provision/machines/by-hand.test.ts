import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../lab/config-file.ts';
import { type LabNode, labNodes } from '../../lab/nodes.ts';
import { labPaths } from '../../lab/state.ts';
import { renderStaticPod } from '../../lab/static-pod.ts';
import { nextState } from '../up.ts';
import { renderByHand } from './by-hand.ts';

const config = parseConfig(
  'provider: ssh\nssh: { user: lab }\nnodes: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.2 }]',
  'lab.yaml',
  '/',
);
const state = nextState(undefined, config);
const [node] = labNodes(state, labPaths('/nowhere', 'lab')) as [LabNode];
const engine = {
  folder: '/opt/etcdlab/by-hand',
  files: [{ name: 'etcd', localPath: 'etcd', sha256: '' }],
  links: ['etcdctl'],
};

describe('the script to do by hand what up does', () => {
  it('is one that sh understands, has every step in its order, and no key in it', async () => {
    const script = await renderByHand(node, state, engine);
    expect(spawnSync('sh', ['-n'], { input: script }).stderr.toString()).toBe('');
    const steps = [
      'useradd --system',
      'install -d -m 0700 -o etcd -g etcd /var/lib/etcd',
      'install -m 0755 -o root -g root "$ENGINE"/etcd /opt/etcdlab/by-hand/etcd',
      'install -m 0600 -o etcd -g etcd "$PKI"/server-a-key.pem /etc/etcd/pki/server-key.pem',
      'cat > /etc/etcd/etcd.conf.yml',
      'ExecStart="/opt/etcdlab/by-hand/etcd" "--config-file" "/etc/etcd/etcd.conf.yml"',
      'systemctl daemon-reload',
      'systemctl enable --quiet etcd.service',
      'systemctl start --no-block etcd.service',
    ];
    const places = steps.map((step) => script.indexOf(step));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(script).not.toContain('PRIVATE KEY');
  });
});

describe('a static pod', () => {
  it('is YAML that runs the member with the configuration of the machine', async () => {
    const pod = parse(await renderStaticPod(node, 'registry/etcd:v1'));
    expect(pod).toMatchObject({ kind: 'Pod', metadata: { name: 'etcd-a' }, spec: { hostNetwork: true } });
    const [container] = pod.spec.containers;
    expect(container).toMatchObject({
      image: 'registry/etcd:v1',
      command: ['etcd', '--config-file', '/etc/etcd/etcd.conf.yml'],
      livenessProbe: { tcpSocket: { host: '10.0.0.1', port: 2379 } },
    });
    const mounts = container.volumeMounts.map(({ name }: { name: string }) => name);
    expect(pod.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(mounts);
  });
});
