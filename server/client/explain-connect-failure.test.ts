import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { explainConnectFailure } from './mod.ts';
import { FakeMember } from './testing/fake-member.ts';

const day = 86_400_000;
const sources = (from: Date) => ({ ...systemSources, now: () => from });
const longAgo = sources(new Date('2020-01-01T00:00:00Z'));
const ca = createAuthority({ commonName: 'lab CA', validityMs: 3650 * day }, longAgo);
const otherCa = createAuthority({ commonName: 'other CA', validityMs: 3650 * day }, longAgo);
const sameName = createAuthority({ commonName: 'lab CA', validityMs: 3650 * day }, longAgo);
const server = { profile: 'server', commonName: 'm1', ipAddresses: ['127.0.0.1'], validityMs: day } as const;
const client = { profile: 'client', commonName: 'alice', validityMs: day } as const;

const servers: net.Server[] = [];
const members: FakeMember[] = [];
afterEach(() => {
  for (const one of servers.splice(0)) one.close();
  for (const one of members.splice(0)) one.stop();
});

async function listen(one: net.Server): Promise<number> {
  servers.push(one);
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return (one.address() as net.AddressInfo).port;
}

/** A TLS server that answers HTTP/2's greeting with an empty SETTINGS frame. */
function serveTls(certified: { certificate: string; key: string }, options: tls.TlsOptions = {}): Promise<number> {
  const one = tls.createServer({ cert: certified.certificate, key: certified.key, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.from('000000040000000000', 'hex')));
  });
  one.on('tlsClientError', () => {});
  return listen(one);
}

describe('before TLS', () => {
  test('a name that does not resolve', async () => {
    expect(await explainConnectFailure('nobody.invalid:2379')).toMatch(
      /^nobody\.invalid:2379: the name "nobody\.invalid" does not resolve \(E/,
    );
  });

  test('a port that nothing listens on', async () => {
    const port = await listen(net.createServer());
    servers.splice(0)[0]?.close();
    expect(await explainConnectFailure(`127.0.0.1:${port}`)).toContain('nothing listens on 127.0.0.1');
  });

  test('a socket that is not there', async () => {
    const socket = path.join(os.tmpdir(), 'etcdlab-nobody.sock');
    expect(await explainConnectFailure(`unix://${socket}`)).toContain(`there is no socket ${socket}`);
  });

  test('what is no endpoint at all', async () => {
    expect(await explainConnectFailure('node1')).toContain('not of the form host:port');
  });

  test('a server that accepts and says nothing', async () => {
    const port = await listen(net.createServer((socket) => socket.on('error', () => {})));
    expect(await explainConnectFailure(`127.0.0.1:${port}`, undefined, 100)).toContain('no answer within 100 ms');
  });

  test('a server of another kind', async () => {
    const port = await listen(net.createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await explainConnectFailure(`127.0.0.1:${port}`)).toContain('HTTP/1.1 only');
  });

  test('plaintext to a TLS port, and TLS to a plaintext port', async () => {
    const secure = await serveTls(issue(ca, server, systemSources));
    expect(await explainConnectFailure(`http://127.0.0.1:${secure}`)).toMatch(/expects? TLS/);
    const plain = await new FakeMember().listen();
    members.push(plain);
    expect(await explainConnectFailure(`https://127.0.0.1:${plain.port}`, { ca: ca.certificate })).toMatch(
      /does not speak TLS|TLS failed/,
    );
  });
});

describe('the server’s certificate', () => {
  const explain = async (certified: Parameters<typeof serveTls>[0], trusted: string, host = '127.0.0.1') =>
    explainConnectFailure(`https://${host}:${await serveTls(certified)}`, { ca: trusted });

  test('is not for the address that is dialled', async () => {
    const certified = issue(ca, { ...server, ipAddresses: ['10.0.2.15'] }, systemSources);
    const text = await explain(certified, ca.certificate);
    expect(text).toContain('the server\'s certificate "m1" (serial ');
    expect(text).toContain('IP:10.0.2.15');
    expect(text).toContain('is not for "127.0.0.1"');
    expect(text).toContain('has IP:127.0.0.1 among its SANs');
  });

  test('has expired', async () => {
    const old = issue(ca, server, longAgo);
    expect(await explain(old, ca.certificate)).toMatch(/certificate "m1" .*has expired: this machine's clock says /);
  });

  test('is not valid yet', async () => {
    const early = issue(ca, server, sources(new Date(Date.now() + 30 * day)));
    expect(await explain(early, ca.certificate)).toContain('is not valid yet');
  });

  test('is of a CA that is not trusted', async () => {
    const text = await explain(issue(otherCa, server, systemSources), ca.certificate);
    expect(text).toContain('issued by "other CA"');
    expect(text).toContain('not issued by a trusted CA; trusted: "lab CA"');
  });

  test('is of a CA that was made anew under the same name', async () => {
    expect(await explain(issue(sameName, server, systemSources), ca.certificate)).toContain('the CA was made anew');
  });

  test('is not for servers', async () => {
    const text = await explain(issue(ca, client, systemSources), ca.certificate);
    expect(text).toContain('extended key usage lacks serverAuth');
  });
});

describe('the client’s certificate', () => {
  const demanding = { ca: ca.certificate, requestCert: true, rejectUnauthorized: true };

  test('is demanded and missing', async () => {
    const port = await serveTls(issue(ca, server, systemSources), demanding);
    expect(await explainConnectFailure(`https://127.0.0.1:${port}`, { ca: ca.certificate })).toMatch(
      /demands a client certificate/,
    );
  });

  test('has expired, or is of a CA that the server does not trust', async () => {
    const port = await serveTls(issue(ca, server, systemSources), demanding);
    const explain = (own: { certificate: string; key: string }): Promise<string> =>
      explainConnectFailure(`https://127.0.0.1:${port}`, {
        ca: ca.certificate,
        cert: own.certificate,
        key: own.key,
      });
    expect(await explain(issue(ca, client, longAgo))).toMatch(/client's certificate "alice" .*has expired/);
    expect(await explain(issue(otherCa, client, systemSources))).toMatch(/of a CA that the server does not trust/);
  });
});

test('when all is well from here, it says so', async () => {
  const port = await serveTls(issue(ca, server, systemSources));
  expect(await explainConnectFailure(`https://127.0.0.1:${port}`, { ca: ca.certificate })).toContain(
    'TLS and HTTP/2 work from here',
  );
  const plain = await new FakeMember().listen();
  members.push(plain);
  expect(await explainConnectFailure(plain.endpoint)).toContain('plaintext and HTTP/2 work from here');
});
