import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspect } from '../../pki/mod.ts';
import { commonName } from './server-tls.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-cn-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** @param subject as `openssl req -subj` takes it */
function certificateOf(subject: string): string {
  const key = ['-newkey', 'ed25519', '-nodes', '-keyout', path.join(directory, 'key')];
  const args = ['req', '-x509', '-utf8', ...key, '-subj', subject];
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('the common name of a certificate', () => {
  test.each([
    ['/CN=alice', 'alice'],
    ['/O=lab/CN=alice/OU=x', 'alice'],
    ['/CN=alice/CN=root', 'root'],
    ['/CN=root/CN=alice', 'alice'],
    ['/O=lab+CN=alice', 'alice'],
    ['/CN=a,b', 'a,b'],
    ['/CN=a\\+b', 'a+b'],
    ['/CN=a\\\\b', 'a\\b'],
    ['/CN= a"b<c>;#', ' a"b<c>;#'],
    ['/CN=Jürgen ☃', 'Jürgen ☃'],
    ['/O=x\nCN=root/CN=alice', 'alice'],
    ['/O=x\nCN=root', undefined],
    ['/O=lab', undefined],
  ])('%j is %j', (subject, name) => {
    const pem = certificateOf(subject);
    expect(commonName(new X509Certificate(pem))).toBe(name);
    expect(inspect(pem).commonName).toBe(name);
  });
});
