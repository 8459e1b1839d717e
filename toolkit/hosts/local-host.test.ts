import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { LocalHost } from './local-host.ts';

const host = () => {
  const folder = scratchFolder();
  return { host: new LocalHost('node1', folder), folder, at: (name: string) => join(folder, name) };
};
const mode = (path: string) => statSync(path).mode & 0o777;

describe('a command on a host', () => {
  it('gives its output and exit code, also when it is not 0', async () => {
    const { host: local } = host();
    expect(await local.run('sh', ['-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await local.run('true', [])).toMatchObject({ exitCode: 0, stdout: '' });
  });

  it('reads what it is given, where it is told to, with the variables it is told', async () => {
    const { host: local, folder } = host();
    const options = { input: 'in', workingDirectory: folder, environment: { NAME: 'value' } };
    const { stdout } = await local.run('sh', ['-c', 'cat; echo " $NAME"; pwd'], options);
    expect(stdout).toBe(`in value\n${folder}\n`);
  });

  it('counts a signal as a shell does', async () => {
    expect(await host().host.run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ exitCode: 137 });
  });

  it('cannot be one that is not there', async () => {
    const start = host().host.run('/nowhere/etcd', []);
    await expect(start).rejects.toMatchObject({
      code: 'LAB_COMMAND_START',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('ends at its deadline, or when it is interrupted', async () => {
    const { host: local } = host();
    const late = local.run('sleep', ['60'], { timeoutMs: 30 });
    await expect(late).rejects.toMatchObject({ code: 'LAB_COMMAND_TIMEOUT' });
    const controller = new AbortController();
    const cancelled = local.run('sleep', ['60'], { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'LAB_INTERRUPTED', exitCode: 130 });
  });
});

describe('files on a host', () => {
  it('are written whole, with their mode, and leave nothing beside them', async () => {
    const { host: local, folder, at } = host();
    await local.putFile(at('deep/er/key.pem'), 'secret');
    expect(mode(at('deep/er/key.pem'))).toBe(0o600);
    expect(mode(at('deep'))).toBe(0o700);
    await local.putFile(at('file'), 'one', 0o644);
    await local.putFile(at('file'), 'two', 0o666);
    expect(readFileSync(at('file'), 'utf8')).toBe('two');
    expect(mode(at('file'))).toBe(0o666);
    expect(readdirSync(folder)).toEqual(['deep', 'file']);
  });

  it('that belong together are written all or none', async () => {
    const { host: local, folder, at } = host();
    const pair = (text: string) => [
      { path: at('key.pem'), content: text },
      { path: at('cert.pem'), content: text, mode: 0o644 },
    ];
    await local.putFiles(pair('one'));
    expect([mode(at('key.pem')), mode(at('cert.pem'))]).toEqual([0o600, 0o644]);
    const impossible = { path: at('key.pem/file'), content: 'x' };
    await expect(local.putFiles([...pair('two'), impossible])).rejects.toThrow(/ENOTDIR|EEXIST/);
    expect(readFileSync(at('key.pem'), 'utf8') + readFileSync(at('cert.pem'), 'utf8')).toBe('oneone');
    expect(readdirSync(folder).sort()).toEqual(['cert.pem', 'key.pem']);
  });

  it('leave nothing behind when they cannot be written', async () => {
    const { host: local, folder, at } = host();
    mkdirSync(at('folder'));
    await expect(local.putFile(at('folder'), 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['folder']);
  });

  it('are read, listed and found, and are simply absent if they are', async () => {
    const { host: local, folder, at } = host();
    writeFileSync(at('b'), 'content');
    writeFileSync(at('a'), '');
    expect(Buffer.from((await local.getFile(at('b'))) ?? '').toString()).toBe('content');
    expect(await local.list(folder)).toEqual(['a', 'b']);
    expect(await local.exists(at('a'))).toBe(true);
    expect(await local.getFile(at('c'))).toBeUndefined();
    expect(await local.list(at('c'))).toEqual([]);
    expect(await local.exists(at('b/c'))).toBe(false);
  });

  it('go up and down', async () => {
    const { host: local, at } = host();
    writeFileSync(at('here'), 'snapshot');
    await local.upload(at('here'), at('there/snapshot'));
    await local.download(at('there/snapshot'), at('back'));
    expect(readFileSync(at('back'), 'utf8')).toBe('snapshot');
    expect(mode(at('back'))).toBe(0o600);
  });

  it('are renamed, but never over something', async () => {
    const { host: local, at } = host();
    mkdirSync(at('data'));
    await local.rename(at('data'), at('data.old'));
    mkdirSync(at('data'));
    await expect(local.rename(at('data'), at('data.old'))).rejects.toMatchObject({ code: 'LAB_FILE' });
    await expect(local.rename(at('nothing'), at('x'))).rejects.toMatchObject({ code: 'LAB_FILE' });
  });

  it('are removed with all that is in them, if they are there', async () => {
    const { host: local, folder, at } = host();
    await local.makeDirectory(at('a/b/c'));
    await local.remove(at('a'));
    await local.remove(at('a'));
    expect(readdirSync(folder)).toEqual([]);
  });
});
