import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthority, encryptKey, PkiStore, systemSources } from '../../pki/mod.ts';
import { plainAuthority } from './plain-authority.ts';

let store: PkiStore;
const authority = createAuthority({ commonName: 'authority', validityMs: 3_600_000 }, systemSources);
beforeEach(() => {
  store = new PkiStore(mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-')));
});
afterEach(() => rmSync(store.directory, { recursive: true, force: true }));

const inconclusiveWith = (text: string) =>
  expect.objectContaining({ code: 'LAB_INCONCLUSIVE', message: expect.stringContaining(text) });

test('an authority whose key is here in the clear is given out', async () => {
  await store.save('client-ca', authority);
  expect(await plainAuthority(store, 'client-ca')).toEqual(authority);
});

test('one without its key leaves the drill inconclusive, and the file is named', async () => {
  await store.saveCertificate('client-ca', authority.certificate);
  await expect(plainAuthority(store, 'client-ca')).rejects.toThrow(inconclusiveWith(store.keyPath('client-ca')));
});

test('so does one whose key is encrypted', async () => {
  const key = encryptKey(createPrivateKey(authority.key), 'correct horse battery', systemSources);
  await store.save('client-ca', { ...authority, key });
  await expect(plainAuthority(store, 'client-ca')).rejects.toThrow(inconclusiveWith('is encrypted'));
});
