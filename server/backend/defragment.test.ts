import { describe, expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltBackend } from './bolt-backend.ts';
import { bytes, fill, get, imageOf, open, stored } from './testing/open-backend.ts';

reportCrashPoints('defragmentation');

describe('a defragmentation', () => {
  async function fragmented(fs?: CrashFileSystem) {
    const made = await open(fs);
    fill(made.backend, 10_000);
    await made.backend.commit();
    for (let i = 0; i < 10_000; i++) if (i % 10) made.backend.delete('key', bytes(`k${100_000 + i}`));
    await made.backend.commit();
    return made;
  }

  test('leaves the contents and no free page', async () => {
    const { fs, backend } = await fragmented();
    const [hash, size] = [await backend.hash(), backend.sizeBytes()];
    await backend.defragment();
    expect(await backend.hash()).toBe(hash);
    expect(backend.sizeBytes()).toBeLessThan(size / 5);
    expect(backend.sizeInUseBytes()).toBe(backend.sizeBytes());
    expect(await fs.list('/')).toEqual(['db']);
    await backend.close();
    expect((await stored(fs)).size).toBe(1000);
  });

  test('keeps what is put, deleted and committed while the copy is written', async () => {
    let meanwhile: (() => void) | undefined;
    const fs = new CrashFileSystem({
      onStep: ({ operation, path }) => {
        if (operation !== 'write' || !path.endsWith('.tmp.defrag')) return;
        meanwhile?.();
        meanwhile = undefined;
      },
    });
    const { backend, timer } = await fragmented(fs);
    let committed: Promise<void> | undefined;
    meanwhile = () => {
      backend.put('key', bytes('meanwhile'), bytes('1'));
      backend.delete('key', bytes('k100010'));
      timer.fire();
      committed = backend.commit();
      expect(get(backend, 'meanwhile')).toBe('1');
    };
    await backend.defragment();
    expect(committed).toBeDefined();
    expect(get(backend, 'meanwhile')).toBe('1');
    expect(get(backend, 'k100010')).toBeUndefined();
    await committed;
    const pairs = await stored(fs);
    expect(pairs.get('meanwhile')).toBe('1');
    expect(pairs.size).toBe(1000);
  });

  test('leaves an open snapshot its file', async () => {
    const { fs, backend } = await fragmented();
    const snapshot = await backend.snapshot();
    const hash = await backend.hash();
    await backend.defragment();
    fill(backend, 10_000, 'later');
    await backend.commit();
    fs.seedFile('/copy', await imageOf(snapshot.chunks()));
    snapshot.close();
    const copy = await BoltBackend.open('/copy', { fs });
    expect(await copy.hash()).toBe(hash);
    await copy.close();
  });

  test('that fails, for want of room say, changes nothing and leaves nothing', async () => {
    let full = false;
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (full && step.operation === 'write' && step.path.includes('.tmp.')) throw new Error('ENOSPC: no space left');
      },
    });
    const { backend } = await fragmented(fs);
    full = true;
    const hash = await backend.hash();
    await expect(backend.defragment()).rejects.toThrow('ENOSPC');
    expect(await fs.list('/')).toEqual(['db']);
    backend.put('key', bytes('after'), bytes('1'));
    await backend.commit();
    backend.delete('key', bytes('after'));
    expect(await backend.hash()).toBe(hash);
    full = false;
    await backend.defragment();
    expect(await backend.hash()).toBe(hash);
  });

  test('whose renaming may not be durable stops the backend', async () => {
    let broken = false;
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (broken && step.operation === 'sync-directory') throw new Error('EIO: input/output error');
      },
    });
    const { backend } = await fragmented(fs);
    broken = true;
    await expect(backend.defragment()).rejects.toThrow('EIO');
    expect(() => backend.put('key', bytes('a'), bytes('1'))).toThrow('the database is closed');
  });

  test('survives a power failure at any step: what was committed before, meanwhile or after is there', async () => {
    /** @returns how many of the commits had resolved when the power failed */
    const run = async (fs: CrashFileSystem, beforeTheCopy?: () => void) => {
      let committed = 0;
      const put = async (backend: BoltBackend, count: number) => {
        fill(backend, count, `round ${count}`);
        await backend.commit();
        committed = count;
      };
      try {
        const { backend } = await open(fs);
        await put(backend, 300);
        beforeTheCopy?.();
        const defragmented = backend.defragment();
        const meanwhile = put(backend, 301);
        await Promise.all([defragmented, meanwhile]);
        await put(backend, 302);
        await backend.close();
      } catch {}
      return committed;
    };
    const whole = new CrashFileSystem();
    let first = 0;
    expect(await run(whole, () => (first = whole.steps.length + 1))).toBe(302);
    expect(whole.steps.slice(first).some(({ operation }) => operation === 'rename')).toBe(true);
    for (let step = first; step <= whole.steps.length; step++) {
      for (const seed of [1, 2, 3]) {
        const fs = new CrashFileSystem({ crashAtStep: step, seed: 1000 * seed + step });
        const committed = await run(fs);
        const after = fs.reboot();
        const { backend } = await open(after);
        expect(await after.list('/')).toEqual(['db']);
        await backend.close();
        const pairs = await stored(after);
        expect(pairs.size, `step ${step}, seed ${seed}`).toBeGreaterThanOrEqual(committed);
        expect(new Set(pairs.values().map((value) => value.slice(0, 9)))).toEqual(new Set([`round ${pairs.size}`]));
      }
    }
  });
});
