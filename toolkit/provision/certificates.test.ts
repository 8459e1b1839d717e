import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect, PkiStore, parseRevocationList, type Sources, systemSources } from '../../pki/mod.ts';
import { localNode } from '../lab/nodes.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { listCertificates } from './certificate-list.ts';
import {
  applyPki,
  type CertificateSettings,
  certifiedUsers,
  issueAll,
  planPki,
  wantedCertificates,
} from './certificates.ts';
import { deployPki } from './deploy-certificates.ts';
import { olderCertificates } from './older-certificates.ts';
import { updateRevocationList } from './revocation-lists.ts';

const day = 86_400_000;
const start = new Date('2026-11-20T12:00:00Z');
const at = (days: number): Sources => ({ ...systemSources, now: () => new Date(start.getTime() + days * day) });
const settings: CertificateSettings = {
  algorithm: 'ecdsa-p256',
  authorityValidity: 365 * day,
  validity: 30 * day,
  backdate: 300_000,
};

/** A lab of three nodes, and its certificates as `up` makes them. */
function lab() {
  const folder = scratchFolder();
  const nodes = ['node1', 'node2', 'node3'].map((name) =>
    localNode({ name, address: '127.0.0.2', clientPort: 1, peerPort: 2 }, join(folder, 'hosts')),
  );
  const store = new PkiStore(join(folder, 'pki'));
  const plan = (sources = at(0), changed = settings) => planPki(store, nodes, changed, sources.now());
  const up = async (sources = at(0), changed = settings) => {
    const planned = await plan(sources, changed);
    await applyPki(store, planned, changed, sources);
    return planned.toIssue.map(({ wanted, reason }) => `${wanted.name} ${reason}`);
  };
  return { nodes, store, plan, up };
}

describe('the certificates of a lab', () => {
  it('are two for each member and one for the administrator, of two authorities', async () => {
    const { up, store } = lab();
    await up();
    expect(await store.names()).toEqual([
      'client-admin',
      'client-ca',
      'peer-ca',
      'peer-node1',
      'peer-node2',
      'peer-node3',
      'server-node1',
      'server-node2',
      'server-node3',
    ]);
    const facts = async (name: string) => inspect((await store.read(name)).certificate ?? '');
    expect(await facts('server-node2')).toMatchObject({
      commonName: 'node2',
      dnsNames: ['localhost', 'node2'],
      ipAddresses: ['127.0.0.1', '127.0.0.2'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      issuer: 'O=etcdlab, CN=etcdlab client authority',
    });
    expect((await facts('peer-node2')).issuer).toBe('O=etcdlab, CN=etcdlab peer authority');
    expect(await facts('client-admin')).toMatchObject({ commonName: 'root', extendedKeyUsage: ['clientAuth'] });
  });

  it('are left alone while they will do', async () => {
    const { up } = lab();
    await up();
    expect(await up()).toEqual([]);
    expect(await up(at(19))).toEqual([]);
  });

  it('are renewed when a third of their life is left, by the same authority', async () => {
    const { up, store } = lab();
    await up();
    const before = await store.read('client-ca');
    expect(await up(at(21))).toHaveLength(7);
    expect(await store.read('client-ca')).toEqual(before);
    expect(await up(at(21))).toEqual([]);
  });

  it('are not renewed over and over when the authority itself is near its end', async () => {
    const { up } = lab();
    await up();
    await up(at(340));
    expect(await up(at(362))).toEqual([]);
  });

  it('are issued again when they are missing, damaged, mismatched or of another authority', async () => {
    const { up, store } = lab();
    const other = lab();
    await up();
    await other.up();
    rmSync(store.certificatePath('server-node1'));
    writeFileSync(store.certificatePath('peer-node1'), 'damaged');
    writeFileSync(store.keyPath('server-node2'), readFileSync(store.keyPath('server-node3')));
    for (const path of ['certificatePath', 'keyPath'] as const) {
      writeFileSync(store[path]('peer-node3'), readFileSync(other.store[path]('peer-node3')));
    }
    const issued = await up();
    expect(issued.slice(0, 3)).toEqual(['server-node1 is missing', 'peer-node1 is missing', 'server-node2 is missing']);
    expect(issued.slice(3)).toEqual([expect.stringMatching(/^peer-node3 signed by .* but trusted: /)]);
    expect(await up()).toEqual([]);
  });

  it('are issued again when the description asks for another algorithm', async () => {
    const { up } = lab();
    await up();
    const [first] = await up(at(0), { ...settings, algorithm: 'ecdsa-p384' });
    expect(first).toBe('server-node1 has a key of ecdsa-p256, not ecdsa-p384');
  });

  it('are refused, and nothing is changed, when an authority is damaged or has expired', async () => {
    const { up, store } = lab();
    await up();
    await expect(up(at(366))).rejects.toMatchObject({ code: 'LAB_PKI_REFUSED', exitCode: 3 });
    rmSync(store.keyPath('client-ca'));
    const before = readdirSync(store.directory);
    await expect(up()).rejects.toThrow(/client-ca-key\.pem is missing/);
    expect(readdirSync(store.directory)).toEqual(before);
  });

  it('go on from a key whose authority was not yet written', async () => {
    const { up, store } = lab();
    await up();
    const key = readFileSync(store.keyPath('client-ca'), 'utf8');
    rmSync(store.certificatePath('client-ca'));
    await up();
    expect(readFileSync(store.keyPath('client-ca'), 'utf8')).toBe(key);
    expect(await up()).toEqual([]);
  });
});

describe('certificates that live for minutes', () => {
  it('are not due as soon as they are issued, though they were valid for longer before', async () => {
    const { up, store } = lab();
    const short = { ...settings, validity: 120_000 };
    await up(at(0), short);
    const { notBefore, notAfter } = inspect((await store.read('client-admin')).certificate ?? '');
    expect([notBefore, notAfter]).toEqual([new Date(start.getTime() - 300_000), new Date(start.getTime() + 120_000)]);
    const seconds = (count: number): Sources => ({
      ...systemSources,
      now: () => new Date(start.getTime() + count * 1000),
    });
    expect(await up(seconds(79), short)).toEqual([]);
    expect(await up(seconds(81), short)).toHaveLength(7);
  });

  it('are valid from as far back as the description says', async () => {
    const { up, store } = lab();
    await up(at(0), { ...settings, backdate: 3_600_000 });
    for (const name of ['client-admin', 'peer-ca']) {
      const { notBefore } = inspect((await store.read(name)).certificate ?? '');
      expect(notBefore).toEqual(new Date(start.getTime() - 3_600_000));
    }
  });
});

describe('the names of a node', () => {
  it('are those that it is dialled by and that its own connections come from, however they are spelt', async () => {
    const alternativeNames = ['etcd.example.org', 'FD00:0:0::0001', '10.0.2.15', 'node1'];
    const node = localNode({ name: 'node1', address: '127.0.0.2', clientPort: 1, peerPort: 2, alternativeNames }, '/x');
    const store = new PkiStore(join(scratchFolder(), 'pki'));
    const plan = () => planPki(store, [node], settings, start);
    await applyPki(store, await plan(), settings, at(0));
    expect(inspect((await store.read('peer-node1')).certificate ?? '')).toMatchObject({
      dnsNames: ['localhost', 'node1', 'etcd.example.org'],
      ipAddresses: ['127.0.0.1', '127.0.0.2', 'fd00::1', '10.0.2.15'],
    });
    expect((await plan()).toIssue).toEqual([]);
  });
});

describe('an authority', () => {
  it('may be RSA while its certificates are not', async () => {
    const { up, store } = lab();
    await up(at(0), { ...settings, authorityAlgorithm: 'rsa-2048' });
    expect(inspect((await store.read('client-ca')).certificate ?? '').algorithm).toBe('rsa-2048');
    expect(inspect((await store.read('client-admin')).certificate ?? '').algorithm).toBe('ecdsa-p256');
  });
});

describe('a revoked certificate', () => {
  const now = at(0);
  const revoke = async (store: PkiStore, name: string) => {
    const { serial } = inspect((await store.read(name)).certificate ?? '');
    await updateRevocationList(store, 'client-ca', [{ serial, revokedAt: now.now(), reason: 'superseded' }], now);
    return serial;
  };

  it('is issued again, and stays on the list of its authority', async () => {
    const { up, store, nodes } = lab();
    await up();
    const serial = await revoke(store, 'client-admin');
    const listing = await listCertificates(store, nodes, settings, now.now());
    expect(listing.at(-1)).toMatchObject({
      name: 'client-admin',
      status: 'unusable',
      reason: expect.stringMatching(/^revoked at/),
    });
    expect(await up()).toEqual([`client-admin revoked at ${start.toISOString()} (superseded)`]);
    expect(await up()).toEqual([]);
    const list = parseRevocationList((await store.readRevocationList('client-ca')) as Buffer);
    expect(list).toMatchObject({ number: 2n, entries: [{ serial }] });
  });

  it('is on the list once, however often it is revoked', async () => {
    const { up, store } = lab();
    await up();
    await revoke(store, 'server-node1');
    await revoke(store, 'server-node1');
    const list = parseRevocationList((await store.readRevocationList('client-ca')) as Buffer);
    expect(list.entries).toHaveLength(1);
    expect(list.number).toBe(3n);
  });

  it('is not forgotten when the list is damaged: that is refused', async () => {
    const { up, store } = lab();
    await up();
    await revoke(store, 'client-admin');
    const path = store.revocationListPath('client-ca');
    writeFileSync(path, readFileSync(path).subarray(0, 40));
    await expect(up()).rejects.toMatchObject({ code: 'LAB_PKI_REFUSED' });
    expect(statSync(path).size).toBe(40);
  });
});

describe('a user with a certificate of his own', () => {
  it('is found in the folder, and his certificate is renewed with the others', async () => {
    const { up, store, nodes } = lab();
    await up();
    await issueAll(store, wantedCertificates([], settings, ['alice']).slice(-1), at(0));
    expect(await certifiedUsers(store)).toEqual(['alice']);
    expect(await up()).toEqual([]);
    expect(await up(at(25))).toContain('client-alice expires at 2026-12-20T12:00:00.000Z');
    const listing = await listCertificates(store, nodes, settings, at(25).now());
    expect(listing.at(-1)).toMatchObject({ name: 'client-alice', status: 'ok' });
  });

  it('keeps the certificates before the present one until they expire, and the newest twenty keys', async () => {
    const { up, store } = lab();
    await up();
    const wanted = wantedCertificates([], settings).slice(-1);
    const first = await store.load('client-admin');
    await issueAll(store, wanted, at(0));
    const retired = join(store.directory, 'retired');
    const [folder = ''] = readdirSync(retired);
    expect(await new PkiStore(join(retired, folder)).load('client-admin')).toEqual(first);
    for (let n = 0; n < 25; n++) await issueAll(store, wanted, at(0));
    const keys = () =>
      readdirSync(retired)
        .flatMap((set) => readdirSync(join(retired, set)))
        .filter((f) => /-key/.test(f));
    expect([readdirSync(retired).length, keys().length]).toEqual([26, 20]);
    expect((await olderCertificates(store, start)).map(({ name }) => name)).toEqual(Array(26).fill('client-admin'));
    expect(await olderCertificates(store, at(31).now())).toEqual([]);
    await issueAll(store, wanted, at(31));
    expect([readdirSync(retired).length, keys().length]).toEqual([20, 20]);
  });
});

describe('deploying certificates', () => {
  it('brings a member its own keys and the authorities, and no key of an authority', async () => {
    const { up, store, nodes } = lab();
    await up();
    const [node] = nodes as [(typeof nodes)[number]];
    expect(await deployPki(store, node)).toHaveLength(8);
    expect(readdirSync(node.paths.pki)).toEqual([
      'client-ca.crl',
      'client-ca.pem',
      'peer-ca.crl',
      'peer-ca.pem',
      'peer-key.pem',
      'peer.pem',
      'server-key.pem',
      'server.pem',
    ]);
    expect(statSync(join(node.paths.pki, 'server-key.pem')).mode & 0o777).toBe(0o600);
    for (const authority of ['client-ca', 'peer-ca']) {
      const { key = '' } = await store.read(authority);
      for (const file of readdirSync(node.paths.pki)) {
        expect(readFileSync(join(node.paths.pki, file), 'utf8')).not.toContain(key.trim());
      }
    }
  });

  it('writes only what has changed', async () => {
    const { up, store, nodes } = lab();
    await up();
    const [node] = nodes as [(typeof nodes)[number]];
    await deployPki(store, node);
    rmSync(store.certificatePath('peer-node1'));
    await up();
    expect((await deployPki(store, node)).map((path) => path.split('/').at(-1))).toEqual(['peer-key.pem', 'peer.pem']);
    expect(await deployPki(store, node)).toEqual([]);
  });
});

describe('the list of certificates', () => {
  it('says which are fine, which are renewed next, and which cannot be used', async () => {
    const { up, store, nodes } = lab();
    await up();
    const states = async (days: number) =>
      (await listCertificates(store, nodes, settings, at(days).now())).map(({ name, status }) => `${name} ${status}`);
    expect(new Set((await states(0)).map((line) => line.split(' ')[1]))).toEqual(new Set(['ok']));
    expect((await states(25)).slice(0, 3)).toEqual(['client-ca ok', 'peer-ca ok', 'server-node1 renew']);
    expect((await states(31))[2]).toBe('server-node1 unusable');
    rmSync(store.certificatePath('client-admin'));
    expect((await states(0)).at(-1)).toBe('client-admin unusable');
  });
});
