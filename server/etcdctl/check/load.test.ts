import { expect, test } from 'vitest';
import { Logger } from '../../base/logger.ts';
import { TestServer } from '../../rpc/testing/test-server.ts';
import { runLoad } from './load.ts';

const logger = new Logger({ enabled: () => false, write: () => {} }, 'test');
const plan = { prefix: 'p/', keyBytes: 8, valueBytes: 16, clients: 10, putsPerSecond: 1e9 };
const going = { onProgress: () => {}, stop: new AbortController().signal };

test('a load puts as many keys as it says, all different, under its prefix', async () => {
  const server = await TestServer.start({ logger });
  try {
    const endless = Number.POSITIVE_INFINITY;
    const settings = { endpoints: [server.address] };
    let seen = 0;
    const onProgress = (puts: number): void => {
      seen = puts;
    };
    const result = await runLoad(settings, { ...plan, maxPuts: 300, durationMs: endless }, { ...going, onProgress });
    expect(result.latenciesMs).toHaveLength(300);
    expect(seen).toBe(300);
    expect(result.errors.size).toBe(0);
    expect(server.member.store.size).toBe(300);
    expect([...server.member.store.keys()].every((key) => key.startsWith('p/'))).toBe(true);
  } finally {
    await server.close();
  }
});

test('a load that is stopped ends, and counts what failed by its text', async () => {
  const server = await TestServer.start({ logger });
  server.member.put = async () => Promise.reject(new Error('no'));
  const stop = new AbortController();
  try {
    const onProgress = (puts: number): void => {
      if (puts === 20) stop.abort();
    };
    const many = { ...plan, maxPuts: 1e9, durationMs: Number.POSITIVE_INFINITY };
    const result = await runLoad({ endpoints: [server.address] }, many, { onProgress, stop: stop.signal });
    const count = result.errors.get('rpc error: code = Unknown desc = no');
    expect(count).toBe(result.latenciesMs.length);
    expect(count).toBeGreaterThanOrEqual(20);
  } finally {
    await server.close();
  }
});
