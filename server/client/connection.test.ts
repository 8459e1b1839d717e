import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { ServerCredentials } from '@grpc/grpc-js';
import { expect, test, vi } from 'vitest';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { Code } from '../errors/etcd-error.ts';
import { KVService } from '../proto/gen/rpc.ts';
import { EtcdClient } from './mod.ts';
import { FakeMember } from './testing/fake-member.ts';

/** A frame of SETTINGS without settings. */
const emptySettings = Buffer.from('000000040000000000', 'hex');

test('a call ends when the member answers no ping, as one that is frozen', async () => {
  const sockets = new Set<net.Socket>();
  const frozen = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('data', () => {}));
    socket.write(emptySettings);
  });
  frozen.listen(0, '127.0.0.1');
  await once(frozen, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const client = new EtcdClient({
    endpoints: [`127.0.0.1:${(frozen.address() as net.AddressInfo).port}`],
    dialTimeoutMs: 60_000,
  });
  try {
    const call = expect(client.put({ key: Buffer.from('k') })).rejects.toMatchObject({
      code: Code.Unavailable,
      message: 'error reading from server: keepalive ping failed to receive ACK within timeout',
      neverSent: false,
    });
    await vi.waitFor(() => expect([...sockets][0]?.bytesRead).toBeGreaterThan(100), { timeout: 10_000 });
    await vi.advanceTimersByTimeAsync(10_000 + 6_000);
    await call;
  } finally {
    vi.useRealTimers();
    client.close();
    for (const socket of sockets) socket.destroy();
    frozen.close();
  }
});

test('an endpoint that ends its connections before a call can take them is asked again', async () => {
  const goaway = Buffer.from('0000080700000000000000000000000000', 'hex');
  const sockets: net.Socket[] = [];
  const stopping = net.createServer((socket) => {
    sockets.push(socket.on('error', () => {}).on('data', () => {}));
    socket.write(sockets.length > 2 ? emptySettings : Buffer.concat([emptySettings, goaway]));
  });
  stopping.listen(0, '127.0.0.1');
  await once(stopping, 'listening');
  const { port } = stopping.address() as net.AddressInfo;
  const client = new EtcdClient({ endpoints: [`127.0.0.1:${port}`], dialTimeoutMs: 60_000 });
  try {
    const call = expect(client.put({ key: Buffer.from('k') })).rejects.toMatchObject({ code: Code.Unavailable });
    await vi.waitFor(() => expect(sockets[2]?.bytesRead).toBeGreaterThan(100), 20_000);
    sockets[2]?.destroy();
    await call;
  } finally {
    client.close();
    for (const socket of sockets) socket.destroy();
    stopping.close();
  }
});

test('a client that nobody closes does not keep its program from ending', async () => {
  const ca = createAuthority({ commonName: 'test CA', validityMs: 86_400_000 }, systemSources);
  const request = { profile: 'server', commonName: 'm1', ipAddresses: ['127.0.0.1'], validityMs: 86_400_000 } as const;
  const { key, certificate } = issue(ca, request, systemSources);
  const pairs = [{ private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) }];
  const { Range } = KVService;
  const members = [new FakeMember(), new FakeMember()].map((each) => each.on(Range, () => Range.response.create()));
  const [plain, secure] = members as [FakeMember, FakeMember];
  await Promise.all([plain.listen(), secure.listen(ServerCredentials.createSsl(null, pairs))]);
  const script = `
    const { EtcdClient } = await import(${JSON.stringify(new URL('mod.ts', import.meta.url).href)});
    const tls = ${JSON.stringify({ ca: ca.certificate })};
    for (const endpoint of ${JSON.stringify([`http://${plain.endpoint}`, `https://${secure.endpoint}`])}) {
      await new EtcdClient({ endpoints: [endpoint], tls }).range({ key: Buffer.from('k') });
    }`;
  try {
    const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    await expect(ended).resolves.toMatchObject({ stderr: '' });
  } finally {
    for (const member of members) member.stop();
  }
});
