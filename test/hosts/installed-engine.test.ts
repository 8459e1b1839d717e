/** Upstream's engine as the package manager of a machine has it, of which the lab takes nothing away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { haveMachines, MachineLab } from './support/machine-lab.ts';
import { enginePaths } from './support/machines-spec.ts';

const nodes = ['node1', 'node2', 'node3'];
/** As Debian's package leaves a machine: its user, its folder, its unit, which runs until somebody disables it. */
const asPackaged = `set -e
useradd --system --user-group --no-create-home --home-dir /var/lib/etcd --shell /bin/false etcd
install -d -m 700 -o etcd -g etcd /var/lib/etcd
printf '[Service]\\nExecStart=/usr/bin/etcd\\n[Install]\\nWantedBy=multi-user.target\\n' > /lib/systemd/system/etcd.service
systemctl daemon-reload`;

describe.skipIf(!haveMachines() || !haveUpstream())('the engine that a machine has installed', () => {
  let lab: MachineLab;
  const everything = () => Promise.all(nodes.map((node) => lab.everything(node)));

  beforeAll(async () => {
    lab = await MachineLab.create();
    lab.describe('engine: { kind: upstream, installed: /usr/bin }');
    const folder = process.env.ETCDLAB_UPSTREAM as string;
    for (const name of ['etcd', 'etcdctl', 'etcdutl']) await lab.copy(`${folder}/${name}`, 'node1', `/usr/bin/${name}`);
    for (const node of nodes) await lab.on(node, `sudo sh -c '${asPackaged.replaceAll("'", "'\\''")}'`);
  }, 300_000);
  afterAll(() => lab?.close(), 60_000);

  it('is refused when it is too old, or not whole, or when the service of the package is in use', async () => {
    await lab.on('node1', 'sudo mv /usr/bin/etcdutl /usr/bin/etcdutl.away');
    await lab.on('node2', 'sudo systemctl enable --quiet etcd');
    await lab.on('node3', 'sudo install -d /var/lib/etcd/default/member');
    const { exitCode, stderr } = await lab.run('up', '--accept-new-host-keys');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('node1 /usr/bin: etcdutl not installed there');
    expect(stderr).toContain('node2: has an etcd service already: /lib/systemd/system/etcd.service');
    expect(stderr).toContain('node3: has an etcd already that no lab made: data in /var/lib/etcd');
    await lab.on('node1', 'sudo mv /usr/bin/etcdutl.away /usr/bin/etcdutl; sudo mv /usr/bin/etcd /usr/bin/etcd.away');
    await lab.on(
      'node1',
      "printf '#!/bin/sh\\necho etcd Version: 3.4.23\\n' | sudo tee /usr/bin/etcd && sudo chmod 755 /usr/bin/etcd",
    );
    const old = await lab.run('up', '--accept-new-host-keys');
    expect(old.stderr).toContain('node1 /usr/bin: is etcd 3.4.23, 3.5 or a later 3.x is needed');
    await lab.on('node1', 'sudo mv /usr/bin/etcd.away /usr/bin/etcd');
    await lab.on('node2', 'sudo systemctl disable --quiet etcd');
    await lab.on('node3', 'sudo rm -r /var/lib/etcd/default');
  });

  it('runs on all machines, and the package is as it was when the lab is destroyed', async () => {
    const before = await everything();
    await lab.must('up', '--accept-new-host-keys');
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
    for (const node of nodes) {
      expect(await lab.on(node, 'systemctl show etcd -p ExecStart --value')).toMatch(enginePaths.upstream);
    }
    expect((await lab.events('up')).at(-1)).toMatchObject({ event: 'finished', changed: false });
    await lab.must('destroy', '--yes');
    expect(await everything()).toEqual(before);
  });
});
