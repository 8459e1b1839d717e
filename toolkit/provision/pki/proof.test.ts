import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority, issue, systemSources } from '../../../pki/mod.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { proveRefused } from './proof.ts';
import { probe } from './served.ts';

const validityMs = 86_400_000;
const authority = createAuthority({ commonName: 'ca', validityMs }, systemSources);
const stranger = createAuthority({ commonName: 'another ca', validityMs }, systemSources);
const address = '127.0.0.1';
const serving = issue(
  authority,
  { profile: 'server', commonName: 'm1', ipAddresses: [address], validityMs },
  systemSources,
);
const client = issue(authority, { profile: 'client', commonName: 'alice', validityMs }, systemSources);

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  server.listen(0, address);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A member's client port: it trusts `ca`, and does `then` with those whom it lets in. */
function member(ca: string, then: (socket: tls.TLSSocket) => void): Promise<number> {
  const server = tls.createServer({
    ...{ cert: serving.certificate, key: serving.key, ca, requestCert: true, rejectUnauthorized: true },
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => then(socket.on('error', () => {})));
  return listen(server);
}

/** Answers the first bytes of a client with a fatal alert. */
function alerting(alert: number): Promise<number> {
  return listen(
    net.createServer((socket) => socket.once('data', () => socket.end(Buffer.of(21, 3, 3, 0, 2, 2, alert)))),
  );
}

describe('a certificate is refused', () => {
  it('when its authority is not trusted', async () => {
    const port = await member(stranger.certificate, () => {});
    expect(await probe({ address, port, client })).toMatchObject({ answered: false, refused: true });
  });

  it('when the server hangs up after the handshake, as for one that is revoked', async () => {
    const port = await member(authority.certificate, (socket) => socket.destroy());
    expect(await probe({ address, port, client })).toMatchObject({ answered: false, refused: true });
  });

  it.each([
    ['bad certificate', 42],
    ['certificate revoked', 44],
    ['access denied', 49],
  ])('when the server says so: %s', async (words, alert) => {
    const port = await alerting(alert);
    const { refused, problem } = await probe({ address, port, client });
    expect([refused, problem]).toEqual([true, expect.stringContaining(`refused the certificate: ${words}`)]);
  });
});

describe('nothing is known about a certificate', () => {
  const known = async (port: number, shown = client, timeoutMs = 10_000) => {
    const { refused, answered, problem } = await probe({ address, port, client: shown, timeoutMs });
    expect({ refused, answered }).toEqual({ refused: false, answered: false });
    return problem;
  };

  it('when nothing listens', async () => {
    const server = net.createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    expect(await known(port)).toMatch(/^nothing listens/);
  });

  it('when the server is silent, before the handshake or after it', async () => {
    expect(await known(await listen(net.createServer()), client, 100)).toMatch(/^no answer from .* within 100 ms$/);
    expect(await known(await member(authority.certificate, () => {}), client, 500)).toMatch(/^no answer from/);
  });

  it('when the connection ends before the handshake', async () => {
    const port = await listen(net.createServer((socket) => socket.once('data', () => socket.end())));
    expect(await known(port)).toMatch(/closed|disconnected/);
  });

  it.each([
    ['protocol version', 70],
    ['internal error', 80],
  ])('when the server objects to something else: %s', async (words, alert) => {
    expect(await known(await alerting(alert))).toContain(`ended the handshake: ${words}`);
  });

  it('when the certificate does not fit its key', async () => {
    const port = await member(authority.certificate, () => {});
    expect(await known(port, { certificate: client.certificate, key: stranger.key })).toMatch(/own certificate cannot/);
  });
});

it('that a member lets in, or that cannot be asked about, is not proved refused', async () => {
  let asked = 0;
  const interruption = new AbortController();
  const again = () => {
    if (++asked === 2) interruption.abort();
  };
  const cut = await listen(
    net.createServer((socket) => {
      again();
      socket.destroy();
    }),
  );
  const node = { name: 'm1', address, clientPort: cut, peerPort: cut } as LabNode;
  const proof = { now: () => new Date(), signal: interruption.signal };
  await expect(proveRefused(client, 'alice', [node], proof)).rejects.toMatchObject({ code: 'LAB_INTERRUPTED' });
  expect(asked).toBe(2);

  const refusing = await member(stranger.certificate, () => {});
  await proveRefused(client, 'alice', [{ ...node, clientPort: refusing }], { now: () => new Date() });
});
