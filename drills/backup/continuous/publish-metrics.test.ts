import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseMetricsAddress, serveMetrics, writeMetrics } from './publish-metrics.ts';
import { ServiceMetrics } from './watch-over.ts';

test.each([
  ['127.0.0.1:9120', { host: '127.0.0.1', port: 9120 }],
  ['127.1.2.3:0', { host: '127.1.2.3', port: 0 }],
  ['[::1]:9120', { host: '::1', port: 9120 }],
])('%s is an address of this machine alone', (text, expected) => {
  expect(parseMetricsAddress(text)).toEqual(expected);
});

test.each(['0.0.0.0:9120', '10.0.0.1:9120', '[::]:9120', 'localhost:9120', '9120', '127.0.0.1:99999'])(
  '%s is not, and is refused',
  (text) => {
    expect(() => parseMetricsAddress(text)).toThrow('--metrics takes an address of this machine alone');
  },
);

test('Prometheus is told when the last proven backup was taken, over HTTP and in a file', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  const metrics = new ServiceMetrics();
  const file = path.join(folder, 'backup.prom');
  const stop = await writeMetrics(file, metrics, (error) => {
    throw error;
  });
  const { url, close } = await serveMetrics({ host: '127.0.0.1', port: 0 }, metrics);
  try {
    metrics.backups({ lastFullMs: 5_000, lastProvenMs: 3_000 });
    metrics.progress(7, 9, 6_000);
    metrics.failed('mirror');
    const response = await fetch(url);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(text).toMatch(/^etcdlab_backup_last_proven_timestamp_seconds 3$/m);
    expect(text).toMatch(/^etcdlab_backup_delta_lag_revisions 2$/m);
    expect(text).toMatch(/^etcdlab_backup_failures_total\{step="mirror"\} 1$/m);
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    await stop();
    expect(readFileSync(file, 'utf8')).toBe(text);
    const { port } = new URL(url);
    await expect(serveMetrics({ host: '127.0.0.1', port: Number(port) }, metrics)).rejects.toThrow('cannot listen on');
  } finally {
    await stop();
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
});
