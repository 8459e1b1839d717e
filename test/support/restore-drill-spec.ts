/** What the drill `restore` promises, on whatever engine the lab runs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LabEvent } from './test-lab.ts';
import { TestLab, type TestLabOptions } from './test-lab.ts';

/** Tests in the order of a user's day: each goes on from the lab that the one before has left. */
export function specifyRestoreDrill(options: () => TestLabOptions): void {
  let lab: TestLab;
  let before: Awaited<ReturnType<TestLab['keys']>>;
  let told: LabEvent[];

  beforeAll(async () => {
    lab = await TestLab.up(options());
    for (let i = 0; i < 5; i++) await lab.must('ctl', 'put', `mine/${i % 4}`, `value ${i}`);
    before = await lab.keys('mine/');
  });
  afterAll(() => lab?.close());

  test('passes with exit code 0, and tells each step as it begins and ends', async () => {
    const { exitCode, events } = await lab.events('drill', 'run', 'restore', '--yes');
    told = events;
    expect(exitCode, JSON.stringify(events.at(-1))).toBe(0);
    const [started] = events.filter(({ event }) => event === 'drill-started');
    const steps = started?.steps as { phase: string }[];
    expect(new Set(steps.map(({ phase }) => phase))).toEqual(
      new Set(['prepare', 'backup', 'disaster', 'detect', 'recover', 'verify']),
    );
    const begunAndEnded = events.filter(({ event }) => /^step-(started|finished|failed)$/.test(event));
    expect(begunAndEnded.map(({ event, step }) => `${event} ${step}`)).toEqual(
      steps.flatMap((_, i) => [`step-started ${i}`, `step-finished ${i}`]),
    );
    expect(events.find(({ event }) => event === 'verified')).toMatchObject({ passed: true });
    expect(events.at(-1)).toMatchObject({ event: 'drill-finished', result: 'passed' });
  });

  test('reports what the members themselves say', async () => {
    const { json } = lab.report();
    const { members } = await lab.status();
    const said = members.map(({ report }) => report);
    expect(json.members?.map(({ memberId, clusterId, leader }) => ({ memberId, clusterId, leader }))).toEqual(
      said.map((report) => ({ memberId: report?.memberId, clusterId: report?.clusterId, leader: report?.leaderId })),
    );
    const revision = json.snapshot?.revision as number;
    const { kvs } = JSON.parse(await lab.must('ctl', 'get', '', '--prefix', `--rev=${revision}`, '-w', 'json'));
    expect(kvs).toHaveLength(json.snapshot?.keys as number);
    const opened = await lab.open();
    const client = opened.client();
    try {
      for (const [i, { clientUrl: endpoint }] of opened.nodes.entries()) {
        const { hash } = await client.hashKv({ revision }, { endpoint });
        expect(hash).toBe(json.snapshot?.hashKv);
        expect(json.members?.[i]).toMatchObject({ hashKv: hash, revision, keys: kvs.length });
      }
    } finally {
      client.close();
    }
  });

  test('reports every check as passed, the recovery time by step, and the lost keys by name', () => {
    const { json, markdown } = lab.report();
    expect(json.result).toBe('passed');
    expect(json.checks.length).toBeGreaterThan(30);
    expect(json.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(json.differences).toEqual({ node1: [], node2: [], node3: [] });
    const { rto, rpo } = json;
    expect(rto?.provenMs).toBeGreaterThanOrEqual(rto?.healthyMs as number);
    expect(rto?.byStep.length).toBe(5);
    expect(Object.keys(rto?.parts ?? {})).toEqual(['detect', 'fetch', 'restore', 'start', 'verify']);
    expect(rpo?.revisions).toBeGreaterThan(0);
    const { revision = 0 } = json.snapshot ?? {};
    const missed = { from: revision + 1, to: revision + (rpo?.revisions ?? 0) };
    expect(json.watches, 'a watch from before is not told of the loss').toMatchObject({ outcome: 'misses', missed });
    const lost = (kind: string) => rpo?.keys.filter((each) => each.kind === kind).length;
    // One key has changed its lease, and 34 of those that are gone went with theirs.
    expect([lost('unexpected'), lost('changed'), lost('missing')]).toEqual([100, 20 + 1, 20 + 34]);
    expect(json.checks.filter(({ name }) => name === 'leases').map(({ member }) => member)).toEqual(
      Object.keys(json.differences),
    );
    expect(json.members?.map(({ leases }) => leases)).toEqual([4, 4, 4]);
    expect(markdown).toContain('**PASSED: every check below was carried out, and holds.**');
    expect(markdown).toContain(`## Checks: ${json.checks.length} of ${json.checks.length} passed`);
    expect(markdown).toContain(rpo?.keys.find(({ kind }) => kind === 'unexpected')?.key);
  });

  test('keeps the snapshot with a manifest that says what it is', async () => {
    const { folder, json } = lab.report();
    const file = path.join(folder, 'snapshot.db');
    const manifest = JSON.parse(readFileSync(`${file}.manifest.json`, 'utf8'));
    const bytes = readFileSync(file);
    expect(manifest).toEqual(json.snapshot);
    expect(manifest).toMatchObject({
      file: 'snapshot.db',
      lab: 'test',
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      keysByPrefix: { 'mine/': 4 },
    });
    const { stdout } = await (await lab.open()).etcdutl(['snapshot', 'status', file, '-w', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ revision: manifest.revision });
    const forms = ['report.md', 'report.json', 'report.html', 'report.xml'];
    expect(told.at(-1)?.reports).toEqual(forms.map((name) => path.join(folder, name)));
  });

  test('is packed for an auditor, with what the members have logged, and without a key or a value', async () => {
    await lab.must('drill', 'export', '--output', 'evidence.tar.gz');
    const { folder, json } = lab.report();
    const name = path.basename(folder);
    const { stdout: list } = await execa('tar', ['-tzf', lab.path('evidence.tar.gz')]);
    const files = ['report.json', 'SHA256SUMS', 'evidence/members.json', 'evidence/journal.json', 'evidence/node3.log'];
    expect(list.split('\n')).toEqual(expect.arrayContaining(files.map((file) => `${name}/${file}`)));
    expect(list).not.toMatch(/\.(db|pem|delta)$/m);
    const { stdout: text } = await execa('tar', ['-xzOf', lab.path('evidence.tar.gz')]);
    expect(text).toContain(json.members?.[0]?.memberId);
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
    expect(text, 'a value of the user’s').not.toContain('value 4');
  });

  test('brings back every key of the user’s as it was, in a cluster of another id', async () => {
    const after = await lab.keys('mine/');
    expect(after.kvs).toEqual(before.kvs);
    expect(after.clusterId).not.toBe(before.clusterId);
  });

  test('leaves a lab that serves, with nothing of the drill beside the data', async () => {
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
    for (const node of ['node1', 'node2', 'node3']) {
      await lab.must('ctl', '--node', node, 'put', 'through', node);
      expect(await lab.must('ctl', 'get', 'through', '--print-value-only')).toBe(node);
    }
    const folders = lab.hostFolders();
    for (const names of Object.values(folders)) {
      expect(names).toEqual(['data', 'etcd.conf.yml', 'etcd.log', 'pki', 'process.json', 'service.json']);
    }
  });

  test('leaves a lab that `up` finds as it should be', async () => {
    const { events } = await lab.events('up');
    expect(events.at(-1)).toMatchObject({ event: 'finished', changed: false });
  });

  test('passes again right away, with a data set of the size that is asked for, in plain text', async () => {
    const stdout = await lab.must('drill', 'run', 'restore', '--yes', '--keys', '300');
    expect(stdout).toMatch(/^PASSED: \d+ checks, all proved on 3 members\.$/m);
    expect(stdout).toMatch(/^ {2}RPO {6}\d+ revisions, \d+ keys/m);
    const { json, folder } = lab.report();
    const prefixes = Object.keys(json.snapshot?.keysByPrefix ?? {});
    expect(prefixes).toEqual(expect.arrayContaining(['mine/', 'etcdlab-drill/']));
    expect(stdout).toContain(path.relative(lab.folder, path.join(folder, 'report.md')));
    expect(json.snapshot?.keysByPrefix).toMatchObject({ 'etcdlab-drill/': 300 });
    expect((await lab.keys('etcdlab-drill/')).kvs, 'a drill clears its keys away').toEqual([]);
    expect(await lab.must('ctl', 'lease', 'list')).toContain('found 0 leases');
    expect((await lab.keys('mine/')).kvs).toEqual(before.kvs);
  });

  test('can be written by the user, and proves users, roles and refusals where authentication is on', async () => {
    for (const line of ['role add reader', 'role grant-permission reader read mine/', 'user add ada --no-password']) {
      await lab.must('ctl', ...line.split(' '));
    }
    for (const line of ['user grant-role ada reader', 'user add root --no-password', 'user grant-role root root']) {
      await lab.must('ctl', ...line.split(' '));
    }
    await lab.must('ctl', 'auth', 'enable');
    lab.write(
      'mine.yaml',
      `title: Mine
teaches: how little it takes
prepare: [{ write-dataset: { keys: 150 } }]
backup: [take-snapshot, write-after-snapshot]
disaster: [destroy-all-members]
recover: [restore-all-members, start-all-members]
`,
    );
    expect(await lab.must('drill', 'run', 'mine.yaml', '--yes')).toContain('PASSED');
    const { json } = lab.report();
    expect(json).toMatchObject({ drill: 'mine', title: 'Mine', result: 'passed' });
    const seen = (name: string) => json.checks.filter((check) => check.name === name).map(({ observed }) => observed);
    expect(seen('auth')).toEqual(Array(3).fill('all as recorded'));
    expect(seen('auth-refusal')).toEqual(Array(3).fill('etcdserver: permission denied'));
    expect(json.checks.find(({ name }) => name === 'auth')?.expected).toMatch(
      /^authentication on, 2 users and 1 roles/,
    );
  });
}
