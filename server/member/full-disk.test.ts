/** The disk may be full from any step of a member's first start, life and restart on: it says so, and loses nothing. */
import { expect, test } from 'vitest';
import { CrashFileSystem, type StepOperation } from '../base/testing/crash-file-system.ts';
import { BareMember, memberConfig } from './testing/bare-member.ts';

/** What takes room. */
const growing: StepOperation[] = ['create', 'write', 'truncate', 'make-directory', 'datasync'];

interface Progress {
  acknowledged: string[];
  /** Asked for without an answer: may be there or not. */
  pending: string | undefined;
}

async function life(fs: CrashFileSystem, progress: Progress): Promise<void> {
  const config = memberConfig(fs, { walSegmentSizeBytes: 4000 });
  let member = await BareMember.start(config);
  const put = async (key: string): Promise<void> => {
    progress.pending = key;
    await member.put(key);
    progress.acknowledged.push(key);
    progress.pending = undefined;
  };
  for (let i = 0; i < 4; i++) await put(`first ${i}`);
  await member.boot.machine.backend.commit();
  await member.takeSnapshot();
  await put('behind the snapshot');
  await member.close();
  member = await BareMember.start(config);
  for (let i = 0; i < 4; i++) await put(`second ${i}`);
  await member.takeSnapshot();
  await member.purge();
  await member.close();
}

test('at whatever step: the error names the file and that the disk is full; with room again nothing is missing', async () => {
  const whole = new CrashFileSystem();
  await life(whole, { acknowledged: [], pending: undefined });
  const reasons = { start: 0, running: 0 };
  for (const { number: first } of whole.steps.filter(({ operation }) => growing.includes(operation))) {
    let isFull = true;
    const fs = new CrashFileSystem({
      onStep({ number, operation, path }) {
        if (!isFull || number < first || !growing.includes(operation)) return;
        const message = `ENOSPC: no space left on device, ${operation} '${path}'`;
        throw Object.assign(new Error(message), { code: 'ENOSPC' });
      },
    });
    const progress: Progress = { acknowledged: [], pending: undefined };
    const error = (await life(fs, progress).catch((thrown: Error) => thrown)) as Error;
    expect(error.message).toMatch(/\/srv\/etcd\/m1.*ENOSPC|ENOSPC.*\/srv\/etcd\/m1/s);
    if (error.name === 'BootstrapError') reasons.start++;
    else reasons.running++;
    if (error.name === 'BootstrapError')
      expect(error.message).toContain('make room on it, then start the member again');

    isFull = false;
    const member = await BareMember.start(memberConfig(fs, { walSegmentSizeBytes: 4000 }));
    const keys = member.keys();
    expect(keys.slice(0, progress.acknowledged.length)).toEqual(progress.acknowledged);
    expect([[], [progress.pending]]).toContainEqual(keys.slice(progress.acknowledged.length));
    await member.put('with room again');
    await member.close();
  }
  expect(Math.min(reasons.start, reasons.running)).toBeGreaterThan(5);
});
