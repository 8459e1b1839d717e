/** TLS of a whole server: certificates that it makes itself, and who is let in. */
import { readFileSync, statSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { freePorts, runCommand, TestCluster } from '../support/test-cluster.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

function get(url: string, options: https.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { agent: false, timeout: 10_000, ...options }, (response) => resolve(text(response)))
      .on('error', reject);
  });
}

test('a cluster runs on certificates that its members make for themselves', async () => {
  const executables = await ensureBuilt();
  const ports = await freePorts(6);
  const cluster = await TestCluster.create(executables, { members: 3, flags: ['--auto-tls', '--peer-auto-tls'] });
  clusters.push(cluster);
  for (const [i, member] of cluster.members.entries()) {
    member.clientUrl = `https://127.0.0.1:${ports[2 * i]}`;
    member.peerUrl = `https://127.0.0.1:${ports[2 * i + 1]}`;
  }
  for (const index of cluster.members.keys()) cluster.launch(index);
  const ctl = (...args: string[]) =>
    runCommand(executables.etcdctl, [
      ...[`--endpoints=${cluster.endpoints.join()}`, '--insecure-skip-tls-verify', '--command-timeout=20s'],
      ...args,
    ]);
  const put = await ctl('put', 'a', 'b');
  expect(put.stdout, `${put.stderr}\n${cluster.logTail(cluster.member(0))}`).toBe('OK\n');
  expect((await ctl('endpoint', 'health')).stderr).not.toContain('unhealthy');

  const fixtures = path.join(cluster.member(0).dataDir, 'fixtures');
  for (const side of ['client', 'peer'])
    expect(statSync(path.join(fixtures, side, 'key.pem')).mode & 0o777).toBe(0o600);
  // Its own certificate is good for the address that it listens on.
  const ca = readFileSync(path.join(fixtures, 'client', 'cert.pem'));
  expect(await get(`${cluster.member(0).clientUrl}/v3/kv/range`, { ca, method: 'POST' })).toContain(
    'key is not provided',
  );
});
