import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PkiStore } from './mod.ts';
import { authority, leaf } from './testing/fixtures.ts';

const ca = authority();
let folder = '';
let store: PkiStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcdlab-pki-'));
  store = new PkiStore(join(folder, 'pki'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a certificate store', () => {
  it('keeps the folder and the keys to its owner, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await store.save('server-node1', leaf(ca));
    } finally {
      process.umask(umask);
    }
    expect(mode(store.directory)).toBe('700');
    expect(mode(store.keyPath('server-node1'))).toBe('600');
    expect(mode(store.certificatePath('server-node1'))).toBe('644');
    expect(readdirSync(store.directory).sort()).toEqual(['server-node1-key.pem', 'server-node1.pem']);
  });

  it('gives back what was saved, and nothing under another name', async () => {
    const pair = leaf(ca);
    await store.save('server-node1', pair);
    expect(await store.load('server-node1')).toEqual(pair);
    expect(await store.load('server-node2')).toBeUndefined();
    expect(await store.names()).toEqual(['server-node1']);
  });

  it('is empty before anything was saved', async () => {
    expect(await store.names()).toEqual([]);
    expect(await store.loosePermissions()).toEqual([]);
  });

  it('replaces the certificate of a member', async () => {
    const renewed = leaf(ca);
    await store.save('server-node1', leaf(ca));
    await store.save('server-node1', renewed);
    expect(await store.load('server-node1')).toEqual(renewed);
  });

  it('never replaces an authority', async () => {
    await store.saveAuthority('client-ca', ca);
    await store.saveAuthority('client-ca', ca);
    await expect(store.saveAuthority('client-ca', authority())).rejects.toMatchObject({ code: 'PKI_STORE' });
    expect(await store.load('client-ca')).toEqual(ca);
  });

  it('does not take a key and a certificate that do not belong together', async () => {
    await store.save('server-node1', { ...leaf(ca), key: leaf(ca).key });
    await expect(store.load('server-node1')).rejects.toThrow(
      /server-node1-key\.pem is not the key of .*server-node1\.pem/,
    );
  });

  it('names the file that is missing or damaged', async () => {
    await store.save('a', leaf(ca));
    rmSync(store.keyPath('a'));
    await expect(store.load('a')).rejects.toThrow(/a-key\.pem is missing/);
    writeFileSync(store.keyPath('a'), 'nonsense');
    await expect(store.load('a')).rejects.toThrow(/a-key\.pem: this is not a private key/);
    writeFileSync(store.certificatePath('a'), 'nonsense');
    await expect(store.load('a')).rejects.toThrow(/a\.pem: this is not a certificate/);
  });

  it('finds keys that others may read', async () => {
    await store.save('a', leaf(ca));
    chmodSync(store.keyPath('a'), 0o640);
    chmodSync(store.directory, 0o755);
    expect(await store.loosePermissions()).toEqual([store.directory, store.keyPath('a')]);
  });
});
