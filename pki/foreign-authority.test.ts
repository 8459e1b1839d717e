import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkForeignAuthority, issue, systemSources } from './mod.ts';
import { authority, day, leaf, now } from './testing/fixtures.ts';
import { OpensslFolder, opensslIsMissing } from './testing/openssl.ts';

const refusal = (pair: { certificate: string; key: string }, at = now) => {
  try {
    checkForeignAuthority(pair, at);
  } catch (error) {
    return error as { code: string; message: string };
  }
  return undefined;
};

describe('a foreign authority', () => {
  const ca = authority();

  it('is taken when it can sign what members need', () => {
    expect(checkForeignAuthority(ca, now)).toMatchObject({ subject: 'CN=test authority', isAuthority: true });
  });

  it.each([
    ['is no authority', leaf(ca), /may not sign certificates/],
    ['comes with another key', { ...ca, key: authority().key }, /does not belong/],
    ['comes with more certificates', { ...ca, certificate: ca.certificate.repeat(2) }, /several certificates/],
    ['is not PEM', { ...ca, certificate: 'nonsense' }, /not a certificate in PEM or DER form: it has no BEGIN line/],
    ['has a damaged key', { ...ca, key: ca.key.replace('END', 'ENDE') }, /not a private key.*has no END/],
  ])('is refused when it %s', (_, pair, message) => {
    expect(refusal(pair)?.message).toMatch(message);
  });

  it('is refused when it has expired', () => {
    expect(refusal(ca, new Date(now.getTime() + 366 * day))).toMatchObject({ code: 'PKI_AUTHORITY' });
  });
});

describe.skipIf(opensslIsMissing)('an authority of openssl', () => {
  const folder = new OpensslFolder();
  afterAll(() => folder.remove());
  const read = (name: string) => readFileSync(join(folder.path, name), 'utf8');

  /** @param extensions of a certificate that is self-signed, or signed by `issuer` */
  function make(name: string, extensions: string[], issuer?: string, newKey = ['ec:params.pem']) {
    if (newKey[0] === 'ec:params.pem') folder.run('ecparam', '-name', 'prime256v1', '-out', 'params.pem');
    const args = ['req', '-x509', '-newkey', ...newKey, '-nodes', '-subj', `/CN=${name}`, '-days', '2'];
    if (issuer !== undefined) args.push('-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`);
    const settings = extensions.flatMap((line) => ['-addext', line]);
    folder.write('empty.cnf', '[req]\ndistinguished_name = dn\n[dn]\n');
    const { status, output } = folder.run(
      ...args,
      ...['-config', 'empty.cnf', ...settings, '-keyout', `${name}.key`, '-out', `${name}.pem`],
    );
    expect(status, output).toBe(0);
    return { certificate: read(`${name}.pem`), key: read(`${name}.key`) };
  }

  const authorityLines = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
  // openssl counts whole seconds: an hour from now all of them have begun.
  const today = new Date(Date.now() + 3_600_000);

  it('signs certificates that openssl verifies strictly, also with a key identifier of its own making', () => {
    const ca = make('odd', [...authorityLines, 'subjectKeyIdentifier=0102030405']);
    expect(checkForeignAuthority(ca, today).subjectKeyId).toBe('0102030405');
    const request = { profile: 'server', commonName: 'node1', ipAddresses: ['127.0.0.1'], validityMs: day } as const;
    folder.write('leaf.pem', issue(ca, request, systemSources).certificate);
    const verified = folder.run('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'odd.pem', 'leaf.pem');
    expect(verified).toEqual({ status: 0, output: 'leaf.pem: OK\n' });
  });

  it('is refused without the right to sign, an intermediate, or too weak', () => {
    expect(
      refusal(make('a', ['basicConstraints=critical,CA:TRUE', 'keyUsage=digitalSignature']), today)?.message,
    ).toMatch(/may not sign certificates: its key usage is digitalSignature/);
    expect(refusal(make('b', ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign']), today)?.message).toMatch(
      /lacks cRLSign/,
    );
    make('root', authorityLines);
    expect(refusal(make('middle', authorityLines, 'root'), today)?.message).toMatch(
      /CN=middle is an intermediate authority, issued by CN=root/,
    );
    expect(refusal(make('weak', authorityLines, undefined, ['rsa:1024']), today)?.message).toMatch(
      /1024 bits is too short/,
    );
  });
});
