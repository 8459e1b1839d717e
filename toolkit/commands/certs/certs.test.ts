/** The verbs of `certs` on a lab whose members are stopped: everything but the live sockets. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createAuthority,
  inspect,
  issue,
  PkiStore,
  parseRevocationList,
  splitPem,
  systemSources,
  verify,
} from '../../../pki/mod.ts';
import { opensslIsMissing } from '../../../pki/testing/openssl.ts';
import { parseConfig } from '../../lab/config-file.ts';
import { Lab } from '../../lab/lab.ts';
import { main } from '../../main.ts';
import { applyPki, planPki } from '../../provision/certificates.ts';
import { deployPki } from '../../provision/deploy-certificates.ts';
import { configureMember } from '../../provision/members.ts';
import { nextState } from '../../provision/up.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import type { CliIo } from '../cli.ts';

async function stoppedLab() {
  const folder = scratchFolder();
  const engine = join(folder, 'engine');
  mkdirSync(engine);
  for (const name of ['etcd', 'etcdctl', 'etcdutl']) writeFileSync(join(engine, name), '', { mode: 0o700 });
  // Ports that nobody listens on.
  const nodes = [1, 2, 3].map((n) => `  - { name: node${n}, clientPort: ${2 * n}, peerPort: ${2 * n + 1} }\n`);
  const yaml = `engine: { kind: upstream, path: ${engine} }\nnodes:\n${nodes.join('')}`;
  writeFileSync(join(folder, 'lab.yaml'), yaml);
  const config = parseConfig(yaml, 'lab.yaml', folder);
  const lab = await Lab.save(join(folder, '.etcdlab'), nextState(undefined, config));
  const store = new PkiStore(lab.paths.pki);
  await applyPki(
    store,
    await planPki(store, lab.nodes, config.certificates, new Date()),
    config.certificates,
    systemSources,
  );
  for (const node of lab.nodes) {
    await deployPki(store, node);
    await configureMember(lab, node.name);
  }
  return {
    folder,
    lab,
    store,
    run: (...args: string[]) => run(folder, args),
    json: (...args: string[]) => json(folder, args),
  };
}

async function run(folder: string, args: readonly string[], environment: Record<string, string> = {}) {
  const written = { stdout: '', stderr: '' };
  const io: CliIo = {
    stdin: process.stdin,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    environment,
    workingDirectory: folder,
  };
  const exitCode = await main(['certs', ...args], undefined, io);
  return { exitCode, ...written };
}

/** @returns the value of a listing, or the last event @throws Error unless the command succeeds */
async function json(folder: string, args: readonly string[]) {
  const { exitCode, stdout, stderr } = await run(folder, [...args, '--json']);
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${exitCode}\n${stdout}${stderr}`);
  return stdout.startsWith('[') ? JSON.parse(stdout) : JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
}

/** Sentences as they are before they are broken to the width of a terminal. */
const unwrapped = (text: string) => text.replaceAll('\n    ', ' ');

const serialOf = async (store: PkiStore, name: string) => inspect((await store.read(name)).certificate ?? '').serial;

describe('looking at certificates', () => {
  it('lists them with days left, within 80 columns', async () => {
    const { run, json } = await stoppedLab();
    const { exitCode, stdout } = await run('list');
    expect(exitCode).toBe(0);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const listing = (await json('list')) as { name: string; daysLeft: number }[];
    expect(listing.map(({ name, daysLeft }) => `${name} ${daysLeft}`)).toEqual(
      expect.arrayContaining(['client-ca 364', 'server-node1 29', 'client-admin 29']),
    );
  });

  it('tells monitoring by the exit code whether something is due, or broken', async () => {
    const { run, store } = await stoppedLab();
    expect((await run('check', '--no-sockets')).exitCode).toBe(0);
    const due = await run('check', '--no-sockets', '--within', '60d');
    expect([due.exitCode, due.stdout]).toEqual([
      4,
      expect.stringMatching(/\n\ntry: etcdlab certs renew --within 60d\n$/),
    ]);
    const live = await run('check');
    expect([live.exitCode, unwrapped(live.stdout)]).toEqual([
      1,
      expect.stringMatching(/^node1 client port: nothing listens on 127\.0\.0\.1:2$/m),
    ]);
    writeFileSync(store.certificatePath('peer-node2'), 'nonsense');
    const { exitCode, stdout } = await run('check', '--no-sockets');
    expect(exitCode).toBe(1);
    expect(unwrapped(stdout)).toMatch(/^peer-node2: .*peer-node2\.pem: this is not a certificate/m);
    expect(unwrapped(stdout)).toMatch(/^node2 files: not those of the lab: .*peer\.pem/m);
  });

  it('tells of every damaged file, and of all the rest', async () => {
    const { run, store } = await stoppedLab();
    for (const path of [
      store.certificatePath('peer-ca'),
      store.keyPath('server-node1'),
      store.revocationListPath('client-ca'),
    ]) {
      writeFileSync(path, 'nonsense');
    }
    const { exitCode, stdout } = await run('check');
    expect(exitCode).toBe(1);
    expect(unwrapped(stdout)).toMatch(/^peer-ca: .*peer-ca\.pem: this is not a certificate/m);
    expect(unwrapped(stdout)).toMatch(/^peer-node1: its authority peer-ca is unusable/m);
    expect(unwrapped(stdout)).toMatch(/^server-node1: .*server-node1-key\.pem: this is not a private key/m);
    expect(unwrapped(stdout)).toMatch(/^client-ca revocation list: .*client-ca\.crl: this is not a revocation list/m);
    expect(stdout).toMatch(/^client-admin +ok/m);
  });

  it('finds keys that others may read', async () => {
    const { run, store } = await stoppedLab();
    spawnSync('chmod', ['644', store.keyPath('peer-ca')]);
    const { exitCode, stdout } = await run('check', '--no-sockets');
    expect(exitCode).toBe(1);
    expect(unwrapped(stdout)).toMatch(/^permissions: others than the owner may read .*peer-ca-key\.pem/m);
  });

  it('shows all that one says, of the lab or of a file', async () => {
    const { run, store, folder } = await stoppedLab();
    const { stdout } = await run('inspect', 'server-node1');
    expect(stdout).toMatch(/^subject +O=etcdlab, CN=node1$/m);
    expect(stdout).toMatch(/^extended usage +serverAuth clientAuth$/m);
    expect(stdout).toMatch(/^addresses +127\.0\.0\.1$/m);
    const bundle =
      readFileSync(store.certificatePath('client-ca'), 'utf8') + readFileSync(store.certificatePath('peer-ca'), 'utf8');
    writeFileSync(join(folder, 'bundle.pem'), bundle);
    expect((await run('inspect', 'bundle.pem')).stdout.match(/^authority +yes$/gm)).toHaveLength(2);
    expect(await run('inspect', 'nobody')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/neither a certificate/),
    });
    writeFileSync(join(folder, 'damaged.pem'), bundle.slice(0, 300));
    expect((await run('inspect', 'damaged.pem')).stderr).toMatch(/line 1: BEGIN CERTIFICATE has no END \(PKI_PEM\)/);
  });

  it('says whether they would be accepted, and why not', async () => {
    const { run, store } = await stoppedLab();
    const all = await run('verify');
    expect([all.exitCode, all.stdout.match(/would be accepted/g)?.length]).toEqual([0, 7]);
    expect((await run('verify', 'server-node1', '--host', '10.0.2.15')).stdout).toMatch(
      /server-node1: refused: dialled 10\.0\.2\.15, but it is valid for/,
    );
    expect((await run('verify', 'client-admin', '--as', 'server')).stdout).toMatch(/serverAuth needed/);
    const peers = await run('verify', 'server-node1', '--ca', store.certificatePath('peer-ca'));
    expect([peers.exitCode, peers.stdout]).toEqual([1, expect.stringMatching(/signed by O=etcdlab,/)]);
  });
});

describe('changing certificates', () => {
  it('renews those that are due, or those that are named, and brings them to the hosts', async () => {
    const { run, json, store, lab } = await stoppedLab();
    expect((await run('renew')).stdout).toMatch(/Nothing is due: nothing changed/);
    const before = await serialOf(store, 'server-node1');
    expect(await json('renew', 'server-node1')).toMatchObject({ changed: true, issued: ['server-node1'] });
    const after = await serialOf(store, 'server-node1');
    expect(after).not.toBe(before);
    expect(inspect(readFileSync(join(lab.nodes[0]?.paths.pki ?? '', 'server.pem'))).serial).toBe(after);
    expect((await json('renew', 'node2')).issued).toEqual(['server-node2', 'peer-node2']);
    expect((await json('renew', '--all')).issued).toHaveLength(7);
    expect((await json('renew', '--within', '60d')).issued).toHaveLength(7);
  });

  it.each([
    [['renew', 'nobody'], 2, /there is no certificate 'nobody'; there are server-node1/],
    [['renew', 'node1-server'], 2, /'node1-server' \(did you mean server-node1\?\); there are/],
    [['revoke', 'node1', '--yes'], 2, /\(did you mean server-node1 or peer-node1\?\)/],
    [['inspect', 'node1-server'], 2, /nor a file \(did you mean server-node1\?\)/],
    [['renew', 'peer-ca'], 3, /peer-ca is an authority[\s\S]*rotate-ca peer-ca/],
    [['revoke', 'client-ca', '--yes'], 3, /client-ca is an authority[\s\S]*--offline/],
    [['revoke', 'nobody', '--yes'], 2, /there is no certificate 'nobody'/],
    [['revoke', 'client-admin'], 3, /must be confirmed[\s\S]*revoke client-admin --yes/],
    [['rotate-ca', 'my-ca'], 2, /there is no authority 'my-ca'/],
    [['rotate-ca', '--offline'], 3, /must be confirmed/],
    [['rotate-ca', '--offline', '--undo'], 2, /goes with neither/],
    [['issue', '../x'], 2, /cannot be the name/],
    [['issue', 'admin'], 2, /that is the administrator's/],
    [['renew', '--within', 'soon'], 2, /use a number and a unit/],
  ] as const)('%j is refused', async (args, exitCode, message) => {
    const { run, lab } = await stoppedLab();
    const files = readdirSync(lab.paths.pki);
    expect(await run(...args)).toMatchObject({ exitCode, stderr: expect.stringMatching(message) });
    expect(readdirSync(lab.paths.pki)).toEqual(files);
  });

  it('issues one for a user, once, and exports it with the authority to trust', async () => {
    const { run, json, store, folder } = await stoppedLab();
    await json('issue', 'alice');
    expect((await run('issue', 'alice')).stderr).toMatch(/is there already/);
    await json('export', 'client-alice', '--out', 'handed');
    const [ca, certificate, key] = ['ca.pem', 'client-alice.pem', 'client-alice-key.pem'].map((file) =>
      readFileSync(join(folder, 'handed', file), 'utf8'),
    ) as [string, string, string];
    expect(verify({ certificate, key, authorities: [ca], at: new Date(), purpose: 'clientAuth' })).toEqual([]);
    expect(inspect(certificate).commonName).toBe('alice');
    expect(statSync(join(folder, 'handed', 'client-alice-key.pem')).mode & 0o777).toBe(0o600);
    expect(await run('export', 'client-alice', '--out', 'handed')).toMatchObject({ exitCode: 1 });
    expect((await run('export', 'client-ca', '--out', 'x')).stderr).toMatch(/there is no certificate 'client-ca'/);
    expect(await store.names()).toContain('client-alice');
  });

  it.skipIf(opensslIsMissing)(
    'exports a PKCS #12 file that openssl opens, without its passphrase on a command line',
    async () => {
      const { folder } = await stoppedLab();
      const environment = { ETCDLAB_P12_PASSPHRASE: 'a passphrase' };
      const exported = await run(folder, ['export', 'client-admin', '--out', 'p12', '--p12'], environment);
      expect(exported).toMatchObject({ exitCode: 0 });
      const file = join(folder, 'p12', 'client-admin.p12');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const args = ['pkcs12', '-in', file, '-nodes', '-passin', 'pass:a passphrase'];
      const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
      expect(splitPem(stdout)).toHaveLength(2);
      expect(stdout).toMatch(/BEGIN PRIVATE KEY/);
      expect((await run(folder, ['export', 'client-admin', '--out', 'q', '--p12'])).stderr).toMatch(/LAB_PASSPHRASE/);
    },
  );

  it('revokes a user for good, and replaces what members and the administrator need', async () => {
    const { json, store } = await stoppedLab();
    await json('issue', 'alice');
    const [alice, admin] = [await serialOf(store, 'client-alice'), await serialOf(store, 'client-admin')];
    expect(await json('revoke', 'client-alice', '--yes', '--reason', 'keyCompromise')).toMatchObject({
      serials: [alice],
    });
    await json('revoke', 'client-admin', '--yes');
    await json('revoke', 'AB:CD', '--yes');
    expect(await store.names()).not.toContain('client-alice');
    expect(await serialOf(store, 'client-admin')).not.toBe(admin);
    const list = parseRevocationList((await store.readRevocationList('client-ca')) as Buffer);
    expect(list.entries.map(({ serial, reason }) => `${serial} ${reason}`)).toEqual([
      `${alice} keyCompromise`,
      `${admin} unspecified`,
      'ABCD unspecified',
    ]);
    expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
  });

  it('revokes the older certificates of a name with the present one, and nobody else’s', async () => {
    const { json, run, store } = await stoppedLab();
    await json('issue', 'bob');
    const first = await serialOf(store, 'client-bob');
    await json('renew', '--all');
    const second = await serialOf(store, 'client-bob');
    await json('renew', 'client-bob');
    const third = await serialOf(store, 'client-bob');
    const bobs = [third, second, first];
    const older = async () =>
      ((await json('list', '--older')) as { name: string; serial: string }[])
        .filter(({ name }) => name === 'client-bob')
        .map(({ serial }) => serial);
    expect(await older()).toEqual([second, first]);
    expect((await run('list')).stdout).toContain('\n9 older ones are still accepted: etcdlab certs list --older');
    expect((await run('list', '--older')).stdout).toMatch(new RegExp(`^client-bob +${first} +\\d{4}-`, 'm'));
    expect((await run('revoke', 'client-bob')).stderr).toContain(`(serial ${bobs.join(', ')})`);
    expect((await run('revoke', 'client-bob', '--yes')).stdout).toContain(`\n${bobs.join(', ')} are revoked.`);
    const list = parseRevocationList((await store.readRevocationList('client-ca')) as Buffer);
    expect(list.entries.map(({ serial }) => serial)).toEqual(bobs);
    expect(await older()).toEqual([]);
    expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
  });

  it('revokes what is left of a name that is gone, and then knows it no more', async () => {
    const { json, run, store } = await stoppedLab();
    await json('issue', 'bob');
    const first = await serialOf(store, 'client-bob');
    await store.retire(['client-bob'], new Date());
    await store.remove('client-bob');
    expect(await json('revoke', 'client-bob', '--yes')).toMatchObject({ serials: [first] });
    expect((await run('revoke', 'client-bob', '--yes')).stderr).toMatch(/there is no certificate 'client-bob'/);
  });

  it('revokes an older one alone by its serial number, on the list of its authority', async () => {
    const { json, store } = await stoppedLab();
    const old = await serialOf(store, 'peer-node1');
    await json('renew', 'peer-node1');
    const present = await serialOf(store, 'peer-node1');
    expect(await json('revoke', old, '--yes')).toMatchObject({ serials: [old], authority: 'peer-ca' });
    expect(await serialOf(store, 'peer-node1')).toBe(present);
    const list = parseRevocationList((await store.readRevocationList('peer-ca')) as Buffer);
    expect(list.entries.map(({ serial }) => serial)).toEqual([old]);
  });

  it('has nothing to do with certificates of an authority that is trusted no more', async () => {
    const { json } = await stoppedLab();
    await json('rotate-ca');
    expect(await json('list', '--older')).toEqual([]);
  });

  it('goes on with a revocation that was interrupted, instead of revoking the successor', async () => {
    const { json, store } = await stoppedLab();
    const admin = await serialOf(store, 'client-admin');
    await json('revoke', 'client-admin', '--yes');
    const successor = await serialOf(store, 'client-admin');
    writeFileSync(
      join(store.directory, 'revoking.json'),
      JSON.stringify({ subject: 'client-admin', serials: [admin] }),
    );
    expect(await json('revoke', 'client-admin', '--yes')).toMatchObject({ serials: [admin] });
    expect(await serialOf(store, 'client-admin')).toBe(successor);
    expect(readdirSync(store.directory)).not.toContain('revoking.json');
  });
});

describe('authorities', () => {
  it('are rotated without a restart while nothing runs, and one alone if it is named', async () => {
    const { json, store } = await stoppedLab();
    const [clients, peers] = [await serialOf(store, 'client-ca'), await serialOf(store, 'peer-ca')];
    expect(await json('rotate-ca', 'peer-ca')).toMatchObject({ complete: true, restarted: [] });
    expect(await serialOf(store, 'client-ca')).toBe(clients);
    expect(await serialOf(store, 'peer-ca')).not.toBe(peers);
    expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
    expect(await json('check', '--no-sockets')).toBeDefined();
  });

  it('are rotated phase by phase, and the rotation is taken back from any of them', async () => {
    const { json, run, store } = await stoppedLab();
    const signer = async () => inspect((await store.read('client-ca')).certificate ?? '').serial;
    const trusted = async () => splitPem((await store.read('client-ca')).certificate ?? '').length;
    const before = await signer();
    for (const phase of ['trust-both', 'reissue']) {
      expect(await json('rotate-ca', '--until', phase)).toMatchObject({ complete: false });
      expect([await signer(), await trusted()]).toEqual([
        phase === 'reissue' ? expect.not.stringMatching(before) : before,
        2,
      ]);
      expect((await run('check', '--no-sockets')).exitCode, 'something is under way').toBe(4);
      expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
      const again = await run('import-ca', 'client-ca', '--cert', 'none.pem', '--key', 'none.pem');
      expect(again.exitCode).toBe(1);
      expect(await json('rotate-ca', '--undo')).toMatchObject({ complete: true });
      expect([await signer(), await trusted()]).toEqual([before, 1]);
      expect((await run('check', '--no-sockets')).exitCode).toBe(0);
    }
    expect(await run('rotate-ca', '--undo')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/nothing to undo/),
    });
    await json('rotate-ca', '--until', 'reissue');
    expect((await run('rotate-ca', '--until', 'trust-both')).stderr).toMatch(/is beyond trust-both/);
    expect(await json('rotate-ca')).toMatchObject({ complete: true });
    expect(await signer()).not.toBe(before);
  });

  it('that have expired are not rotated while members run on, and the way out is named', async () => {
    const { run, store } = await stoppedLab();
    const past = { ...systemSources, now: () => new Date(Date.now() - 3 * 86_400_000) };
    await store.save('client-ca', createAuthority({ commonName: 'ca', validityMs: 86_400_000 }, past));
    const { exitCode, stderr } = await run('rotate-ca');
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/has expired[\s\S]*rotate-ca --offline/)]);
    expect((await run('list')).stdout).toMatch(/^client-ca +unusable +expired/m);
  });

  it('have keys that are encrypted, changed and decrypted, and sign only with the passphrase', async () => {
    const { json, run, store, folder } = await stoppedLab();
    for (const [file, text] of [
      ['first', 'a first passphrase\n'],
      ['second', 'another passphrase\n'],
    ] as const) {
      writeFileSync(join(folder, file), text, { mode: 0o600 });
    }
    const using = (file: string) => ['--ca-passphrase-file', join(folder, file)];
    await json('protect-ca', '--new-passphrase-file', join(folder, 'first'));
    expect((await store.read('peer-ca')).key).toMatch(/BEGIN ENCRYPTED PRIVATE KEY/);
    const admin = await serialOf(store, 'client-admin');
    const files = readdirSync(store.directory);
    expect(await run('renew', '--all')).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/LAB_PASSPHRASE/) });
    expect((await run('renew', '--all', ...using('second'))).stderr).toMatch(/does not open the private key/);
    expect([await serialOf(store, 'client-admin'), readdirSync(store.directory)]).toEqual([admin, files]);
    await json('protect-ca', '--new-passphrase-file', join(folder, 'second'), ...using('first'));
    await json('rotate-ca', 'client-ca', ...using('second'));
    expect((await store.read('client-ca')).key).toMatch(/BEGIN ENCRYPTED PRIVATE KEY/);
    await json('protect-ca', '--remove', ...using('second'));
    for (const name of ['client-ca', 'peer-ca']) expect((await store.load(name))?.key).toMatch(/BEGIN PRIVATE KEY/);
    expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
  });

  it('made elsewhere are taken before the first up', async () => {
    const folder = scratchFolder();
    const request = { commonName: 'house authority', algorithm: 'rsa-2048', validityMs: 86_400_000 } as const;
    const ca = createAuthority(request, systemSources);
    writeFileSync(join(folder, 'house.pem'), ca.certificate);
    writeFileSync(join(folder, 'house-key.pem'), ca.key);
    const files = ['--cert', 'house.pem', '--key', 'house-key.pem'];
    expect(await run(folder, ['import-ca', 'client-ca', ...files])).toMatchObject({ exitCode: 0 });
    const store = new PkiStore(join(folder, '.etcdlab/lab/pki'));
    expect(await store.load('client-ca')).toEqual(ca);
    const both = await run(folder, ['import-ca', 'peer-ca', ...files]);
    expect([both.exitCode, both.stderr]).toEqual([3, expect.stringMatching(/any client could join as a peer/)]);
    const leaf = issue(ca, { profile: 'client', commonName: 'x', validityMs: 60_000 }, systemSources);
    writeFileSync(join(folder, 'leaf.pem'), leaf.certificate);
    const wrong = await run(folder, ['import-ca', 'peer-ca', '--cert', 'leaf.pem', '--key', 'house-key.pem']);
    expect(wrong.stderr).toMatch(/may not sign certificates/);
  });

  it('made elsewhere take the place of those there are, by a rotation', async () => {
    const { json, store, folder } = await stoppedLab();
    const ca = createAuthority({ commonName: 'house authority', validityMs: 40 * 86_400_000 }, systemSources);
    writeFileSync(join(folder, 'house.pem'), ca.certificate);
    writeFileSync(join(folder, 'house-key.pem'), ca.key);
    await json('import-ca', 'client-ca', '--cert', 'house.pem', '--key', 'house-key.pem');
    const { issuer } = inspect((await store.read('server-node2')).certificate ?? '');
    expect(issuer).toBe('CN=house authority');
    expect((await json('verify')).every(({ accepted }: { accepted: boolean }) => accepted)).toBe(true);
  });
});
