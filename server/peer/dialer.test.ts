import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Dialer } from './dialer.ts';
import { TestCa } from './testing/certificates.ts';
import { until } from './testing/nodes.ts';
import { TlsFiles } from './tls.ts';

test('a request that waited for a connection fails alone when the certificate cannot be read by then', async () => {
  const ca = new TestCa();
  const leaf = ca.issue('dialing', 'IP:127.0.0.1');
  const held: Socket[] = [];
  const pair = { cert: fs.readFileSync(leaf.certFile), key: fs.readFileSync(leaf.keyFile) };
  const server = https.createServer(pair, ({ socket }) => held.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dialer = new Dialer(new TlsFiles({ ...leaf, trustedCaFile: ca.caFile }), {
    dialTimeoutMs: 10_000,
    readTimeoutMs: 10_000,
  });
  try {
    const base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = () => dialer.roundTrip(base, { method: 'GET', path: '/', timeoutMs: 10_000 });
    // As many as there are connections, and one more.
    const asked = Promise.allSettled([ask(), ask(), ask(), ask(), ask()]);
    await until(() => held.length === 4, 'all connections are taken');
    fs.writeFileSync(leaf.certFile, 'nonsense');
    for (const socket of held) socket.destroy();
    const reasons = (await asked).map((result) => (result.status === 'rejected' ? String(result.reason) : 'answered'));
    expect(reasons.filter((reason) => reason.includes('cannot be used together')).length).toBe(1);
    await expect(ask()).rejects.toThrow('cannot be used together');
  } finally {
    dialer.close();
    server.close();
    server.closeAllConnections();
    ca.remove();
  }
});
