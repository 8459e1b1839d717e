import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../testing/scratch.ts';
import {
  getFileScript,
  listScript,
  makeDirectoryScript,
  putExitCodes,
  putFileScript,
  putFilesScript,
  renameScript,
} from './file-scripts.ts';

/** The scripts run on Linux hosts, with GNU coreutils. */
const isLinux = process.platform === 'linux';
const me = userInfo().username;
const run = (script: string, args: string[], input: string | Buffer = '') =>
  spawnSync('sh', ['-c', script, 'etcdlab', ...args], { input });
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const put = (file: string, text: string, input: string | Buffer = text, ...more: string[]) =>
  run(putFileScript, [file, '640', me, String(Buffer.byteLength(text)), digest(text), ...more], input);

describe.skipIf(!isLinux)('writing a file on a host', () => {
  it('puts content, mode and owner, whatever the file is called', () => {
    const file = join(scratchFolder(), "it's a $(file) –x");
    expect(put(file, 'hello').status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('hello');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(put(file, 'compressed', gzipSync('compressed'), 'gzip').status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('compressed');
  });

  it('leaves the old file, and nothing beside it, when the content is cut off or changed on its way', () => {
    const folder = scratchFolder();
    const file = join(folder, 'f');
    put(file, 'old');
    const cutOff = put(file, 'the whole content', 'the who');
    expect([cutOff.status, cutOff.stderr.toString()]).toEqual([65, 'only 7 of 17 bytes arrived\n']);
    expect(put(file, 'right', 'wrong').status).toBe(65);
    expect(put(file, 'right', gzipSync('right').subarray(0, 12), 'gzip').status).not.toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['f']);
  });

  it('says when there is no folder for it', () => {
    expect(put(join(scratchFolder(), 'none', 'f'), 'x').status).toBe(putExitCodes.noDirectory);
  });

  it('puts files that belong together all at once, or none of them', () => {
    const folder = scratchFolder();
    const [key, certificate] = [join(folder, 'a key'), join(folder, 'cert')];
    const together = (keyText: string, certificateText: string, input = keyText + certificateText) => {
      const args = [key, '600', me, String(Buffer.byteLength(keyText)), digest(keyText)];
      const more = [certificate, '644', me, String(Buffer.byteLength(certificateText)), digest(certificateText)];
      return run(putFilesScript, [...args, ...more], input);
    };
    const read = () => [readFileSync(key, 'utf8'), readFileSync(certificate, 'utf8')];
    expect(together('the key\n\n', 'é\0').status).toBe(0);
    expect(read()).toEqual(['the key\n\n', 'é\0']);
    expect([key, certificate].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o644]);
    const cutOff = together('another key', 'another certificate', 'another keyanother cert');
    expect([cutOff.status, cutOff.stderr.toString()]).toEqual([65, `${certificate} did not arrive whole\n`]);
    expect(read()).toEqual(['the key\n\n', 'é\0']);
    expect(together('', 'empty before it').status).toBe(0);
    expect(read()).toEqual(['', 'empty before it']);
    expect(readdirSync(folder)).toEqual(['a key', 'cert']);
  });

  it('replaces a link, and does not write through it', () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'target'), 'untouched');
    symlinkSync('target', join(folder, 'link'));
    expect(put(join(folder, 'link'), 'new').status).toBe(0);
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('untouched');
  });
});

describe.skipIf(!isLinux)('files on a host', () => {
  it('are read with their size first; a file that is too large, or not there, says so instead', () => {
    const file = join(scratchFolder(), 'f');
    expect(run(getFileScript, [file, '10']).stdout.toString()).toBe('none\n');
    writeFileSync(file, 'line\n');
    expect(run(getFileScript, [file, '10']).stdout.toString()).toBe('5\nline\n');
    expect(run(getFileScript, [file, '4']).stdout.toString()).toBe('5\n');
  });

  it('are renamed, but never over something that is there', () => {
    const folder = scratchFolder();
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    expect(run(renameScript, [a, b]).status).toBe(67);
    mkdirSync(a);
    mkdirSync(b);
    expect(run(renameScript, [a, b]).status).toBe(66);
    symlinkSync('nowhere', join(folder, 'dangling'));
    expect(run(renameScript, [a, join(folder, 'dangling')]).status).toBe(66);
    expect(run(renameScript, [a, join(folder, 'c')]).status).toBe(0);
    expect(existsSync(a)).toBe(false);
  });

  it('are listed by name, whatever is in a name', () => {
    const folder = scratchFolder();
    const names = ['.hidden', 'a b', 'new\nline', "q'"];
    for (const name of names) writeFileSync(join(folder, name), '');
    const listed = run(listScript, [folder]).stdout.toString().split('\0').slice(0, -1);
    expect(listed.sort()).toEqual(names);
    expect(run(listScript, [join(folder, 'none')]).stdout.toString()).toBe('');
  });

  it('get their missing folders, with mode and owner', () => {
    const folder = scratchFolder();
    expect(run(makeDirectoryScript, ['711', me, join(folder, 'x', 'y z')]).status).toBe(0);
    expect(statSync(join(folder, 'x', 'y z')).mode & 0o777).toBe(0o711);
    expect(run(makeDirectoryScript, ['700', me, folder]).status).toBe(0);
  });
});
