import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../testing/scratch.ts';
import { fingerprint, KnownHosts, parseHostKey } from './host-keys.ts';

/** Public keys of ssh-keygen's making would need ssh-keygen; these are fixed. */
const keys = {
  ed25519: 'AAAAC3NzaC1lZDI1NTE5AAAAIPIJ7bIEXmuP6DD0lsHDzsjMQUgiBfNrjkWM8zMBLxjK',
  other: 'AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
};
const key = (text: string) => parseHostKey(Buffer.from(text, 'base64'));

function has(program: string): boolean {
  try {
    execFileSync('which', [program]);
    return true;
  } catch {
    return false;
  }
}

describe('known hosts', () => {
  it('are kept in a file for their owner, and found again', async () => {
    const file = join(scratchFolder(), 'known_hosts');
    const first = new KnownHosts(file);
    expect(await first.find('10.0.0.1', 22)).toBeUndefined();
    await first.trust('10.0.0.1', 22, key(keys.ed25519));
    await first.trust('10.0.0.1', 2222, key(keys.other));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = new KnownHosts(file);
    expect((await second.find('10.0.0.1', 22))?.blob.toString('base64')).toBe(keys.ed25519);
    expect((await second.find('10.0.0.1', 2222))?.type).toBe('ssh-ed25519');
    expect(await second.find('10.0.0.2', 22)).toBeUndefined();
  });

  it('keep every key that is trusted at the same time', async () => {
    const file = join(scratchFolder(), 'known_hosts');
    const hosts = new KnownHosts(file);
    const ports = Array.from({ length: 20 }, (_, i) => 1000 + i);
    await Promise.all(ports.map((port) => hosts.trust('h', port, key(keys.ed25519))));
    const again = new KnownHosts(file);
    for (const port of ports) expect(await again.find('h', port)).toBeDefined();
  });

  it('name the line of a file that is damaged, and what to do', async () => {
    const file = join(scratchFolder(), 'known_hosts');
    writeFileSync(file, `# a comment\n\nhost ssh-rsa ${keys.ed25519}\n`);
    await expect(new KnownHosts(file).find('host', 22)).rejects.toMatchObject({
      code: 'LAB_STATE',
      message: `${file}:3 is damaged`,
    });
    writeFileSync(file, 'host ssh-ed25519\n');
    await expect(new KnownHosts(file).find('host', 22)).rejects.toMatchObject({ code: 'LAB_STATE' });
  });

  it.skipIf(!has('ssh-keygen'))('are what OpenSSH reads: ssh-keygen agrees on fingerprints, and forgets', async () => {
    const file = join(scratchFolder(), 'known_hosts');
    const hosts = new KnownHosts(file);
    await hosts.trust('10.0.0.1', 22, key(keys.ed25519));
    await hosts.trust('10.0.0.1', 2222, key(keys.ed25519));
    expect(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' })).toContain(fingerprint(key(keys.ed25519)));
    execFileSync('sh', ['-c', hosts.forgetCommand('10.0.0.1', 2222)], { stdio: 'ignore' });
    expect(readFileSync(file, 'utf8')).toBe(`10.0.0.1 ssh-ed25519 ${keys.ed25519}\n`);
  });
});

describe('a host key', () => {
  it('is refused if it is none', () => {
    for (const bytes of [Buffer.alloc(4), Buffer.from('000000ff', 'hex'), Buffer.from('0000000741', 'hex')]) {
      expect(() => parseHostKey(bytes)).toThrow(RangeError);
    }
  });
});
