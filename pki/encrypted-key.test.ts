import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encryptKey, isEncryptedKey, keyFromPem, PkiStore, systemSources } from './mod.ts';
import { authority, leaf } from './testing/fixtures.ts';
import { OpensslFolder, opensslIsMissing } from './testing/openssl.ts';

const ca = authority();
const passphrase = 'correct horse – battery';
const encrypted = encryptKey(createPrivateKey(ca.key), passphrase, systemSources);

describe('an encrypted key', () => {
  it('is opened by its passphrase only', () => {
    expect(isEncryptedKey(encrypted)).toBe(true);
    expect(isEncryptedKey(ca.key)).toBe(false);
    expect(keyFromPem(encrypted, passphrase).equals(createPrivateKey(ca.key))).toBe(true);
    expect(() => keyFromPem(encrypted, 'wrong passphrase')).toThrow(/does not open the private key/);
    expect(() => keyFromPem(encrypted)).toThrow(/encrypted, and no passphrase was given/);
  });

  it('is another text each time', () => {
    expect(encryptKey(createPrivateKey(ca.key), passphrase, systemSources)).not.toBe(encrypted);
  });

  it.each([
    ['a short passphrase', 'sevench', /must have 8 to 1,023/],
    ['a long one', 'x'.repeat(1024), /must have 8 to 1,023/],
    ['one of two lines', 'first line\nsecond', /one line/],
  ])('is not made with %s', (_, phrase, message) => {
    expect(() => encryptKey(createPrivateKey(ca.key), phrase, systemSources)).toThrow(message);
  });
});

describe('a store with an encrypted authority', () => {
  const folder = mkdtempSync(join(tmpdir(), 'etcdlab-pki-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('reads it without the passphrase, and signs with it only', async () => {
    const asked: string[] = [];
    const store = new PkiStore(join(folder, 'a'), async (name) => {
      asked.push(name);
      return passphrase;
    });
    await store.save('client-ca', { ...ca, key: encrypted });
    expect(await store.load('client-ca')).toEqual({ certificate: ca.certificate, key: encrypted });
    expect(asked).toEqual([]);
    expect(await store.loadSigner('client-ca')).toEqual(ca);
    expect(asked).toEqual(['client-ca']);
    await expect(new PkiStore(join(folder, 'a')).loadSigner('client-ca')).rejects.toMatchObject({
      code: 'PKI_PASSPHRASE',
    });
    const guessing = new PkiStore(join(folder, 'a'), async () => 'not this one');
    await expect(guessing.loadSigner('client-ca')).rejects.toMatchObject({
      code: 'PKI_PASSPHRASE',
      message: expect.stringContaining('client-ca-key.pem'),
    });
  });

  it('notices a key of another authority once it is opened', async () => {
    const store = new PkiStore(join(folder, 'b'), async () => passphrase);
    const other = encryptKey(createPrivateKey(leaf(ca).key), passphrase, systemSources);
    await store.save('client-ca', { ...ca, key: other });
    await expect(store.loadSigner('client-ca')).rejects.toMatchObject({ code: 'PKI_STORE' });
  });
});

describe.skipIf(opensslIsMissing)('openssl', () => {
  const folder = new OpensslFolder();
  afterAll(() => folder.remove());

  it('opens what is written here: scrypt and AES-256', () => {
    folder.write('key.pem', encrypted);
    writeFileSync(join(folder.path, 'pass'), passphrase);
    expect(folder.run('pkey', '-in', 'key.pem', '-passin', 'file:pass', '-noout', '-check')).toMatchObject({
      status: 0,
    });
    expect(folder.run('pkey', '-in', 'key.pem', '-passin', 'pass:wrong-one', '-noout').status).not.toBe(0);
    const structure = folder.run('asn1parse', '-in', 'key.pem').output;
    expect(structure).toMatch(/:PBES2[\s\S]+:(?:id-)?scrypt[\s\S]+:4000[\s\S]+:aes-256-cbc/);
  });

  it('writes encrypted keys that are opened here', () => {
    folder.write('plain.pem', ca.key);
    writeFileSync(join(folder.path, 'pass'), passphrase);
    const args = ['-in', 'plain.pem', '-topk8', '-v2', 'aes-128-cbc', '-passout', 'file:pass', '-out', 'theirs.pem'];
    expect(folder.run('pkcs8', ...args)).toMatchObject({ status: 0 });
    const theirs = readFileSync(join(folder.path, 'theirs.pem'), 'utf8');
    expect(keyFromPem(theirs, passphrase).equals(createPrivateKey(ca.key))).toBe(true);
  });
});
