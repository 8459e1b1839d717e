import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createAuthority,
  encryptKey,
  inspect,
  keyFromPem,
  PkiStore,
  splitPem,
  systemSources,
} from '../../../pki/mod.ts';
import type { Lab } from '../../lab/lab.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { trustedAuthorities } from '../certificates.ts';
import { openRotation } from './rotation.ts';
import {
  applyRotation,
  closeRotation,
  lostKeys,
  type RotationJournal,
  type RotationPhase,
  readRotation,
  settleRotation,
  stagedStores,
  stageRotation,
  turnBack,
  writeRotation,
} from './rotation-journal.ts';

const make = () => createAuthority({ commonName: 'ca', validityMs: 86_400_000 }, systemSources);
const [oldClient, oldPeer, newClient, newPeer] = [make(), make(), make(), make()];
const names = new Map(
  [oldClient, oldPeer, newClient, newPeer].map(({ certificate }, i) => [
    inspect(certificate).fingerprint,
    ['old client', 'old peer', 'new client', 'new peer'][i] as string,
  ]),
);

async function rotation(change: Partial<RotationJournal> = {}, keyIsLost = false) {
  const store = new PkiStore(join(scratchFolder(), 'pki'));
  await store.saveAuthority('client-ca', oldClient);
  await store.saveAuthority('peer-ca', oldPeer);
  if (keyIsLost) rmSync(store.keyPath('client-ca'));
  await stageRotation(store, new Map([['client-ca', newClient] as const, ['peer-ca', newPeer] as const]));
  const journal: RotationJournal = {
    version: 1,
    startedAt: '2026-11-20T12:00:00.000Z',
    authorities: ['client-ca', 'peer-ca'],
    phase: 'trust-both',
    undo: false,
    offline: false,
    ...change,
  };
  await writeRotation(store, journal);
  /** Who signs, then who is trusted besides it; fails if the key is not that of the signer. */
  const authorities = async (name: 'client-ca' | 'peer-ca') => {
    const pair = await store.load(name);
    return splitPem(pair?.certificate ?? '').map((pem) => names.get(inspect(pem).fingerprint));
  };
  return { store, journal, authorities };
}

describe('a rotation of authorities', () => {
  it.each<[RotationPhase, boolean, string[]]>([
    ['trust-both', false, ['old client', 'new client']],
    ['reissue', false, ['new client', 'old client']],
    ['drop-old', false, ['new client']],
    ['trust-both', true, ['new client', 'old client']],
    ['reissue', true, ['old client', 'new client']],
    ['drop-old', true, ['old client']],
  ])('in phase %s (undone: %s) has %j sign and be trusted', async (phase, undo, expected) => {
    const { store, journal, authorities } = await rotation({ phase, undo });
    // At the very end of the way back, all is as it was before the beginning.
    expect(await applyRotation(store, journal)).toBe(!(phase === 'drop-old' && undo));
    expect(await authorities('client-ca')).toEqual(expected);
    expect(await authorities('peer-ca')).toEqual(expected.map((name) => name.replace('client', 'peer')));
    expect(await applyRotation(store, journal), 'a second time').toBe(false);
  });

  it('leaves the authority alone that is not rotated', async () => {
    const { store, journal, authorities } = await rotation({ phase: 'drop-old', authorities: ['peer-ca'] });
    await applyRotation(store, journal);
    expect([await authorities('client-ca'), await authorities('peer-ca')]).toEqual([['old client'], ['new peer']]);
  });

  it('needs no restart when the other authority begins to sign: members trust the same ones', async () => {
    const { store, journal } = await rotation();
    await applyRotation(store, journal);
    const before = await trustedAuthorities(store);
    await applyRotation(store, { ...journal, phase: 'reissue' });
    expect(await trustedAuthorities(store)).toBe(before);
    await applyRotation(store, { ...journal, phase: 'drop-old' });
    expect(await trustedAuthorities(store)).not.toBe(before);
  });

  it.each<[RotationPhase, RotationPhase]>([
    ['trust-both', 'drop-old'],
    ['reissue', 'reissue'],
    ['drop-old', 'trust-both'],
  ])('is taken back from %s by way of %s', async (phase, way) => {
    const { journal } = await rotation({ phase });
    expect(turnBack(journal)).toEqual({ ...journal, phase: way, undo: true });
    expect(turnBack(turnBack(journal))).toEqual(journal);
  });

  it('is put in order whatever a crash has left of the files', async () => {
    const { store, authorities } = await rotation({ phase: 'reissue' });
    // The key was replaced, the certificate not: as they are, nothing can be signed.
    writeFileSync(store.keyPath('client-ca'), newClient.key);
    await expect(store.load('client-ca')).rejects.toMatchObject({ code: 'PKI_STORE' });
    expect(await settleRotation(store)).toMatch(/under way \(reissue\): etcdlab certs rotate-ca goes on/);
    expect(await authorities('client-ca')).toEqual(['new client', 'old client']);
  });

  it('keeps what was replaced, and ends even if it was interrupted at its end', async () => {
    const { store, journal } = await rotation({ phase: 'drop-old' });
    await applyRotation(store, journal);
    const folder = await closeRotation(store, journal);
    expect(await new PkiStore(folder).load('client-ca')).toEqual(oldClient);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await readRotation(store)).toBeUndefined();
    expect(existsSync(join(store.directory, 'rotation'))).toBe(false);
    // As if the process had ended after the folder was moved, and before the journal was removed.
    await writeRotation(store, journal);
    expect(await closeRotation(store, journal)).toBe(folder);
    expect(readdirSync(store.directory).sort()).toEqual([
      'client-ca-key.pem',
      'client-ca.pem',
      'peer-ca-key.pem',
      'peer-ca.pem',
      'retired',
    ]);
  });

  it.each(['file', 'folder'])('keeps what was replaced also when a %s has its name already', async (kind) => {
    const { store, journal } = await rotation({ phase: 'drop-old' });
    const taken = join(store.directory, 'retired', '2026-11-20T12-00-00.000Z-authorities');
    mkdirSync(kind === 'folder' ? taken : join(taken, '..'), { recursive: true });
    writeFileSync(kind === 'folder' ? join(taken, 'older') : taken, 'older');
    const folder = await closeRotation(store, journal);
    expect(folder).toBe(`${taken}-2`);
    expect(await new PkiStore(folder).load('client-ca')).toEqual(oldClient);
    expect(readFileSync(kind === 'folder' ? join(taken, 'older') : taken, 'utf8')).toBe('older');
    await writeRotation(store, journal);
    expect(await closeRotation(store, journal), 'after an interruption').toBe(folder);
  });

  it('keeps the incoming authority instead when it is taken back', async () => {
    const { store, journal } = await rotation({ phase: 'drop-old', undo: true });
    expect(await new PkiStore(await closeRotation(store, journal)).load('peer-ca')).toEqual(newPeer);
  });

  it('is refused when its journal or an authority in it is damaged, and nothing is changed', async () => {
    const { store, journal, authorities } = await rotation({ phase: 'drop-old' });
    rmSync(stagedStores(store).incoming.keyPath('client-ca'));
    await expect(applyRotation(store, journal)).rejects.toMatchObject({ code: 'LAB_PKI_REFUSED' });
    expect(await authorities('client-ca')).toEqual(['old client']);
    writeFileSync(join(store.directory, 'rotation.json'), '{');
    await expect(readRotation(store)).rejects.toThrow(/rotation\.json is damaged/);
  });
});

describe('a rotation of an authority whose key is lost', () => {
  const trusted = async (store: PkiStore) =>
    splitPem((await store.read('client-ca')).certificate ?? '').map((pem) => names.get(inspect(pem).fingerprint));

  it('has members trust both, and then the new one sign', async () => {
    const { store, journal, authorities } = await rotation({}, true);
    expect(await lostKeys(store, journal)).toEqual(['client-ca']);
    await applyRotation(store, journal);
    expect(await trusted(store)).toEqual(['old client', 'new client']);
    expect(existsSync(store.keyPath('client-ca')), 'nothing can be signed meanwhile').toBe(false);
    expect(await applyRotation(store, journal), 'a second time').toBe(false);
    await applyRotation(store, { ...journal, phase: 'reissue' });
    expect(await authorities('client-ca')).toEqual(['new client', 'old client']);
    await applyRotation(store, { ...journal, phase: 'drop-old' });
    expect(await authorities('client-ca')).toEqual(['new client']);
    const retired = new PkiStore(await closeRotation(store, journal));
    expect(await retired.read('client-ca')).toEqual({ certificate: oldClient.certificate, key: undefined });
  });

  it('is taken back as long as no certificate was issued anew', async () => {
    const { store, journal } = await rotation({}, true);
    await applyRotation(store, journal);
    await applyRotation(store, turnBack(journal));
    expect(await trusted(store)).toEqual(['old client']);
  });

  it.each<[string, RotationPhase, string]>([
    ['as it was', 'trust-both', oldClient.key],
    ['encrypted', 'trust-both', encryptKey(keyFromPem(oldClient.key), 'correct horse', systemSources)],
    ['late', 'reissue', oldClient.key],
  ])('keeps the key when it is put back %s', async (_, phase, key) => {
    const { store, journal, authorities } = await rotation({ phase }, true);
    await applyRotation(store, journal);
    writeFileSync(store.keyPath('client-ca'), key);
    await applyRotation(store, journal);
    expect(await applyRotation(store, journal), 'a second time').toBe(false);
    expect(await lostKeys(store, journal), 'there is a way back').toEqual([]);
    await applyRotation(store, { ...journal, phase: 'drop-old' });
    expect(await authorities('client-ca')).toEqual(['new client']);
    const retired = new PkiStore(await closeRotation(store, journal));
    expect(await retired.load('client-ca')).toEqual({ certificate: oldClient.certificate, key });
  });

  it('takes no other key for the one that was lost', async () => {
    const { store, journal } = await rotation({}, true);
    writeFileSync(store.keyPath('client-ca'), newPeer.key);
    await applyRotation(store, journal);
    expect(await lostKeys(store, journal)).toEqual(['client-ca']);
  });

  it('cannot be taken back later: nobody could issue the certificates of before', async () => {
    const { store, journal } = await rotation({ phase: 'reissue' }, true);
    await applyRotation(store, journal);
    const lab = {} as Lab;
    const undoing = openRotation({ lab, store, sources: systemSources, names: [], undo: true });
    await expect(undoing).rejects.toMatchObject({
      code: 'LAB_PKI_REFUSED',
      message: expect.stringContaining('the key of the authority client-ca of before is lost'),
    });
    expect(await readRotation(store), 'it is where it was').toEqual(journal);
  });
});
