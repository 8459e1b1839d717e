import { afterAll, describe, expect, it } from 'vitest';
import {
  createAuthority,
  createRevocationList,
  inspect,
  isSignedBy,
  parseRevocationList,
  type RevokedCertificate,
  revocationReasons,
  systemSources,
  verify,
} from './mod.ts';
import { authority, day, leaf, now, sources } from './testing/fixtures.ts';
import { OpensslFolder, opensslIsMissing } from './testing/openssl.ts';

const ca = authority();
const revoked = (serial: string, reason: RevokedCertificate['reason'] = 'keyCompromise') => ({
  serial,
  revokedAt: now,
  reason,
});
const list = (entries: readonly RevokedCertificate[], number = 1n) =>
  createRevocationList(ca, { entries, number, validityMs: day }, sources);

describe('a revocation list', () => {
  it('says what was put in', () => {
    const entries = [revoked('01'), revoked('FF'), revoked(`7F${'00'.repeat(15)}`, 'superseded')];
    expect(parseRevocationList(list(entries, 258n))).toEqual({
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + day),
      number: 258n,
      entries,
    });
  });

  it.each(Object.keys(revocationReasons) as RevokedCertificate['reason'][])('knows the reason %s', (reason) => {
    expect(parseRevocationList(list([revoked('0A', reason)])).entries).toEqual([revoked('0A', reason)]);
  });

  it('may be empty, and then has no list of certificates at all', () => {
    expect(parseRevocationList(list([]))).toMatchObject({ entries: [], number: 1n });
  });

  it('is due before its authority ends', () => {
    const der = createRevocationList(ca, { entries: [], number: 1n, validityMs: 1000 * day }, sources);
    expect(parseRevocationList(der).nextUpdate).toEqual(inspect(ca.certificate).notAfter);
  });

  it('is known to be genuine by the signature of its authority', () => {
    const der = list([revoked('01')]);
    expect(isSignedBy(der, ca.certificate)).toBe(true);
    expect(isSignedBy(der, authority().certificate)).toBe(false);
    const forged = Buffer.from(der);
    const at = der.indexOf(Buffer.from('020101', 'hex'), 40);
    forged[at + 2] = 2;
    expect(isSignedBy(forged, ca.certificate)).toBe(false);
  });

  it('makes a certificate one that would be refused', () => {
    const { certificate } = leaf(ca);
    const other = leaf(ca, {}, { ...sources, randomBytes: (size) => new Uint8Array(size).fill(0x11) });
    const revocationLists = [list([revoked(inspect(certificate).serial)])];
    const common = { authorities: [ca.certificate], at: now, revocationLists };
    expect(verify({ ...common, certificate })).toEqual([
      { code: 'revoked', reason: 'revoked at 2026-11-20T12:00:00.000Z (keyCompromise)' },
    ]);
    expect(verify({ ...common, certificate: other.certificate })).toEqual([]);
  });

  it('is refused when it is cut off or something else, with the place', () => {
    const der = list([revoked('01')]);
    const refusal = (bytes: Uint8Array) => {
      try {
        parseRevocationList(bytes);
      } catch (error) {
        return error as { code: string; message: string };
      }
      return undefined;
    };
    expect(refusal(der.subarray(0, 50))).toMatchObject({ code: 'PKI_PEM' });
    expect(refusal(der.subarray(0, 50))?.message).toMatch(/at byte 0: a length of \d+ bytes, but 47 are left/);
    expect(refusal(Buffer.from('nonsense'))?.message).toMatch(/no BEGIN line/);
    expect(refusal(Buffer.alloc(0))?.message).toMatch(/it is empty/);
  });
});

describe.skipIf(opensslIsMissing)('openssl', () => {
  const folder = new OpensslFolder();
  afterAll(() => folder.remove());

  it.each(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048'] as const)('enforces the list of an authority of %s', (algorithm) => {
    const issuer = createAuthority({ commonName: 'ca', algorithm, validityMs: 2 * day }, systemSources);
    const client = (commonName: string) =>
      leaf(issuer, { profile: 'client', commonName, validityMs: day }, systemSources).certificate;
    const [good, bad] = [client('good'), client('bad')];
    const entries = [{ ...revoked(inspect(bad).serial), revokedAt: new Date() }];
    folder.write('ca.pem', issuer.certificate);
    folder.write('good.pem', good);
    folder.write('bad.pem', bad);
    folder.write('crl.der', createRevocationList(issuer, { entries, number: 7n, validityMs: day }, systemSources));
    expect(
      folder.run('crl', '-inform', 'DER', '-in', 'crl.der', '-out', 'crl.pem', '-CAfile', 'ca.pem').output,
    ).toMatch(/verify OK/);
    const text = folder.run('crl', '-in', 'crl.pem', '-noout', '-text').output;
    expect(text).toMatch(/Version 2 \(0x1\)/);
    expect(text).toMatch(/X509v3 CRL Number:\s+7/);
    expect(text).toMatch(/Key Compromise/);
    const check = ['verify', '-x509_strict', '-crl_check', '-CRLfile', 'crl.pem', '-CAfile', 'ca.pem'];
    expect(folder.run(...check, 'good.pem')).toEqual({ status: 0, output: 'good.pem: OK\n' });
    expect(folder.run(...check, 'bad.pem').output).toMatch(/certificate revoked/);
  });
});
