import { describe, expect, test } from 'vitest';
import { sectorBytes } from './crash-disk.ts';
import { CrashFileSystem, PowerLossError } from './crash-file-system.ts';

async function written(fs: CrashFileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'create');
  await file.write([bytes], 0);
  await file.datasync();
  await file.close();
}

describe('CrashFileSystem', () => {
  test('keeps what was synced, name and bytes, whatever the seed', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const fs = new CrashFileSystem({ seed });
      await fs.makeDirectory('/d');
      await fs.syncDirectory('/');
      await written(fs, '/d/a', Buffer.from('one'));
      await fs.syncDirectory('/d');
      expect(Buffer.from(fs.reboot().contents('/d/a')).toString()).toBe('one');
    }
  });

  test('may lose a file whose name was not synced, and may keep it', async () => {
    const outcomes = new Set<boolean>();
    for (let seed = 0; seed < 50; seed++) {
      const fs = new CrashFileSystem({ seed });
      await written(fs, '/a', Buffer.from('one'));
      outcomes.add(await fs.reboot().exists('/a'));
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });

  test('tears an unsynced write at sectors only', async () => {
    const mixed = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const fs = new CrashFileSystem({ seed });
      await written(fs, '/a', Buffer.alloc(4 * sectorBytes, 'o'));
      await fs.syncDirectory('/');
      const file = await fs.open('/a', 'write');
      await file.write([Buffer.alloc(3 * sectorBytes, 'n')], 100);
      const bytes = fs.reboot().contents('/a');
      const edges = [100, sectorBytes, 2 * sectorBytes, 3 * sectorBytes, 3 * sectorBytes + 100];
      for (let i = 0; i + 1 < edges.length; i++) {
        const slice = bytes.subarray(edges[i], edges[i + 1]);
        expect(new Set(slice).size).toBe(1);
        mixed.add((slice[0] as number) * 10 + i);
      }
      expect(bytes[99]).toBe('o'.charCodeAt(0));
    }
    expect(mixed.size).toBe(8);
  });

  test('loses changes of names in a directory from the last backwards', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const fs = new CrashFileSystem({ seed });
      for (const name of ['a', 'b', 'c']) await fs.open(`/${name}`, 'create');
      await fs.rename('/a', '/z');
      const names = (await fs.reboot().list('/')).join('');
      expect(['', 'a', 'ab', 'abc', 'bcz']).toContain(names);
    }
  });

  test('renames a directory with what is in it', async () => {
    const fs = new CrashFileSystem();
    await fs.makeDirectory('/x.tmp');
    await written(fs, '/x.tmp/a', Buffer.from('1'));
    await fs.syncDirectory('/x.tmp');
    await fs.rename('/x.tmp', '/x');
    await fs.syncDirectory('/');
    expect(await fs.reboot().list('/x')).toEqual(['a']);
  });

  test('fails in the chosen step and in every call after it', async () => {
    const fs = new CrashFileSystem({ crashAtStep: 2 });
    const file = await fs.open('/a', 'create');
    await expect(file.write([Buffer.from('x')], 0)).rejects.toThrow(PowerLossError);
    await expect(file.datasync()).rejects.toThrow(PowerLossError);
    await expect(fs.list('/')).rejects.toThrow(PowerLossError);
  });

  test('reads zeros where a file was made longer, and again where it was made shorter and longer', async () => {
    const fs = new CrashFileSystem();
    await fs.makeDirectory('/d');
    const file = await fs.open('/d/a', 'create');
    await file.write([Buffer.from('abcdef')], 2);
    await file.truncate(4);
    await file.truncate(12);
    await file.write([Buffer.from('z')], 9);
    await file.datasync();
    await fs.syncDirectory('/d');
    await fs.syncDirectory('/');
    const expected = '\0\0ab\0\0\0\0\0z\0\0';
    expect(Buffer.from(fs.contents('/d/a')).toString()).toBe(expected);
    const target = Buffer.alloc(20, 'x');
    expect(file.readSync(target, 3)).toBe(9);
    expect(target.toString()).toBe(`${expected.slice(3)}${'x'.repeat(11)}`);
    expect(file.readSync(target, 11)).toBe(1);
    expect(file.readSync(target, 12)).toBe(0);
    expect(Buffer.from(fs.reboot().contents('/d/a')).toString()).toBe(expected);
  });

  test('is the same for the same seed', async () => {
    const run = async () => {
      const fs = new CrashFileSystem({ seed: 7 });
      const file = await fs.open('/a', 'create');
      await fs.syncDirectory('/');
      await file.write([Buffer.alloc(8 * sectorBytes, 1)], 0);
      return Buffer.from(fs.reboot().contents('/a')).toString('hex');
    };
    expect(await run()).toBe(await run());
  });

  test('lets a test fail one step, without effect', async () => {
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (step.operation === 'datasync') throw new Error('EIO');
      },
    });
    await expect(written(fs, '/a', Buffer.from('1'))).rejects.toThrow('EIO');
    expect(fs.count('datasync')).toBe(0);
    expect(fs.count('write', 'a')).toBe(1);
  });
});
