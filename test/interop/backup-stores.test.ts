/** Backups of a lab in a bucket and behind SFTP, through the command. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HttpFaults } from '../support/http-faults.ts';
import { findS3Server, S3Server, s3Credentials } from '../support/s3-server.ts';
import { findSshd, Sshd } from '../support/sshd.ts';
import { TestLab } from '../support/test-lab.ts';

const s3Program = findS3Server();
const sshdProgram = findSshd();

describe.runIf(s3Program && sshdProgram)('backups elsewhere', () => {
  let lab: TestLab;
  let s3: S3Server;
  let proxy: HttpFaults;
  let sshd: Sshd;
  let sshdFolder: string;
  let sftpFolder: string;
  let recipient: string;

  beforeAll(async () => {
    for (const [name, value] of Object.entries(s3Credentials)) vi.stubEnv(name, value);
    lab = await TestLab.up();
    s3 = await S3Server.start(s3Program as string, { folder: lab.path('s3') });
    mkdirSync(lab.path('s3', 'backups'));
    proxy = await HttpFaults.listen(s3.port);
    sshdFolder = Sshd.scratchFolder();
    sftpFolder = Sshd.scratchFolder();
    sshd = await Sshd.start(sshdProgram as string, sshdFolder);
    const identity = await generateX25519Identity();
    recipient = await identityToRecipient(identity);
    lab.write('key.txt', `${identity}\n`);
    lab.write('wrong.txt', `${await generateX25519Identity()}\n`);
    appendFileSync(
      lab.path('lab.yaml'),
      `backups:
  store: s3://backups/labs
  s3: { endpoint: 'http://127.0.0.1:${proxy.port}' }
  sftp: { identityFile: '${sshd.keyFile}', hostKey: '${sshd.hostKey}' }
  recipient: ${recipient}
  identityFile: key.txt
`,
    );
    await lab.must('ctl', 'put', 'mine/0', 'kept in a bucket');
  });
  afterAll(async () => {
    await lab?.close();
    await proxy?.close();
    await s3?.stop();
    await sshd?.stop();
    for (const folder of [sshdFolder, sftpFolder]) if (folder) rmSync(folder, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });

  const list = async (...options: string[]): Promise<{ id: string; proven: boolean; kept?: object }[]> =>
    JSON.parse(await lab.must('backup', 'list', '--json', ...options));
  const value = (key: string) => lab.must('ctl', 'get', key, '--print-value-only');

  test('a backup goes to the bucket encrypted, and nothing of it stays here', async () => {
    await lab.must('backup', 'create');
    const [made] = await list();
    const objects = readdirSync(lab.path('s3', 'backups', 'labs', 'test', made?.id as string)).sort();
    expect(objects).toEqual(['manifest.json', 'snapshot.db.zst.age']);
    expect(readdirSync(lab.state('backups')).filter((name) => /^\d{8}-/.test(name))).toEqual([]);
    expect(await lab.must('backup', 'show', made?.id as string)).toContain('s3://backups/labs/test/');
  });

  test('whoever has another key, or none, learns so, and the backup is not called damaged', async () => {
    const wrong = await lab.run('backup', 'verify', '--level', '1', '--identity-file', 'wrong.txt');
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(LAB_BACKUP)') });
    expect((await list())[0]).toMatchObject({ proven: false, proofs: [] });
  });

  test('of one whose making was killed nothing is listed, and the next one is made', async () => {
    const before = await list();
    proxy.heal();
    await lab.must('backup', 'create');
    // The last that a making asks for, before it reads what it has made, is to put the manifest.
    const manifest = proxy.requests.findIndex((request) => /^PUT .*\/manifest\.json$/.test(request));
    expect(manifest).toBeGreaterThan(1);
    for (const at of [manifest - 1, manifest]) {
      proxy.failFrom('silence', at);
      const making = lab.spawn('backup', 'create');
      await expect.poll(() => proxy.requests.length, { timeout: 30_000 }).toBeGreaterThan(at);
      making.kill('SIGKILL');
      expect((await making).signal).toBe('SIGKILL');
      proxy.heal();
      expect(await list()).toHaveLength(before.length + 1);
    }
    await lab.must('backup', 'create');
    expect(await list()).toHaveLength(before.length + 2);
    await lab.must('backup', 'prune', '--keep', '1', '--yes');
  });

  test('it is fetched, proven, restored, and nothing that was fetched stays', async () => {
    expect(await lab.must('backup', 'verify')).toMatch(/^L4: 1 member serves/m);
    await lab.must('ctl', 'put', 'mine/0', 'newer');
    expect(await lab.must('restore', '--yes')).toContain('Restored backup');
    expect(await value('mine/0')).toBe('kept in a bucket');
    const all = await list();
    expect(all).toHaveLength(2);
    expect(all[1]).toMatchObject({ proven: true });
    expect(readdirSync(lab.state('backups', '.fetched'))).toEqual([]);
  });

  test('what is marked to be kept is not pruned', async () => {
    const [before, first] = await list();
    await lab.must('backup', 'keep', before?.id as string, '--reason', 'the audit');
    expect(await lab.must('backup', 'list')).toContain('the audit');
    await lab.must('backup', 'create');
    await lab.must('backup', 'prune', '--keep', '1', '--yes');
    expect((await list()).map(({ id }) => id).slice(1)).toEqual([before?.id, first?.id]);
    await lab.must('backup', 'unkeep', before?.id as string);
    expect(await lab.must('backup', 'prune', '--keep', '1')).toMatch(new RegExp(`^${before?.id} +goes`, 'm'));
  });

  test('bytes that changed in the bucket are found out, and the backup is then restored by nobody', async () => {
    const [newest] = await list();
    const file = lab.path('s3', 'backups', 'labs', 'test', newest?.id as string, 'snapshot.db.zst.age');
    rmSync(file);
    const { exitCode, stdout } = await lab.run('backup', 'verify', newest?.id as string);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('does NOT hold') });
    expect(await lab.must('backup', 'list')).toMatch(new RegExp(`${newest?.id} .*DAMAGED`));
    expect((await lab.run('restore', '--yes', '--to', newest?.id as string)).exitCode).toBe(1);
    expect(await lab.status()).toMatchObject({ healthy: true });
  });

  test('wrong credentials and a bucket that is not there are said to be so; no secret is repeated', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-the-secret');
    const refused = await lab.run('backup', 'create');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3Credentials.AWS_SECRET_ACCESS_KEY);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(LAB_STORE_ACCESS)') });
    expect(refused.stdout + refused.stderr).not.toContain('not-the-secret');
    const missing = await lab.run('backup', 'create', '--store', 's3://nothing');
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(LAB_STORE_MISSING)') });
  });

  test('a backup is carried from the bucket to another machine, and restored from there', async () => {
    const store = ['--store', `sftp://${sshd.user}@127.0.0.1:${sshd.port}${sftpFolder}`];
    const id = (await list()).at(-1)?.id as string;
    await lab.must('backup', 'export', id, 'away');
    await lab.must('backup', 'import', `away/${id}.json`, ...store);
    expect((await list(...store)).map((each) => each.id)).toEqual([id]);
    await lab.must('ctl', 'put', 'mine/0', 'newer');
    expect(await lab.must('restore', '--yes', '--to', id, ...store)).toContain(`Restored backup ${id}`);
    expect(await value('mine/0')).toBe('kept in a bucket');
  });

  test('another host key than the one in lab.yaml gets no login', async () => {
    const yaml = readFileSync(lab.path('lab.yaml'), 'utf8');
    lab.write('lab.yaml', yaml.replace(sshd.hostKey, `SHA256:${'A'.repeat(43)}`));
    const store = ['--store', `sftp://${sshd.user}@127.0.0.1:${sshd.port}${sftpFolder}`];
    const refused = await lab.run('backup', 'create', ...store);
    lab.write('lab.yaml', yaml);
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('(LAB_HOST_KEY_CHANGED)') });
  });
});
