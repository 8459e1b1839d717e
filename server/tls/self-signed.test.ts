import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { selfSigned } from './self-signed.ts';
import { loadTlsContext } from './tls-files.ts';

let directory: string;
beforeEach(() => {
  directory = path.join(mkdtempSync(path.join(tmpdir(), 'etcdlab-self-signed-')), 'fixtures', 'client');
});
afterEach(() => rmSync(path.join(directory, '..', '..'), { recursive: true }));

const now = new Date('2030-01-01T00:00:00Z');
const make = () => selfSigned({ directory, hosts: ['127.0.0.1', 'node.example', '::1'], validityYears: 2, now });

test('is good for its hosts, for both directions and for as long as asked', () => {
  const files = make();
  const { leaf, warnings } = loadTlsContext(files, now);
  const certificate = leaf as X509Certificate;
  expect(warnings).toEqual([]);
  expect(certificate.checkIP('127.0.0.1')).toBeDefined();
  expect(certificate.checkIP('::1')).toBeDefined();
  expect(certificate.checkHost('node.example', { subject: 'never' })).toBeDefined();
  expect(certificate.subject).toBe('O=etcd');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  expect(certificate.validToDate).toEqual(new Date('2032-01-01T00:00:00Z'));
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});

test('has a key that only its owner can read', () => {
  const { certFile, keyFile } = make();
  expect([statSync(keyFile).mode & 0o777, statSync(certFile).mode & 0o777]).toEqual([0o600, 0o644]);
});

test('is made once', () => {
  const first = readFileSync(make().certFile, 'utf8');
  expect(readFileSync(make().certFile, 'utf8')).toBe(first);
});

test('is made anew when half of it is missing', () => {
  const { certFile, keyFile } = make();
  rmSync(certFile);
  make();
  expect(() => loadTlsContext({ certFile, keyFile }, now)).not.toThrow();
});
