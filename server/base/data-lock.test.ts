import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataLock, DataLockError } from './data-lock.ts';
import { ownerIn } from './lock-owner.ts';
import { Logger, type LogRecord, silentLogger } from './logger.ts';

const missing = '/nonexistent/flock';
const hasFlock = spawnSync('flock', ['--version']).status === 0;

let dataDir: string;
let holders: ChildProcess[];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'data-lock-'));
  holders = [];
});

afterEach(async () => {
  await Promise.all(holders.map(kill));
  await rm(dataDir, { recursive: true });
});

const database = (): string => path.join(dataDir, 'member/snap/db');

async function makeDatabase(): Promise<void> {
  await mkdir(path.dirname(database()), { recursive: true });
  await writeFile(database(), 'data');
}

function lockHere(options: { flockProgram?: string; log?: Logger } = {}): DataLock {
  return new DataLock(dataDir, { log: silentLogger, ...options });
}

/** Starts a process that locks the directory. @returns what it says: `locked`, or why it cannot */
async function lockElsewhere(flockProgram = 'flock'): Promise<{ said: string; child: ChildProcess }> {
  const program = path.join(import.meta.dirname, 'testing/lock-holder.ts');
  const child = spawn(process.execPath, [program, dataDir, flockProgram], { stdio: ['ignore', 'pipe', 'inherit'] });
  holders.push(child);
  const said = await new Promise<string>((resolve) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  return { said, child };
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Whether a program that knows nothing of ours, such as upstream's etcd, could take flock(2) on a file now. */
function isFlocked(file: string): boolean {
  return spawnSync('flock', ['-x', '-n', file, 'true']).status !== 0;
}

describe.each([
  { kind: 'with the program flock', flockProgram: 'flock', skip: !hasFlock },
  { kind: 'without the program flock', flockProgram: missing, skip: false },
])('a data directory, $kind,', ({ flockProgram, skip }) => {
  test.skipIf(skip)('is refused to a second process, which is told the directory and who has it', async () => {
    const { said, child } = await lockElsewhere(flockProgram);
    expect(said).toBe('locked');
    const refused = lockHere({ flockProgram }).take();
    await expect(refused).rejects.toThrow(DataLockError);
    await expect(refused).rejects.toThrow(`data directory ${dataDir} is in use by `);
    if (existsSync('/proc/locks')) await expect(refused).rejects.toThrow(`process ${child.pid} (node)`);
  });

  test.skipIf(skip)('is refused to a second owner in the same process', async () => {
    const first = lockHere({ flockProgram });
    await first.take();
    await expect(lockHere({ flockProgram }).take()).rejects.toThrow('is in use');
    await first.release();
  });

  test.skipIf(skip)('is free again when its owner has released it', async () => {
    const first = lockHere({ flockProgram });
    await first.take();
    await first.release();
    expect((await lockElsewhere(flockProgram)).said).toBe('locked');
  });

  test.skipIf(skip)('is free again when its owner was killed', async () => {
    await makeDatabase();
    await kill((await lockElsewhere(flockProgram)).child);
    const next = lockHere({ flockProgram });
    await next.take();
    await next.release();
  });
});

describe('taking the lock', () => {
  test('makes the directory, and in it an empty file that only its owner can read', async () => {
    const lock = lockHere({ flockProgram: missing });
    await lock.take();
    expect(await readdir(path.join(dataDir, 'member'))).toEqual(['lock']);
    const { size, mode } = await stat(path.join(dataDir, 'member/lock'));
    expect({ size, mode: mode & 0o777 }).toEqual({ size: 0, mode: 0o600 });
    expect(statSync(path.join(dataDir, 'member')).mode & 0o777).toBe(0o700);
    await lock.release();
  });

  test('keeps two apart of whom only one has the program flock', async () => {
    await makeDatabase();
    expect((await lockElsewhere(missing)).said).toBe('locked');
    await expect(lockHere().take()).rejects.toThrow('is in use');
  });

  test('warns once, without the program flock, that upstream is not kept away', async () => {
    await makeDatabase();
    const lines: LogRecord[] = [];
    const log = new Logger({ enabled: () => true, write: (line) => lines.push(line) }, 'test');
    const lock = lockHere({ flockProgram: missing, log });
    await lock.take();
    await lock.lockDatabase(database());
    await lock.release();
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['warn', 'upstream etcd and etcdutl are not kept away from the data directory while it is in use'],
    ]);
    expect(lines[0]?.fields).toMatchObject({ 'data-dir': dataDir, reason: expect.stringContaining('ENOENT') });
  });
});

describe('a log that is elsewhere', () => {
  const walDir = (): string => path.join(dataDir, 'logs/wal');
  const lockOf = (name: string): DataLock =>
    new DataLock(path.join(dataDir, name), { log: silentLogger, walDir: walDir(), flockProgram: missing });

  test('is refused to a member with another data directory, which is let go again', async () => {
    const first = lockOf('m1');
    await first.take();
    const refused = lockOf('m2').take();
    await expect(refused).rejects.toThrow(DataLockError);
    await expect(refused).rejects.toThrow(`log directory ${walDir()} is in use by`);
    const same = new DataLock(path.join(dataDir, 'm2'), { log: silentLogger, flockProgram: missing });
    await same.take();
    await same.release();
    await first.release();
  });

  test('is the same under the name of a link to it', async () => {
    await mkdir(walDir(), { recursive: true });
    await symlink(walDir(), path.join(dataDir, 'link'));
    const first = lockOf('m1');
    await first.take();
    const walByLink = path.join(dataDir, 'link');
    const second = new DataLock(path.join(dataDir, 'm2'), {
      log: silentLogger,
      walDir: walByLink,
      flockProgram: missing,
    });
    await expect(second.take()).rejects.toThrow('is in use by');
    await first.release();
    await second.take();
    await second.release();
  });

  test('stays as it is: a first start finds it absent or empty', async () => {
    const lock = lockOf('m1');
    await lock.take();
    expect(await readdir(path.dirname(walDir()))).toEqual(['wal.lock']);
    await lock.release();
  });
});

describe.skipIf(!hasFlock)('the database file', () => {
  test('is locked as upstream does it, from the start or as soon as it exists, until the end', async () => {
    const lock = lockHere();
    await lock.take();
    await makeDatabase();
    expect(isFlocked(database())).toBe(false);
    await lock.lockDatabase(database());
    await lock.lockDatabase(database());
    expect(isFlocked(database())).toBe(true);
    await lock.release();
    expect(isFlocked(database())).toBe(false);

    const next = lockHere();
    await next.take();
    expect(isFlocked(database())).toBe(true);
    await next.release();
  });

  test('that upstream has locked is refused, and the directory is free again afterwards', async () => {
    await makeDatabase();
    const upstream = spawn('flock', ['-x', '--no-fork', database(), 'sh', '-c', 'echo locked; exec sleep 60']);
    holders.push(upstream);
    await new Promise((resolve) => upstream.stdout.once('data', resolve));
    // What it is called changes while it becomes the sleep.
    await expect(lockHere().take()).rejects.toThrow(`is in use by process ${upstream.pid}`);
    const withoutFlock = lockHere({ flockProgram: missing });
    await withoutFlock.take();
    await withoutFlock.release();
  });

  test('stays locked while another takes its place, which is locked before it has the name', async () => {
    await makeDatabase();
    const lock = lockHere();
    await lock.take();
    const temporary = `${database()}.tmp.new`;
    await writeFile(temporary, 'new data');
    const before: boolean[] = [];
    await lock.replaceDatabase(temporary, async () => {
      before.push(isFlocked(temporary), isFlocked(database()));
      await rename(temporary, database());
    });
    expect(before).toEqual([true, true]);
    expect(isFlocked(database())).toBe(true);
    await lock.release();
    expect(isFlocked(database())).toBe(false);
  });

  test('stays locked when another cannot take its place, and that one is let go', async () => {
    await makeDatabase();
    const lock = lockHere();
    await lock.take();
    const temporary = `${database()}.tmp.new`;
    await writeFile(temporary, 'new data');
    const failing = lock.replaceDatabase(temporary, () => Promise.reject(new Error('no space')));
    await expect(failing).rejects.toThrow('no space');
    expect([isFlocked(database()), isFlocked(temporary)]).toEqual([true, false]);
    await lock.release();
  });
});

describe('the owner of a lock', () => {
  const locks = [
    '1: POSIX  ADVISORY  WRITE 21061 fe:00:10004716 1073741824 1073742335',
    '2: OFDLCK ADVISORY  WRITE -1 fe:00:9978180 0 EOF',
    '3: FLOCK  ADVISORY  WRITE 32478 08:01:10004716 0 EOF',
    '3: -> FLOCK  ADVISORY  WRITE 5 08:01:77 0 EOF',
  ].join('\n');

  test.each([
    ['of a file by device and inode', 0xfe00, 10004716, 21061],
    ['of a file with the same inode on another device', 0x0801, 10004716, 32478],
    ['nobody who only waits for the lock', 0x0801, 77, undefined],
    ['nobody, of a lock that belongs to an open file', 0xfe00, 9978180, undefined],
    ['nobody, of a file without a lock', 0xfe00, 1, undefined],
  ])('is found: %s', (_title, dev, ino, pid) => {
    expect(ownerIn(locks, dev, ino)).toBe(pid);
  });
});
