import { expect, test } from 'vitest';
import { makeDurableDirectory } from './durable-directory.ts';
import { CrashFileSystem, type Step } from './testing/crash-file-system.ts';

test('a new directory is there after a power failure, with all above it', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const fs = new CrashFileSystem({ seed });
    await makeDurableDirectory(fs, '/a/b/c');
    expect(await fs.reboot().exists('/a/b/c')).toBe(true);
  }
});

test('so is one that an interrupted call has made', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const fs = new CrashFileSystem({ seed });
    await fs.makeDirectory('/a/b/c');
    await makeDurableDirectory(fs, '/a/b/c');
    expect(await fs.reboot().exists('/a/b/c')).toBe(true);
  }
});

const refusing = (where: string) => ({
  onStep: ({ operation, path }: Step) => {
    if (operation === 'sync-directory' && path === where) throw new Error(`EACCES: ${path}`);
  },
});

test('a directory above that may not be synced is no obstacle, unless the name that was made is in it', async () => {
  const fs = new CrashFileSystem(refusing('/'));
  fs.seedFile('/old/file', Buffer.of(1));
  await makeDurableDirectory(fs, '/old/a/b');
  expect(await fs.reboot().exists('/old/a/b')).toBe(true);
  await expect(makeDurableDirectory(new CrashFileSystem(refusing('/')), '/new/a')).rejects.toThrow('EACCES: /');
});
