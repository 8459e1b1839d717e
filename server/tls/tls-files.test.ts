import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord, silentLogger } from '../base/logger.ts';
import { openSslCiphers, unknownCipherSuite } from './cipher-suites.ts';
import { ServerTls } from './server-tls.ts';
import { TestPki } from './testing/test-pki.ts';
import { filesStamp, loadTlsContext, type TlsFiles } from './tls-files.ts';
import { WatchedTls } from './watched-tls.ts';

let directory: string;
let pki: TestPki;
let files: { certFile: string; keyFile: string };
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-tls-'));
  pki = new TestPki(directory);
  const { certificate, key } = pki.server();
  files = { certFile: pki.write('cert.pem', certificate), keyFile: pki.write('key.pem', key) };
});
afterEach(() => rmSync(directory, { recursive: true }));

const now = new Date();
const versions = { minVersion: 'TLS1.2', maxVersion: '', cipherSuites: [] };

describe('TLS files', () => {
  test('that fit are read without a word', () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    const { leaf, ca, warnings } = loadTlsContext({ ...files, trustedCaFile }, now);
    expect(leaf?.subject).toContain('CN=server');
    expect(ca).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  const cases: [string, () => TlsFiles, RegExp][] = [
    [
      'are not there',
      () => ({ ...files, certFile: '/nonexistent/c' }),
      /^open \/nonexistent\/c: no such file or directory$/,
    ],
    [
      'come alone',
      () => ({ certFile: files.certFile }),
      /^KeyFile and CertFile must both be present\[key: , cert: .*cert\.pem\]$/,
    ],
    ['are a directory', () => ({ ...files, keyFile: directory }), /^open .*: is a directory$/],
    [
      'hold no certificate',
      () => ({ ...files, certFile: files.keyFile }),
      /key\.pem: no certificate in it; expected PEM/,
    ],
    ['hold no key', () => ({ ...files, keyFile: files.certFile }), /cert\.pem: no private key in PEM in it/],
    [
      'hold a damaged certificate',
      () => ({
        ...files,
        certFile: pki.write('bad.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      }),
      /bad\.pem: a certificate in it cannot be read/,
    ],
    [
      'are of two pairs',
      () => ({ ...files, keyFile: pki.write('other.pem', pki.server().key) }),
      /private key does not match public key: .*other\.pem is not the key of .*cert\.pem/,
    ],
    [
      'hold an encrypted key',
      () => ({ ...files, keyFile: pki.write('locked.pem', '-----BEGIN ENCRYPTED PRIVATE KEY-----\n') }),
      /locked\.pem: the private key is encrypted/,
    ],
    ['hold no CA', () => ({ trustedCaFile: files.keyFile }), /key\.pem: no CA certificate in it/],
    ['hold no revocation list', () => ({ crlFile: files.keyFile }), /key\.pem: malformed certificate revocation list/],
  ];
  test.each(cases)('that %s are refused by name', (_what, given, message) => {
    expect(() => loadTlsContext(given(), now)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  });

  test('that have expired, or are not valid yet, are warned about', () => {
    const later = new Date(now.getTime() + 2 * 86_400_000);
    expect(loadTlsContext(files, later).warnings).toEqual([
      expect.stringMatching(/cert\.pem: ".*CN=server.*" expired at .*; renew it/),
    ]);
    const earlier = new Date(now.getTime() - 86_400_000);
    expect(loadTlsContext(files, earlier).warnings).toEqual([expect.stringMatching(/is not valid before .*clock/)]);
  });
});

describe('watched files', () => {
  test('are read again when they are replaced, and only then', () => {
    const watched = new WatchedTls(files, versions, silentLogger);
    const before = watched.secureContext();
    expect(watched.secureContext()).toBe(before);
    const renewed = pki.server('renewed');
    pki.write('cert.pem', renewed.certificate);
    pki.write('key.pem', renewed.key);
    expect(watched.material().leaf?.subject).toContain('CN=renewed');
    expect(watched.secureContext()).not.toBe(before);
  });

  test('stay in force while what replaces them cannot be used, and it is said once', () => {
    const records: LogRecord[] = [];
    const logger = new Logger({ enabled: () => true, write: (record) => records.push(record) }, 'tls');
    const watched = new WatchedTls(files, versions, logger);
    rmSync(files.keyFile);
    expect(watched.material().leaf?.subject).toContain('CN=server');
    watched.material();
    expect(records.map(({ level }) => level)).toEqual(['error']);
  });

  test('stay in force while OpenSSL does not take what replaces them: a key that is too short', () => {
    const watched = new WatchedTls(files, versions, silentLogger);
    const pair = ['-keyout', files.keyFile, '-out', files.certFile];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', ...pair, '-subj', '/CN=weak'], {
      stdio: 'pipe',
    });
    expect(watched.material().leaf?.subject).toContain('CN=server');
    expect(() => createSecureContext(watched.options())).not.toThrow();
  });

  test('stay in force while a link leads to itself', () => {
    const watched = new WatchedTls(files, versions, silentLogger);
    const before = watched.secureContext();
    rmSync(files.keyFile);
    symlinkSync(files.keyFile, files.keyFile);
    expect(watched.material().leaf?.subject).toContain('CN=server');
    expect(watched.secureContext()).toBe(before);
    expect(() => new WatchedTls(files, versions, silentLogger)).toThrow(/^open .*key\.pem: /);
  });

  test('of which no stamp can be taken are told by the reason', () => {
    symlinkSync('loop', path.join(directory, 'loop'));
    const crlFile = path.join(files.certFile, 'crl.pem');
    const trustedCaFile = path.join(directory, 'loop');
    expect(filesStamp({ trustedCaFile, crlFile })).toBe('  ELOOP ENOTDIR');
  });
});

test('restricting both names and CNs of clients is refused', () => {
  const config = { ...files, ...versions, clientCertAuth: true, allowedCns: ['a'], allowedHostnames: ['b'] };
  expect(() => new ServerTls(config, [], silentLogger)).toThrow('mutually exclusive');
});

test('cipher suites have Go’s names, with and without their last part', () => {
  expect(unknownCipherSuite(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'])).toBeUndefined();
  expect(unknownCipherSuite(['FOO'])).toBe('FOO');
  expect(openSslCiphers([])).toBeUndefined();
  expect(
    openSslCiphers(['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256']),
  ).toMatch(/^TLS_AES_128_GCM_SHA256:.*:ECDHE-RSA-CHACHA20-POLY1305$/);
});
