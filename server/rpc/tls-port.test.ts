import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { type Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CertificateRequest, createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { Logger, type LogRecord, silentLogger } from '../base/logger.ts';
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

  test('goes on with what it read before while a file cannot be read', async () => {
    await startTls();
    const file = path.join(directory, 'server-key.pem');
    rmSync(file);
    symlinkSync(file, file);
    await put(client());
  });

  describe('that refuses a connection says in plain words why', () => {
    const log: LogRecord[] = [];
    const logger = new Logger({ enabled: () => true, write: (record) => log.push(record) }, 'test');
    beforeEach(() => {
      log.length = 0;
    });

    async function startStrict(overrides: Partial<ServerTlsConfig> = {}): Promise<void> {
      const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
      const serverTls = new ServerTls({ ...config, trustedCaFile, ...overrides }, ['h2', 'http/1.1'], logger);
      await start({ tls: serverTls });
    }

    /** Connects, and gives the fields of the line that comes of it. */
    async function refusal(options: tls.ConnectionOptions): Promise<Record<string, unknown>> {
      const socket = tls.connect({
        port: server.listener.port,
        host: '127.0.0.1',
        ca: pki.authority.certificate,
        ...options,
      });
      socket.on('error', () => {});
      socket.on('secureConnect', () => socket.write('x'));
      const find = () => log.find(({ msg }) => msg === 'rejected connection on client endpoint');
      await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 10_000 });
      socket.destroy();
      return find()?.fields ?? {};
    }

    const dayMs = 86_400_000;
    const issued = (request: Partial<CertificateRequest>, from = pki.authority, at = new Date()) => {
      const sources = { ...systemSources, now: () => at };
      const { certificate: cert, key } = issue(
        from,
        { profile: 'client', commonName: 'alice', validityMs: dayMs, ...request },
        sources,
      );
      return { cert, key };
    };

    test('when there is no certificate', async () => {
      await startStrict();
      expect(await refusal({})).toMatchObject({
        'remote-addr': expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        error: "tls: client didn't provide a certificate",
        reason: expect.stringContaining('shows no certificate'),
      });
    });

    test.each(['TLSv1.2', 'TLSv1.3'] as const)('when the CA is another, over %s', async (maxVersion) => {
      await startStrict();
      const stranger = new TestPki(directory, 'another CA');
      const fields = await refusal({ ...issued({}, stranger.authority), maxVersion });
      expect(fields).toMatchObject({
        'remote-addr': expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        error: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
      });
      expect(fields.reason).toMatch(
        /"alice" .*issued by "another CA"\) is not issued by a trusted CA; trusted: "test CA"/,
      );
    });

    test('when the certificate has expired', async () => {
      const before = new Date(Date.now() - 3 * dayMs);
      const old = createAuthority(
        { commonName: 'old CA', validityMs: 10 * dayMs },
        { ...systemSources, now: () => before },
      );
      await startStrict({ trustedCaFile: pki.write('old.pem', old.certificate) });
      const fields = await refusal(issued({}, old, before));
      expect(fields.error).toBe('tls: failed to verify certificate: x509: certificate has expired or is not yet valid');
      expect(fields.reason).toMatch(/"alice" .* has expired: this machine's clock says/);
    });

    test.each(['TLSv1.2', 'TLSv1.3'] as const)('when the certificate is damaged, over %s', async (maxVersion) => {
      await startStrict();
      const { certificate: cert, key } = pki.damagedClient('mallory');
      const fields = await refusal({ cert, key, maxVersion });
      expect(fields.error).toMatch(/^tls: failed to verify certificate/);
      expect(fields.reason).toMatch(/"mallory" .*valid Bad time value to .* is damaged: its validity is not a date$/);
    });

    test('when it is revoked', async () => {
      const alice = issued({});
      const crlFile = pki.write('c.crl', revocationList([new X509Certificate(alice.cert).serialNumber]));
      await startStrict({ crlFile });
      const fields = await refusal(alice);
      expect([fields.error, fields.reason]).toEqual([
        expect.stringMatching(/^certificate serial [0-9A-F]+ is revoked$/),
        expect.stringMatching(/"alice" .* is in .*c\.crl/),
      ]);
    });

    test('when it is for no allowed name', async () => {
      await startStrict({ allowedHostnames: ['app.example'] });
      expect(await refusal(issued({ dnsNames: ['other.example'] }))).toMatchObject({
        'dns-names': ['other.example'],
        error: 'client certificate authentication failed',
        reason: expect.stringMatching(/DNS:other\.example.* valid for none of the allowed names: app\.example/),
      });
    });

    test('when the client does not accept the server’s certificate', async () => {
      await startStrict();
      const stranger = new TestPki(directory, 'another CA').authority.certificate;
      const fields = await refusal({ ca: stranger, rejectUnauthorized: true, ...issued({}) });
      expect(fields.reason).toMatch(
        /hung up .* was ended, gave up, or may not accept this server’s certificate "server" .*IP:127\.0\.0\.1/,
      );
    });

    test('when TLS is too old', async () => {
      await startStrict({ minVersion: 'TLS1.3' });
      expect(await refusal({ maxVersion: 'TLSv1.2' })).toMatchObject({
        error: 'tls: client offered only unsupported versions',
        reason: 'the client offers no version of TLS from TLS1.3 up',
      });
    });

    test('when it is plaintext', async () => {
      await startStrict();
      const socket = net.connect(server.listener.port, '127.0.0.1', () => socket.write('GET /health HTTP/1.1\r\n\r\n'));
      socket.on('error', () => {});
      await vi.waitFor(
        () =>
          expect(log.map(({ fields }) => fields?.reason)).toContain(
            'the client does not speak TLS: it must use https://',
          ),
        10_000,
      );
      socket.destroy();
    });

    test('and makes no fuss about a probe of the port', async () => {
      await startStrict();
      const socket = net.connect(server.listener.port, '127.0.0.1', () => socket.destroy());
      await vi.waitFor(() => expect(log).not.toEqual([]), 10_000);
      expect(log).toMatchObject([
        {
          level: 'debug',
          msg: 'connection closed before its handshake',
          fields: { 'remote-addr': expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
        },
      ]);
    });
  });

  test('keeps its certificate while the files do not fit each other', async () => {
    await startTls();
    pki.write('server.pem', pki.server('renewed').certificate);
    await put(client());
  });
});
