import { describe, expect, it } from 'vitest';
import { RpcError } from '../../../server/client/mod.ts';
import { Code } from '../../../server/errors/etcd-error.ts';
import { Patience } from './patience.ts';

describe('patience with a member', () => {
  it('grows each time that it does not answer in time, up to a bound, and for it alone', async () => {
    const patience = new Patience();
    const fails = (node: string, code: Code) =>
      patience.ask(node, () => Promise.reject(new RpcError(code, 'no'))).catch(() => patience.timeoutMs(node));
    const inTime = await patience.ask('node1', async ({ timeoutMs }) => timeoutMs);
    expect(await fails('node1', Code.Unavailable)).toBe(inTime);
    expect(await fails('node1', Code.DeadlineExceeded)).toBe(2 * inTime);
    for (let times = 0; times < 10; times++) await fails('node1', Code.DeadlineExceeded);
    expect(patience.timeoutMs('node1')).toBeLessThanOrEqual(5000);
    expect(await patience.ask('node1', async ({ timeoutMs }) => timeoutMs)).toBe(patience.timeoutMs('node1'));
    expect(patience.timeoutMs('node2')).toBe(inTime);
  });
});
