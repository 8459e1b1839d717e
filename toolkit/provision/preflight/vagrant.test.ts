import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseConfig } from '../../lab/config-file.ts';
import { labPaths } from '../../lab/state.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { preflight } from './mod.ts';
import { judgeAddresses, parseNetworks } from './vagrant.ts';

const tutorial = 'provider: vagrant\nnodes: [{ name: a, address: 10.200.10.10 }, { name: b, address: 10.200.10.11 }]';

/** What is said of a lab that Vagrant has not made yet. @param programs that are installed, beside those of the system */
async function found(programs: readonly string[], provider = '') {
  const folder = scratchFolder();
  for (const name of programs) {
    writeFileSync(join(folder, name), '#!/bin/sh\necho 1.2.3\n');
    chmodSync(join(folder, name), 0o755);
  }
  vi.stubEnv('PATH', folder);
  vi.stubEnv('VAGRANT_DEFAULT_PROVIDER', provider);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const config = parseConfig(tutorial, 'lab.yaml', '/');
  const findings = await preflight({ config, paths: labPaths(folder, 'lab'), now: new Date() });
  return findings.filter(({ check }) => ['vagrant', 'machines', 'ssh'].includes(check));
}

describe('a lab that Vagrant has not made yet', () => {
  it('needs Vagrant, and no machine that answers', async () => {
    expect(await found([])).toMatchObject([{ severity: 'error', check: 'vagrant', found: 'is not installed' }]);
    for (const provider of ['libvirt', 'virtualbox']) {
      expect(await found(['vagrant', 'VBoxManage'], provider)).toMatchObject([
        { severity: 'ok', check: 'vagrant' },
        { severity: 'ok', check: 'machines', subject: 'a, b' },
      ]);
    }
  });
});

describe('the addresses of virtual machines', () => {
  const addresses = ['10.200.10.10', '10.200.10.11'];

  it('are refused by VirtualBox outside of its range, and the line that allows them is told', () => {
    expect(judgeAddresses(['192.168.56.10', '192.168.63.254'], ['192.168.56.0/21']).severity).toBe('ok');
    expect(judgeAddresses(addresses, ['192.168.56.0/21'])).toMatchObject({
      severity: 'error',
      subject: '10.200.10.10, 10.200.10.11',
      advice: expect.stringContaining("echo '* 10.200.10.0/24' | sudo tee -a /etc/vbox/networks.conf"),
    });
    expect(judgeAddresses(addresses, []).severity).toBe('error');
  });

  it('are allowed by its settings file', () => {
    const text = '# for the lab\n* 10.0.0.0/8 192.168.0.0/16 2001::/64\n* 999.0.0.0/8 172.16.0.0/33 # wrong\n';
    expect(parseNetworks(text)).toEqual(['10.0.0.0/8', '192.168.0.0/16']);
    expect(judgeAddresses(addresses, parseNetworks(text)).severity).toBe('ok');
    expect(judgeAddresses(addresses, parseNetworks('* 0.0.0.0/0 ::/0')).severity).toBe('ok');
  });
});
