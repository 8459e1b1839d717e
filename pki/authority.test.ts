import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertifiedKey, createAuthority, inspect, issue, type Profile, systemSources } from './mod.ts';
import { authority, day, leaf, now, sources } from './testing/fixtures.ts';

const der = (certificate: string) => new X509Certificate(certificate).raw.toString('hex');

describe('an authority', () => {
  it('may sign certificates and revocation lists, but no further authority', () => {
    const { certificate } = authority();
    expect(inspect(certificate)).toMatchObject({ isAuthority: true, keyUsage: ['keyCertSign', 'cRLSign'] });
    // basicConstraints, critical: SEQUENCE { TRUE, pathlen 0 }
    expect(der(certificate)).toContain('0603551d130101ff040830060101ff020100');
    // keyUsage, critical: bits 5 and 6, one bit unused
    expect(der(certificate)).toContain('0603551d0f0101ff040403020106');
  });

  it('may be RSA and then signs EC certificates with SHA-256 and an explicit NULL parameter', () => {
    const rsa = createAuthority({ commonName: 'rsa', algorithm: 'rsa-2048', validityMs: day }, sources);
    const issued = leaf(rsa, { validityMs: 1000 });
    expect(inspect(rsa.certificate).algorithm).toBe('rsa-2048');
    expect(der(issued.certificate)).toContain('300d06092a864886f70d01010b0500');
    expect(new X509Certificate(issued.certificate).verify(new X509Certificate(rsa.certificate).publicKey)).toBe(true);
  });

  it('signs with SHA-384 on P-384', () => {
    const p384 = createAuthority({ commonName: 'p384', algorithm: 'ecdsa-p384', validityMs: day }, sources);
    expect(der(p384.certificate)).toContain('300a06082a8648ce3d040303');
    expect(new X509Certificate(p384.certificate).verify(new X509Certificate(p384.certificate).publicKey)).toBe(true);
  });

  it('can certify a key that is already there', () => {
    const first = authority();
    const second = createAuthority({ commonName: 'test authority', validityMs: day, key: first.key }, sources);
    expect(second.key).toBe(first.key);
    expect(inspect(second.certificate).subjectKeyId).toBe(inspect(first.certificate).subjectKeyId);
  });

  it.each([
    ['an empty common name', { commonName: '' }, /common name '' must have 1 to 64/],
    ['a common name of 65 characters', { commonName: 'x'.repeat(65) }, /1 to 64/],
    ['a line feed in a name', { commonName: 'a\nCN=root' }, /control characters/],
    ['no validity', { validityMs: 0 }, /not between a second and 100 years/],
    ['a validity that is not a number', { validityMs: Number.NaN }, /not between/],
    ['a validity of 101 years', { validityMs: 101 * 366 * day }, /100 years/],
  ])('refuses %s', (_, change, message) => {
    expect(() => createAuthority({ commonName: 'ca', validityMs: day, ...change }, sources)).toThrow(message);
  });
});

describe('an issued certificate', () => {
  const ca = authority();

  it.each<[Profile, string[]]>([
    ['server', ['serverAuth', 'clientAuth']],
    ['peer', ['serverAuth', 'clientAuth']],
    ['client', ['clientAuth']],
  ])('of profile %s is for %s', (profile, usages) => {
    expect(inspect(leaf(ca, { profile }).certificate).extendedKeyUsage).toEqual(usages);
  });

  it('says whose key signed it, by the hash of the raw point', () => {
    const { authorityKeyId } = inspect(leaf(ca).certificate);
    expect(authorityKeyId).toBe(inspect(ca.certificate).subjectKeyId);
    expect(authorityKeyId).toMatch(/^[0-9a-f]{40}$/);
  });

  it('may sign digests only, and says so critically', () => {
    // keyUsage: bit 0, seven unused; basicConstraints: the empty SEQUENCE, since FALSE is the default
    expect(der(leaf(ca).certificate)).toContain('0603551d0f0101ff040403020780');
    expect(der(leaf(ca).certificate)).toContain('0603551d130101ff04023000');
  });

  it('has a positive serial number of 16 octets, whatever the random bytes', () => {
    for (const byte of [0x00, 0x80, 0xff]) {
      const random = { ...sources, randomBytes: (size: number) => new Uint8Array(size).fill(byte) };
      const { serial } = inspect(leaf(ca, {}, random).certificate);
      expect(serial).toHaveLength(32);
      expect(Number.parseInt(serial.slice(0, 2), 16)).toBeGreaterThanOrEqual(0x40);
      expect(Number.parseInt(serial.slice(0, 2), 16)).toBeLessThan(0x80);
    }
  });

  it('is valid from five minutes ago, but not from before its authority', () => {
    expect(inspect(leaf(ca).certificate).notBefore).toEqual(new Date(now.getTime() - 300_000));
    const later = { ...sources, now: () => new Date(now.getTime() + 60_000) };
    const young = createAuthority({ commonName: 'ca', validityMs: day }, later);
    const behind = { ...sources, now: () => new Date(now.getTime() - 120_000) };
    expect(inspect(leaf(young, {}, behind).certificate).notBefore).toEqual(inspect(young.certificate).notBefore);
  });

  it('ends with its authority at the latest', () => {
    const short = authority('short', day);
    expect(inspect(leaf(short, { validityMs: 30 * day }).certificate).notAfter).toEqual(new Date(now.getTime() + day));
  });

  it('writes times as UTCTime up to 2049 and as GeneralizedTime from 2050 on', () => {
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const at = (iso: string) => ({ ...sources, now: () => new Date(iso) });
    const long = createAuthority({ commonName: 'long', validityMs: 40 * 366 * day }, at('2026-01-01T00:00:00Z'));
    const until = (iso: string) => Date.parse(iso) - Date.parse('2049-12-01T00:00:00Z');
    const request = (iso: string) => leaf(long, { validityMs: until(iso) }, at('2049-12-01T00:00:00Z'));
    expect(der(request('2049-12-31T23:59:59Z').certificate)).toContain(`170d${hex('491231235959Z')}`);
    expect(der(request('2050-01-01T00:00:00Z').certificate)).toContain(`180f${hex('20500101000000Z')}`);
  });

  it('has as its issuer the name of its authority, octet by octet', () => {
    const other = createAuthority({ commonName: 'Ünïcode ☃', organization: 'o', validityMs: day }, sources);
    const issued = new X509Certificate(leaf(other, { validityMs: 1000 }).certificate);
    expect(issued.checkIssued(new X509Certificate(other.certificate))).toBe(true);
  });

  it('is refused to a server or peer without a name, and given to a client', () => {
    const nameless = { dnsNames: [], ipAddresses: [] };
    expect(() => leaf(ca, nameless)).toThrow(/at least one DNS name or IP address/);
    expect(() => leaf(ca, { ...nameless, profile: 'peer' })).toThrow(/at least one/);
    expect(inspect(leaf(ca, { ...nameless, profile: 'client' }).certificate)).toMatchObject(nameless);
  });
});

describe('an authority that cannot sign', () => {
  const refusal = (issuer: CertifiedKey, at = now) => {
    try {
      leaf(issuer, {}, { ...sources, now: () => at });
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('is refused when it has expired or is not valid yet', () => {
    const ca = authority('ca', day);
    expect(refusal(ca, new Date(now.getTime() + 2 * day))).toMatchObject({ code: 'PKI_AUTHORITY' });
    expect(refusal(ca, new Date(now.getTime() - day))).toMatchObject({ code: 'PKI_AUTHORITY' });
    expect(refusal(ca)).toBeUndefined();
  });

  it('is refused when it is no authority, or the key is another one', () => {
    expect(refusal(leaf(authority()))).toMatchObject({ message: 'CN=node1 is not a certificate authority' });
    expect(refusal({ ...authority(), key: authority().key })).toMatchObject({ code: 'PKI_AUTHORITY' });
  });

  it('is refused when it is not PEM', () => {
    expect(refusal({ ...authority(), certificate: 'x' })).toMatchObject({ code: 'PKI_PEM' });
    expect(refusal({ ...authority(), key: 'x' })).toMatchObject({ code: 'PKI_PEM' });
  });
});

const opensslIsThere = spawnSync('openssl', ['version']).status === 0;

// On a developer's machine without openssl this is skipped, and says so; CI must have it.
describe.skipIf(!opensslIsThere && !process.env.CI)('openssl, which is strict,', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'etcdlab-pki-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'] as const)('accepts what an authority of %s issues', (algorithm) => {
    const ca = createAuthority(
      { commonName: 'ca', organization: 'etcdlab', algorithm, validityMs: day },
      systemSources,
    );
    const request = { commonName: 'node1', dnsNames: ['node1'], ipAddresses: ['10.1.2.3', '::1'], validityMs: day };
    writeFileSync(join(folder, 'ca.pem'), ca.certificate);
    for (const profile of ['server', 'peer', 'client'] as const) {
      const issued = issue(ca, { ...request, profile, algorithm: 'ecdsa-p256' }, systemSources);
      writeFileSync(join(folder, 'leaf.pem'), issued.certificate);
      for (const purpose of profile === 'client' ? ['sslclient'] : ['sslclient', 'sslserver']) {
        const args = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose, '-CAfile', 'ca.pem', 'leaf.pem'];
        expect(execFileSync('openssl', args, { cwd: folder, encoding: 'utf8' })).toBe('leaf.pem: OK\n');
      }
    }
    const server = ['verify', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'leaf.pem'];
    expect(spawnSync('openssl', server, { cwd: folder }).status, 'a client certificate is none for a server').not.toBe(
      0,
    );
  });
});
