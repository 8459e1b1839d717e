import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { requireChecksum, unpackEngine } from './engine-archive.ts';

/** As upstream packs a release: one folder, with more in it than the executables. */
function release(names: readonly string[]) {
  const folder = scratchFolder();
  const inside = join(folder, 'etcd-v3.5.30-linux-amd64');
  mkdirSync(join(inside, 'Documentation'), { recursive: true });
  for (const name of names) writeFileSync(join(inside, name), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
  const file = join(folder, 'etcd.tar.gz');
  spawnSync('tar', ['-C', folder, '-czf', file, 'etcd-v3.5.30-linux-amd64']);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  return { archive: { file, sha256 }, to: join(folder, 'engines', sha256.slice(0, 16)) };
}
const executables = ['etcd', 'etcdctl', 'etcdutl'];

describe('an archive of a release', () => {
  it('is unpacked once, whole, with nothing left beside it', async () => {
    const { archive, to } = release(executables);
    await unpackEngine(archive, to);
    expect(spawnSync(join(to, 'etcdutl'), { encoding: 'utf8' }).stdout).toBe('etcdutl\n');
    expect(readdirSync(join(to, '..'))).toHaveLength(1);
    // What is unpacked is not unpacked again: the archive may be gone.
    await unpackEngine({ ...archive, file: '/nowhere' }, to);
  });

  it('takes away what killed runs have left, and not what others unpack now', async () => {
    const { archive, to } = release(executables);
    const engines = join(to, '..');
    const left = ['0123456789abcdef.Ab3dEf', `${archive.sha256.slice(0, 16)}.x_y9zA`];
    for (const name of [...left, 'from-0123456789abcdef']) mkdirSync(join(engines, name, 'etcd'), { recursive: true });
    await unpackEngine(archive, to);
    expect(readdirSync(engines)).toEqual(expect.arrayContaining(left));
    rmSync(to, { recursive: true });
    await unpackEngine(archive, to, Date.now() + 2 * 3_600_000);
    expect(readdirSync(engines).sort()).toEqual([archive.sha256.slice(0, 16), 'from-0123456789abcdef'].sort());
  });

  it('stays as it is when somebody else was quicker', async () => {
    const { archive, to } = release(executables);
    const bin = scratchFolder();
    const quicker = `cp -r "$4/etcd-v3.5.30-linux-amd64" "${to}" && touch "${to}/theirs"`;
    const path = process.env.PATH ?? '';
    writeFileSync(join(bin, 'tar'), `#!/bin/sh\nPATH="${path}" tar "$@" && ${quicker}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${path}`);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await unpackEngine(archive, to);
    expect(readdirSync(to)).toContain('theirs');
    expect(readdirSync(join(to, '..'))).toHaveLength(1);
  });

  it('is refused when it is another one, cannot be read, or is not of etcd 3.5', async () => {
    const { archive, to } = release(executables);
    const other = { ...archive, sha256: 'f'.repeat(64) };
    const message = `its SHA-256 is ${archive.sha256}, not ${other.sha256}`;
    await expect(unpackEngine(other, to)).rejects.toMatchObject({
      code: 'LAB_ENGINE',
      message: expect.stringContaining(message),
    });
    await expect(requireChecksum({ ...archive, file: '/nowhere' })).rejects.toMatchObject({ code: 'LAB_ENGINE' });
    const old = release(['etcd', 'etcdctl']);
    await expect(unpackEngine(old.archive, old.to)).rejects.toThrow('does not hold etcd, etcdctl and etcdutl');
    expect([to, old.to].map((folder) => existsSync(folder))).toEqual([false, false]);
    expect(readdirSync(join(old.to, '..'))).toEqual([]);
  });
});
