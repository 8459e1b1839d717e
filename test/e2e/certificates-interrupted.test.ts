/** Rotations of authorities that end in the middle, and authorities and certificates that have expired. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CertifiedKey,
  createAuthority,
  inspect,
  issue,
  PkiStore,
  splitPem,
  systemSources,
} from '../../pki/mod.ts';
import { type LabEvent, TestLab } from '../support/test-lab.ts';

const day = 86_400_000;
let lab: TestLab;
let store: PkiStore;

beforeAll(async () => {
  lab = await TestLab.up();
  store = new PkiStore(lab.state('pki'));
  await lab.must('ctl', 'put', 'kept', 'through it all');
});
afterAll(() => lab?.close());

const check = async () => (await lab.run('certs', 'check')).exitCode;
const kept = () => lab.must('ctl', 'get', 'kept', '--print-value-only');
const authority = async (name: string) => (await store.read(name)).certificate ?? '';
/** Whose certificates the members have: the fingerprint of the authority that signs. */
const signer = async () => inspect(await authority('client-ca')).fingerprint;
const begins =
  (title: string) =>
  ({ event, path }: LabEvent) =>
    event === 'task-started' && (path as string[])[0] === title;
const firstMemberDone =
  (title: string) =>
  ({ event, path }: LabEvent) =>
    event === 'task-done' && (path as string[])[0] === title && (path as string[]).length === 2;

describe('a rotation', () => {
  test('that is killed, at each of its steps, serves on and is gone on with by the next run', async () => {
    const before = await signer();
    const moments = [
      begins('Trust both authorities'),
      firstMemberDone('Trust both authorities'),
      begins('Issue all certificates anew'),
      firstMemberDone('Trust the new authority only'),
      begins('Prove it by handshakes, with new and old certificates'),
      begins('Put the old authority away'),
    ];
    for (const moment of moments) {
      const { endedBy, exitCode, events } = await lab.signalAt(moment, 'SIGKILL', 'certs', 'rotate-ca');
      // The last step may be over before the signal arrives.
      if (endedBy !== 'SIGKILL') expect(exitCode, JSON.stringify(events.at(-1))).toBe(0);
      // Between the two files of a pair, the administrator has none until the next run.
      const isWhole = await store.load('client-admin').then(Boolean, () => false);
      if (isWhole) expect(await kept()).toBe('through it all');
    }
    if ((await check()) === 4) await lab.must('certs', 'rotate-ca');
    expect(await check()).toBe(0);
    expect(await signer()).not.toBe(before);
    expect(splitPem(await authority('client-ca'))).toHaveLength(1);
    expect(await kept()).toBe('through it all');
  });

  test('may stop where clients must be given the new authority, and be taken back from there', async () => {
    const before = await signer();
    await lab.must('certs', 'rotate-ca', '--until', 'trust-both');
    expect(splitPem(await authority('client-ca'))).toHaveLength(2);
    expect(await signer()).toBe(before);
    expect(await check(), 'something is due').toBe(4);
    const up = await lab.events('up');
    expect(up.events.filter(({ event }) => event === 'warning').map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/a rotation of authorities is under way \(trust-both\)/),
    );
    expect(up.events.at(-1)).toMatchObject({ event: 'finished', changed: false });
    await lab.must('certs', 'rotate-ca', '--until', 'reissue');
    expect(await signer()).not.toBe(before);
    await lab.must('certs', 'rotate-ca', '--undo');
    expect(await signer()).toBe(before);
    expect(await check()).toBe(0);
    expect((await lab.run('certs', 'rotate-ca', '--undo')).stderr).toMatch(/no rotation is under way/);
  });

  test('can encrypt the keys of its authorities as those before were', async () => {
    lab.write('old', 'a first passphrase\n');
    lab.write('wrong', 'not the passphrase\n');
    const with_ = (file: string) => ['--ca-passphrase-file', lab.path(file)];
    await lab.must('certs', 'protect-ca', '--new-passphrase-file', lab.path('old'));
    expect((await store.read('peer-ca')).key).toMatch(/ENCRYPTED PRIVATE KEY/);
    expect((await lab.events('up')).events.at(-1), 'nothing is signed').toMatchObject({ changed: false });
    const refusal = await lab.run('certs', 'renew', '--all');
    expect([refusal.exitCode, refusal.stderr]).toEqual([3, expect.stringContaining('LAB_PASSPHRASE')]);
    const wrong = await lab.run('certs', 'renew', '--all', ...with_('wrong'));
    expect(wrong.stderr).toMatch(/does not open the private key \(PKI_PASSPHRASE\)/);
    await lab.must('certs', 'rotate-ca', 'client-ca', ...with_('old'));
    expect((await store.read('client-ca')).key).toMatch(/ENCRYPTED PRIVATE KEY/);
    await lab.must('certs', 'protect-ca', '--remove', ...with_('old'));
    expect((await store.load('client-ca'))?.key).toMatch(/-----BEGIN PRIVATE KEY-----/);
    expect(await check()).toBe(0);
  });
});

describe('what has expired', () => {
  test('is refused in plain words, and renewed', async () => {
    const ca = (await store.load('client-ca')) as CertifiedKey;
    const yesterday = { ...systemSources, now: () => new Date(Date.now() - day) };
    const request = { profile: 'client', commonName: 'root', organization: 'etcdlab', validityMs: 1000 } as const;
    await store.save('client-admin', issue({ ...ca, ...(await old(ca)) }, request, yesterday));
    const { exitCode, stdout } = await lab.run('certs', 'check');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^client-admin: has expired$/m);
    expect((await lab.run('certs', 'verify', 'client-admin')).stdout).toMatch(/^client-admin: refused: expired at /m);
    expect((await lab.run('status')).stdout).toMatch(/has expired/);
    await lab.must('certs', 'renew');
    expect(await check()).toBe(0);
  });

  test('as an authority is replaced while all members are stopped, and no key is lost', async () => {
    const { key } = (await store.load('client-ca')) as CertifiedKey;
    const before = { ...systemSources, now: () => new Date(Date.now() - 3 * day) };
    const expired = createAuthority(
      { commonName: 'etcdlab client authority', organization: 'etcdlab', validityMs: day, key },
      before,
    );
    await store.save('client-ca', expired);
    for (const command of [['up'], ['certs', 'rotate-ca']]) {
      const { exitCode, stderr } = await lab.run(...command);
      expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/expired[\s\S]*rotate-ca --offline/)]);
    }
    await lab.must('certs', 'rotate-ca', '--offline', '--yes');
    expect(await check()).toBe(0);
    expect(await kept()).toBe('through it all');
  });
});

/** The authority as it would be if it were older: certificates cannot begin before their authority. */
async function old(ca: CertifiedKey): Promise<CertifiedKey> {
  const aged = { ...systemSources, now: () => new Date(Date.now() - 2 * day) };
  const request = {
    commonName: 'etcdlab client authority',
    organization: 'etcdlab',
    validityMs: 30 * day,
    key: ca.key,
  };
  return createAuthority(request, aged);
}
