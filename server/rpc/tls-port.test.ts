import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { type Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { KVService, RangeResponse } from '../proto/gen/rpc.ts';
import { ServerTls, type ServerTlsConfig } from '../tls/server-tls.ts';
import { revocationList } from '../tls/testing/revocation-list.ts';
import { TestPki } from '../tls/testing/test-pki.ts';
import { unary } from './mod.ts';
import { call, get, TestServer, type TestServerOptions } from './testing/test-server.ts';

let server: TestServer;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-listener-'));
});
afterEach(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

async function start(options: Partial<TestServerOptions> = {}): Promise<void> {
  server = await TestServer.start({ logger: silentLogger, ...options });
}

function put(client: Client) {
  return call(client, KVService.Put, { key: Buffer.from('k') });
}

describe('a TLS port', () => {
  let pki: TestPki;
  let config: ServerTlsConfig;
  beforeEach(() => {
    pki = new TestPki(directory);
    const { certificate, key } = pki.server();
    config = {
      ...{ certFile: pki.write('server.pem', certificate), keyFile: pki.write('server-key.pem', key) },
      ...{ trustedCaFile: '', crlFile: '', clientCertAuth: false, allowedCns: [], allowedHostnames: [] },
      ...{ minVersion: 'TLS1.2', maxVersion: '', cipherSuites: [] },
    };
  });

  const startTls = (overrides: Partial<ServerTlsConfig> = {}): Promise<void> =>
    start({ tls: new ServerTls({ ...config, ...overrides }, ['h2', 'http/1.1'], silentLogger) });

  function client(identity?: { certificate: string; key: string }): Client {
    const buffer = (pem: string | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
    const ca = Buffer.from(pki.authority.certificate);
    return server.client(credentials.createSsl(ca, buffer(identity?.key), buffer(identity?.certificate)));
  }

  test('serves gRPC, HTTP/1.1 and HTTP/2 on one port', async () => {
    await startTls();
    await put(client());
    const ca = pki.authority.certificate;
    const answer = await get(`https://${server.address}/health`, { ca, agent: new https.Agent() });
    expect(answer).toEqual({ status: 200, body: '{"health":"true","reason":""}' });
    const session = http2.connect(`https://${server.address}`, { ca });
    const stream = session.request({ ':path': '/version' });
    expect(JSON.parse(await text(stream))).toEqual({ etcdserver: '3.5.30', etcdcluster: '3.5.0' });
    session.destroy();
  });

  test('refuses versions below the least', async () => {
    await startTls({ minVersion: 'TLS1.3' });
    const socket = tls.connect({
      ...{ port: server.listener.port, host: '127.0.0.1' },
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    const [error] = await once(socket, 'error');
    expect(error.message).toMatch(/protocol version|reset/i);
  });

  test('lets in who shows a certificate of the CA, and nobody else', async () => {
    await startTls({ trustedCaFile: pki.write('ca.pem', pki.authority.certificate) });
    await put(client(pki.client('alice')));
    await expect(put(client())).rejects.toMatchObject({ code: 14 });
    const stranger = new TestPki(directory, 'another CA').client('alice');
    await expect(put(client(stranger))).rejects.toMatchObject({ code: 14 });
  });

  test('hands the client’s certificate to the call', async () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    let subject: string | undefined;
    const who = unary(KVService.Range, async (_request, context) => {
      subject = context.peerCertificate()?.subject;
      return RangeResponse.create();
    });
    const serverTls = new ServerTls({ ...config, trustedCaFile }, ['h2', 'http/1.1'], silentLogger);
    await start({ tls: serverTls, methods: [who] });
    await call(client(pki.client('alice')), KVService.Range, {});
    expect(subject).toContain('CN=alice');
  });

  test('does not let in whom the revocation list names, from the moment it does', async () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    const crlFile = pki.write('clients.crl', revocationList([]));
    await startTls({ trustedCaFile, crlFile });
    const [alice, bob] = [pki.client('alice'), pki.client('bob')];
    await put(client(alice));
    pki.write('clients.crl', revocationList([new X509Certificate(alice.certificate).serialNumber]));
    await expect(put(client(alice))).rejects.toMatchObject({ code: 14 });
    await put(client(bob));
  });

  test('lets in only allowed host names when there are such', async () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    await startTls({ trustedCaFile, allowedHostnames: ['app.example', 'other.example'] });
    await put(client(pki.client('alice', ['app.example'])));
    await expect(put(client(pki.client('bob', ['bob.example'])))).rejects.toMatchObject({ code: 14 });
    await expect(put(client(pki.client('app.example')))).rejects.toMatchObject({ code: 14 });
  });

  test('shows a replaced certificate to the next client, without a restart', async () => {
    await startTls();
    await put(client());
    pki = new TestPki(directory, 'new CA');
    const renewed = pki.server('renewed');
    pki.write('server.pem', renewed.certificate);
    pki.write('server-key.pem', renewed.key);
    await put(client());
  });

  test('keeps its certificate while the files do not fit each other', async () => {
    await startTls();
    pki.write('server.pem', pki.server('renewed').certificate);
    await put(client());
  });
});
