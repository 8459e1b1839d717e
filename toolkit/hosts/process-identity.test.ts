import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectPid, inspectProcess, ownIdentity, parseProcStat, signalProcess } from './process-identity.ts';

function sleeper(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['60']);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child as ChildProcess & { pid: number };
}

describe('a process', () => {
  it('is found by its pid and start time', () => {
    expect(inspectProcess(ownIdentity())).toMatchObject({ frozen: false });
  });

  it('is not taken for an earlier one of the same pid, and gets no signal meant for that', async () => {
    const child = sleeper();
    const recycled = { pid: child.pid, startTime: 'another boot/12345' };
    expect(inspectProcess(recycled)).toBeUndefined();
    expect(signalProcess(recycled, 'SIGKILL')).toBe(false);
    expect(inspectPid(child.pid)).toBeDefined();
  });

  it('is gone once it has ended', async () => {
    const child = sleeper();
    const identity = { pid: child.pid, startTime: inspectPid(child.pid)?.startTime ?? '' };
    const exit = once(child, 'exit');
    expect(signalProcess(identity, 'SIGKILL')).toBe(true);
    await exit;
    expect(inspectProcess(identity)).toBeUndefined();
    expect(signalProcess(identity, 'SIGKILL')).toBe(false);
  });

  it('is recognised whatever it calls itself', () => {
    const fields = ['T', ...Array.from({ length: 18 }, (_, index) => String(index + 4)), '98765', '23'];
    expect(parseProcStat(`42 (a) b (c d) ${fields.join(' ')}`)).toEqual({ state: 'T', startTicks: '98765' });
    expect(parseProcStat('')).toBeUndefined();
  });
});
