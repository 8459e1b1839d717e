import { createPrivateKey } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type CertificateFields, endEntityConstraints, signCertificate } from './certificate.ts';
import { publicKeyInfo } from './keys.ts';
import { type CertifiedKey, createAuthority, issue, systemSources, type VerifyOptions, verify } from './mod.ts';
import { distinguishedName } from './names.ts';
import { authority, day, leaf, now, sources } from './testing/fixtures.ts';

const ca = authority();
const node = leaf(ca);
const good: VerifyOptions = {
  certificate: node.certificate,
  authorities: [ca.certificate],
  at: now,
  purpose: 'both',
  host: '127.0.0.1',
  key: node.key,
};
const codes = (change: { [Key in keyof VerifyOptions]?: VerifyOptions[Key] | undefined }) =>
  verify({ ...good, ...change } as VerifyOptions).map((problem) => problem.code);

/** A certificate for the test authority's key, which claims to be issued by the test authority. */
const named = (commonName: string, extensions: CertificateFields['extensions']): CertificateFields => ({
  serial: Buffer.of(1),
  issuer: distinguishedName({ commonName: 'test authority' }),
  subject: distinguishedName({ commonName }),
  notBefore: new Date(now.getTime() - 1000),
  notAfter: new Date(now.getTime() + day),
  publicKey: publicKeyInfo(createPrivateKey(ca.key)),
  extensions,
});

describe('verify', () => {
  it('finds nothing wrong with a good certificate', () => {
    expect(codes({})).toEqual([]);
    expect(codes({ host: 'node1' })).toEqual([]);
  });

  it('names the dates and the clock', () => {
    const reason = 'expired at 2026-12-20T12:00:00.000Z, the clock says 2026-12-21T12:00:00.000Z';
    expect(verify({ ...good, at: new Date(now.getTime() + 31 * day) })).toEqual([{ code: 'expired', reason }]);
    expect(codes({ at: new Date(now.getTime() - day) })).toEqual(['authority-expired', 'not-yet-valid']);
  });

  it('names what was dialled and what would have been right', () => {
    const reason = 'dialled 10.200.10.11, but it is valid for localhost, node1, 127.0.0.1';
    expect(verify({ ...good, host: '10.200.10.11' })).toEqual([{ code: 'wrong-host', reason }]);
  });

  it('never takes the common name for a host name', () => {
    const client = leaf(ca, { profile: 'client', dnsNames: [], ipAddresses: [] });
    const { certificate, key } = client;
    expect(codes({ certificate, key, purpose: 'clientAuth', host: 'node1' })).toEqual(['wrong-host']);
  });

  it('names the usage that is missing', () => {
    const { certificate, key } = leaf(ca, { profile: 'client' });
    const reason = 'serverAuth needed, but it is for clientAuth';
    expect(verify({ ...good, certificate, key })).toEqual([{ code: 'wrong-usage', reason }]);
  });

  it('tells two authorities of the same name apart', () => {
    const twin = authority();
    expect(codes({ authorities: [twin.certificate] })).toEqual(['unknown-authority']);
    expect(codes({ authorities: [`${twin.certificate}${ca.certificate}`] })).toEqual([]);
    expect(codes({ authorities: [] })).toEqual(['unknown-authority']);
  });

  it('looks at the signature, not only at names and key identifiers', () => {
    const forged = signCertificate(named('mallory', []), createPrivateKey(authority().key));
    expect(codes({ certificate: forged, host: undefined, key: undefined })).toEqual(['unknown-authority']);
    const genuine = signCertificate(named('mallory', []), createPrivateKey(ca.key));
    expect(codes({ certificate: genuine, host: undefined, key: undefined })).toEqual([]);
  });

  it('does not accept a certificate that signs without being an authority', () => {
    expect(codes({ authorities: [node.certificate] })).toEqual(['unknown-authority']);
    const bare = signCertificate(named('test authority', [endEntityConstraints()]), createPrivateKey(ca.key));
    expect(codes({ authorities: [bare] })).toEqual(['not-an-authority']);
  });

  it('notices an authority that ended before its certificate', () => {
    const short = createAuthority({ commonName: 'test authority', validityMs: day, key: ca.key }, sources);
    const at = new Date(now.getTime() + 2 * day);
    expect(codes({ authorities: [short.certificate], at })).toEqual(['authority-expired']);
  });

  it('notices the key of another certificate', () => {
    expect(codes({ key: leaf(ca).key })).toEqual(['wrong-key']);
  });

  it('refuses what is not a certificate', () => {
    expect(() => verify({ ...good, certificate: 'nonsense' })).toThrow(/not a certificate/);
  });
});

/** @returns what the server read from the client, or the error that either of them met */
async function handshake(
  server: CertifiedKey,
  client: CertifiedKey | undefined,
  trust: { server: string; client: string },
) {
  const listener = createServer({
    cert: server.certificate,
    key: server.key,
    ca: trust.client,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  const sockets = new Set<Socket>();
  const { promise, resolve } = Promise.withResolvers<string>();
  listener.on('secureConnection', (socket: TLSSocket) => socket.once('data', (data) => resolve(String(data))));
  listener.on('connection', (socket: Socket) => sockets.add(socket));
  listener.on('tlsClientError', (error: NodeJS.ErrnoException) => resolve(`server: ${error.code}`));
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const socket = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    ca: trust.server,
    ...(client && { cert: client.certificate, key: client.key }),
  });
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(`client: ${error.code}`));
  socket.once('secureConnect', () => socket.write(`hello over ${socket.getProtocol()}`));
  const outcome = await promise;
  socket.destroy();
  for (const open of sockets) open.destroy();
  await new Promise((done) => listener.close(done));
  return outcome;
}

describe('a mutual handshake', () => {
  const clients = createAuthority({ commonName: 'clients', validityMs: day }, systemSources);
  const peers = createAuthority({ commonName: 'peers', validityMs: day }, systemSources);
  const request = { commonName: 'x', validityMs: day };
  const server = issue(clients, { ...request, profile: 'server', ipAddresses: ['127.0.0.1'] }, systemSources);
  const client = issue(clients, { ...request, profile: 'client' }, systemSources);
  const trust = { server: clients.certificate, client: clients.certificate };

  it('succeeds between a server and a client of one authority', async () => {
    expect(await handshake(server, client, trust)).toBe('hello over TLSv1.3');
  });

  it('succeeds with the server certificate as the client, as the gateway does it', async () => {
    expect(await handshake(server, server, trust)).toBe('hello over TLSv1.3');
  });

  it('fails without a client certificate, and with one of another authority', async () => {
    const stranger = issue(peers, { ...request, profile: 'client' }, systemSources);
    expect(await handshake(server, undefined, trust)).toBe('server: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
    expect(await handshake(server, stranger, trust)).not.toMatch(/hello/);
  });

  it('fails when a client certificate is shown by a server', async () => {
    const posing = issue(clients, { ...request, profile: 'client', ipAddresses: ['127.0.0.1'] }, systemSources);
    expect(await handshake(posing, client, trust)).toBe('client: INVALID_PURPOSE');
  });

  it('fails when the server is not the one that was dialled', async () => {
    const elsewhere = issue(clients, { ...request, profile: 'server', ipAddresses: ['10.0.0.1'] }, systemSources);
    expect(await handshake(elsewhere, client, trust)).toBe('client: ERR_TLS_CERT_ALTNAME_INVALID');
  });
});
