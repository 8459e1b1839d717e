import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { projectRoot } from '../../lab/project.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { parseSshConfig, vagrantDirectory, vagrantSshSettings, vagrantUp } from './vagrant.ts';

const sshConfig = `Host node1
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  IdentityFile "/home/me/my labs/private_key"
  IdentityFile /other

Host node2
  HostName 10.0.0.2
  User vagrant
`;

/** Puts a program called vagrant where it is found, and nothing else. */
function fakeVagrant(script: string): string {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'vagrant'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'vagrant'), 0o755);
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return folder;
}

function has(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

describe('the Vagrantfile', () => {
  it.skipIf(!has('vagrant'))('is one that Vagrant takes, with nodes of its own and with those of lab.yaml', () => {
    const folder = scratchFolder();
    const file = join(folder, 'lab.yaml');
    writeFileSync(file, 'provider: vagrant\nvagrant: { cpus: 2 }\nnodes: [{ name: a, address: 10.200.10.10 }]\n');
    const validate = (labFile: string) =>
      spawnSync('vagrant', ['validate', '--ignore-provider'], {
        cwd: projectRoot,
        encoding: 'utf8',
        env: {
          ...process.env,
          ETCDLAB_FILE: labFile,
          VAGRANT_HOME: join(folder, 'home'),
          VAGRANT_DOTFILE_PATH: join(folder, 'dot'),
          VAGRANT_CHECKPOINT_DISABLE: '1',
        },
      });
    const described = validate(file);
    expect([described.stderr, described.status]).toEqual(['', 0]);
    expect(described.stdout).toContain('==> a:');
    expect(described.stdout).not.toContain('==> node1:');
    expect(validate(join(folder, 'none.yaml')).stdout).toContain('==> node3:');
  });
});

describe('vagrant', () => {
  it('says how to log in to its machines', () => {
    const machines = parseSshConfig(sshConfig);
    expect([...machines.keys()]).toEqual(['node1', 'node2']);
    expect(machines.get('node1')).toEqual({
      host: '127.0.0.1',
      port: 2222,
      user: 'vagrant',
      identityFile: '/home/me/my labs/private_key',
    });
    expect(machines.get('node2')).toEqual({ host: '10.0.0.2', port: 22, user: 'vagrant' });
    expect(parseSshConfig('').size).toBe(0);
  });

  it('is called where the Vagrantfile is, and told which lab it is about', async () => {
    const folder = fakeVagrant(`[ "$ETCDLAB_NAME" = demo ] && [ -n "$ETCDLAB_FILE" ] && [ "$1" = ssh-config ] || exit 9
cat <<'END'
${sshConfig}
END`);
    const options = { directory: folder, labFile: join(folder, 'lab.yaml'), labName: 'demo' };
    expect((await vagrantSshSettings(options)).size).toBe(2);
  });

  it('tells what it does, without its thousands of fragments, and what helps when it fails', async () => {
    const folder = fakeVagrant(`echo "Bringing machine up"; echo "Progress: 5%"; echo "VERR_SVM_IN_USE" >&2; exit 1`);
    const lines: string[] = [];
    const running = vagrantUp({ directory: folder, labFile: undefined, labName: 'demo' }, (line) => lines.push(line));
    await expect(running).rejects.toMatchObject({
      code: 'LAB_VAGRANT',
      details: expect.arrayContaining(['VERR_SVM_IN_USE']),
      advice: [expect.stringContaining('KVM holds the processor')],
    });
    expect(lines).toContain('Bringing machine up');
    expect(lines.join()).not.toContain('Progress');
  });

  it("reads the lab's own Vagrantfile if it has one, else the one that etcdlab brings", () => {
    const folder = join(scratchFolder(), 'lab');
    mkdirSync(folder);
    const file = join(folder, 'lab.yaml');
    expect(vagrantDirectory(file)).toBe(projectRoot);
    expect(vagrantDirectory(undefined)).toBe(projectRoot);
    writeFileSync(join(folder, 'Vagrantfile'), '');
    expect(vagrantDirectory(file)).toBe(folder);
  });
});
