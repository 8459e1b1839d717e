import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { withDamagedDates } from '../tls/testing/test-pki.ts';
import { type Leaf, TestCa } from './testing/certificates.ts';
import { connect, message, type NodeOptions, streamsUp, TestNode, until } from './testing/nodes.ts';
import { type PeerTls, PeerTlsError, TlsFiles } from './tls.ts';

let ca: TestCa;
let otherCa: TestCa;
let good: Leaf;
let stranger: Leaf;

beforeAll(() => {
  ca = new TestCa();
  otherCa = new TestCa('another-ca');
  good = ca.issue('good', 'IP:127.0.0.1,DNS:localhost');
  stranger = otherCa.issue('stranger', 'IP:127.0.0.1');
});

afterAll(() => {
  ca.remove();
  otherCa.remove();
});

const started: TestNode[] = [];

async function start(id: bigint, options: NodeOptions): Promise<TestNode> {
  const node = await TestNode.start(id, options);
  started.push(node);
  return node;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

const files = (leaf: Leaf, more: Partial<PeerTls> = {}) =>
  new TlsFiles({ ...leaf, trustedCaFile: ca.caFile, clientCertAuth: true, ...more });

/** The serial number of the certificate that a server shows now. */
function shownSerial(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { certFile, keyFile } = good;
    const socket = tls.connect({
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      rejectUnauthorized: false,
      cert: fs.readFileSync(certFile),
      key: fs.readFileSync(keyFile),
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
  });
}

describe('mutual TLS', () => {
  test('carries messages both ways', async () => {
    const [a, b] = [await start(1n, { tls: files(good) }), await start(2n, { tls: files(good) })];
    await connect(a, b);
    a.transport.send([message(a, b)]);
    b.transport.send([message(b, a)]);
    await until(() => a.handler.messages.length + b.handler.messages.length === 2, 'both have arrived');
    expect(a.url).toMatch(/^https:/);
  });

  test('shows another certificate when dialing, if there is one', async () => {
    const dialing = ca.issue('dialing', 'IP:127.0.0.1', 'dialer');
    const own = { clientCertFile: dialing.certFile, clientKeyFile: dialing.keyFile };
    const strict = files(good, { allowedCommonNames: ['dialer'] });
    const a = await start(1n, { tls: files(good, own), serverTls: strict });
    const b = await start(2n, { tls: files(good, own), serverTls: strict });
    await connect(a, b);
  });

  test('takes a certificate that was replaced on disk, on both sides, without a restart', async () => {
    const leaf = ca.issue('renewed', 'IP:127.0.0.1');
    const a = await start(1n, { tls: files(leaf) });
    const before = await shownSerial(a.url);
    const b = await start(2n, { tls: files(leaf) });
    ca.issue('renewed', 'IP:127.0.0.1');
    const after = await shownSerial(a.url);
    expect(after).not.toBe(before);
    expect(await shownSerial(b.url)).toBe(after);
    await connect(a, b);
  });

  test('fails a handshake while the files are damaged, says so, and recovers', async () => {
    const leaf = ca.issue('damaged', 'IP:127.0.0.1');
    const a = await start(1n, { tls: files(leaf) });
    const b = await start(2n, { tls: files(good) });
    const whole = fs.readFileSync(leaf.certFile);
    fs.writeFileSync(leaf.certFile, 'nonsense');
    b.transport.addPeer(1n, [a.url]);
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a refuses');
    expect(String(a.logged('rejected connection')[0]?.fields.error)).toContain('damaged.pem');
    await expect(shownSerial(a.url)).rejects.toThrow();
    fs.writeFileSync(leaf.certFile, whole);
    a.transport.addPeer(2n, [b.url]);
    await streamsUp(a, b);
  });
});

describe('while the files cannot be used', () => {
  test.each([
    ['a damaged certificate', (leaf: Leaf) => fs.writeFileSync(leaf.certFile, 'nonsense')],
    ['a missing key', (leaf: Leaf) => fs.rmSync(leaf.keyFile)],
    ['a key of another certificate', (leaf: Leaf) => fs.copyFileSync(stranger.keyFile, leaf.keyFile)],
  ])('messages name the certificate that was usable last: %s', (_, damage) => {
    const leaf = ca.issue('spoilt', 'IP:127.0.0.1');
    const loaded = files(leaf);
    const [pem, serial] = [fs.readFileSync(leaf.certFile), loaded.side().leaf?.serialNumber];
    damage(leaf);
    expect(() => loaded.serverOptions()).toThrow(PeerTlsError);
    expect(() => loaded.clientContext()).toThrow(PeerTlsError);
    expect(loaded.side().leaf?.serialNumber).toBe(serial);
    expect(loaded.clientCertificate()).toEqual(pem);
  });

  test('a handshake that began before and fails is logged, and the member goes on', async () => {
    const leaf = ca.issue('vanishing', 'IP:127.0.0.1');
    const loaded = files(leaf);
    const a = await start(1n, { tls: loaded });
    const accepted = vi.spyOn(loaded, 'serverOptions');
    const socket = net.connect(Number(new URL(a.url).port), '127.0.0.1').on('error', () => undefined);
    await until(() => accepted.mock.calls.length > 0, 'a has taken the connection');
    fs.rmSync(leaf.certFile);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a says so');
    expect(a.logged('rejected connection')[0]?.fields.reason).toMatch(/does not speak TLS/);
    socket.destroy();
  });
});

describe('a connection is refused', () => {
  /** Starts a strict member and one with `dialer`, and gives what the strict one logs when it is dialed. */
  async function refusal(dialer: TlsFiles, strict: Partial<PeerTls> = {}): Promise<Record<string, unknown>> {
    const a = await start(1n, { tls: files(good, strict) });
    const b = await start(2n, { tls: dialer });
    a.transport.addPeer(2n, ['http://127.0.0.1:1']);
    b.transport.addPeer(1n, [a.url]);
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a refuses');
    expect(b.logged('established')).toEqual([]);
    return a.logged('rejected connection on peer endpoint')[0]?.fields ?? {};
  }

  test('when it shows a certificate of another CA', async () => {
    const fields = await refusal(new TlsFiles({ ...stranger, insecureSkipVerify: true }));
    expect(fields['remote-addr']).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(fields.error).toBe('tls: failed to verify certificate: x509: certificate signed by unknown authority');
    expect(fields.reason).toMatch(
      /^the client's certificate ".*" \(serial .*\) is not issued by a trusted CA; trusted: "/,
    );
  });

  test('when the certificate that it shows is damaged', async () => {
    const a = await start(1n, { tls: files(good) });
    const cert = withDamagedDates(fs.readFileSync(good.certFile, 'utf8'));
    const key = fs.readFileSync(good.keyFile);
    const { port } = new URL(a.url);
    const socket = tls.connect({ host: '127.0.0.1', port: Number(port), cert, key, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a refuses');
    const { reason } = a.logged('rejected connection')[0]?.fields ?? {};
    expect(reason).toMatch(/valid Bad time value to .* is damaged: its validity is not a date$/);
    socket.destroy();
  });

  test('when it shows none', async () => {
    const a = await start(1n, { tls: files(good) });
    const socket = tls.connect({ host: '127.0.0.1', port: Number(new URL(a.url).port), rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a refuses');
    expect(String(a.logged('rejected connection')[0]?.fields.error)).toMatch(/client didn't provide a certificate/);
    socket.destroy();
  });

  test('when it speaks TLS 1.1', async () => {
    const a = await start(1n, { tls: files(good) });
    const socket = tls.connect({
      host: '127.0.0.1',
      port: Number(new URL(a.url).port),
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      rejectUnauthorized: false,
    });
    const error = new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(String(await error)).toMatch(/protocol version/i);
    await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a says so');
  });

  test('when it comes from an address that its certificate does not have', async () => {
    const elsewhere = ca.issue('elsewhere', 'IP:10.9.8.7');
    const fields = await refusal(files(good, { clientCertFile: elsewhere.certFile, clientKeyFile: elsewhere.keyFile }));
    expect(fields).toMatchObject({
      'ip-addresses': ['10.9.8.7'],
      'dns-names': [],
      error: 'x509: certificate is valid for 10.9.8.7, not 127.0.0.1',
    });
  });

  test('when its common name is not allowed', async () => {
    const fields = await refusal(files(good), { allowedCommonNames: ['somebody'] });
    expect(fields.error).toBe('client certificate authentication failed');
  });

  test('when its certificate is for no allowed host name', async () => {
    const fields = await refusal(files(good), { allowedHostnames: ['somewhere.example'] });
    expect(fields.error).toBe('client certificate authentication failed');
  });

  test('when its certificate is revoked', async () => {
    const fields = await refusal(files(good), { isRevoked: () => true });
    expect(String(fields.error)).toMatch(/serial [0-9A-F]+ is revoked/);
  });

  test('by the dialer when the server’s certificate is damaged', async () => {
    const { certFile, keyFile } = ca.issue('damaged-dates', 'IP:127.0.0.1');
    fs.writeFileSync(certFile, withDamagedDates(fs.readFileSync(certFile, 'utf8')));
    const a = await start(1n, { tls: files(good), serverTls: files({ certFile, keyFile }) });
    const b = await start(2n, { tls: files(good) });
    b.transport.addPeer(1n, [a.url]);
    await until(() => b.lines.some((line) => /is damaged: its validity/.test(String(line.fields.error))), 'b says so');
  });

  test('by the dialer when the server’s certificate is not for its address', async () => {
    const misnamed = ca.issue('misnamed', 'IP:10.9.8.7');
    const a = await start(1n, { tls: files(good), serverTls: files(misnamed) });
    const b = await start(2n, { tls: files(good) });
    b.transport.addPeer(1n, [a.url]);
    await until(() => b.lines.some((line) => /127\.0\.0\.1/.test(String(line.fields.error))), 'b says so');
    expect(b.logged('established')).toEqual([]);
  });
});

test('with the address check turned off, a certificate is good from anywhere', async () => {
  const elsewhere = ca.issue('elsewhere2', 'IP:10.9.8.7');
  const own = { clientCertFile: elsewhere.certFile, clientKeyFile: elsewhere.keyFile, skipClientSanVerification: true };
  const [a, b] = [await start(1n, { tls: files(good, own) }), await start(2n, { tls: files(good, own) })];
  await connect(a, b);
});

test('a member that stops waits for no handshake that is under way, and blames nobody for it', async () => {
  // Far longer than a test may take: whatever waits for it to pass fails.
  const a = await start(1n, { tls: files(good), readTimeoutMs: 600_000 });
  const connection = net.connect(Number(new URL(a.url).port), '127.0.0.1');
  const cut = once(connection, 'close');
  connection.on('error', () => {});
  // Sends the first message of a handshake, and never hears the answer.
  const deaf = new Duplex({ read: () => {}, write: (bytes, _encoding, done) => connection.write(bytes, () => done()) });
  tls.connect({ socket: deaf }).on('error', () => {});
  await once(connection, 'data');
  await a.stop();
  await cut;
  expect(a.logged('rejected connection')).toEqual([]);
});

describe('at the start', () => {
  test.each([
    ['a missing certificate', () => ({ certFile: `${ca.folder}/none.pem` }), 'none.pem'],
    ['a missing CA', () => ({ trustedCaFile: `${ca.folder}/no-ca.pem` }), 'no-ca.pem'],
    ['a key of another certificate', () => ({ keyFile: stranger.keyFile }), 'cannot be used together'],
  ])('%s is refused by name', (_, change, text) => {
    expect(() => files(good, change())).toThrow(PeerTlsError);
    expect(() => files(good, change())).toThrow(text);
  });
});

test('an https peer is not dialed without certificates of one’s own', async () => {
  const a = await start(1n, {});
  a.transport.addPeer(2n, ['https://127.0.0.1:1']);
  await until(() => a.lines.some((line) => /no peer certificate/.test(String(line.fields.error))), 'a says so');
});

test('a plain request to a TLS port is refused and logged', async () => {
  const a = await start(1n, { tls: files(good) });
  const failed = new Promise((resolve) => {
    http.get(a.url.replace('https', 'http'), { agent: false }, resolve).on('error', resolve);
  });
  expect(await failed).toBeInstanceOf(Error);
  await until(() => a.logged('rejected connection on peer endpoint').length > 0, 'a says so');
});
