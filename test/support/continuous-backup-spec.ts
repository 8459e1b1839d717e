/** What continuous backups promise, on whatever engine the lab runs. */
import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaderOf, settledRevision } from '../../drills/recovery/record.ts';
import { compareKeySpaces } from '../../drills/verification/compare.ts';
import { type KeySpace, readKeySpace } from '../../drills/verification/key-space.ts';
import { readHashKv } from '../../drills/verification/observe.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { DeleteRangeRequest, PutRequest, RequestOp } from '../../server/proto/gen/rpc.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { ContinuousRun } from './continuous-run.ts';
import { TestLab, type TestLabOptions } from './test-lab.ts';

/** What the cluster held at a revision, read while it was there. */
interface Moment {
  revision: number;
  keys: KeySpace;
  hashKv: number;
  /** Everything up to the revision had been recorded then, and nothing after it was written yet. */
  at: string;
}

const signal = AbortSignal.timeout(600_000);
const bytes = (text: string): Buffer => Buffer.from(text);

export function specifyContinuousBackup(options: () => TestLabOptions): void {
  let lab: TestLab;
  let opened: Lab;
  let client: EtcdClient;
  let service: ContinuousRun | undefined;
  const moments: Moment[] = [];

  beforeAll(async () => {
    lab = await TestLab.up(options());
    opened = await lab.open();
    client = opened.client();
  });
  afterAll(async () => {
    await service?.end('SIGKILL');
    client?.close();
    await opened?.close();
    await lab?.close();
  });

  /** Again until it is acknowledged: a leader that is killed takes requests with it. */
  async function put(key: string, value: string, lease = 0n): Promise<number> {
    let revision = 0;
    const attempt = async (): Promise<void> => {
      const { header } = await client.put({ key: bytes(key), value: bytes(value), lease }, { timeoutMs: 5000 });
      revision = header?.revision ?? 0;
    };
    await expect.poll(() => attempt().then(() => 'acknowledged', String), { timeout: 30_000 }).toBe('acknowledged');
    return revision;
  }
  const deltas = async (): Promise<{ revisions: [number, number]; segments: number }[]> =>
    JSON.parse(await lab.must('backup', 'deltas', '--json'));

  async function remember(): Promise<Moment> {
    const revision = await settledRevision(client, opened, signal);
    const [{ clientUrl }] = opened.nodes as [(typeof opened.nodes)[number]];
    const keys = await readKeySpace(client, clientUrl, revision, signal);
    const { hash: hashKv } = await readHashKv(client, clientUrl, revision, signal);
    await expect.poll(async () => (await deltas())[0]?.revisions[1], { timeout: 30_000 }).toBe(revision);
    return { revision, keys, hashKv, at: new Date().toISOString() };
  }

  /** Every member holds exactly what the cluster held then, under the revision that it shows now. */
  async function expectBack({ keys, revision, hashKv }: Moment, shown = revision): Promise<void> {
    for (const { clientUrl } of opened.nodes) {
      const found = await readKeySpace(client, clientUrl, shown, signal);
      expect(compareKeySpaces(keys, found)).toEqual([]);
      if (shown === revision) expect((await readHashKv(client, clientUrl, revision, signal)).hash).toBe(hashKv);
    }
  }

  test('every change is recorded: of transactions, of leases, while a leader is killed, while the tool is killed', async () => {
    // A second try begins anew.
    await service?.end('SIGKILL');
    moments.length = 0;
    service = new ContinuousRun(lab, '--verify-level', '2');
    await service.told('caught-up');
    for (let i = 0; i < 10; i++) await put(`mine/${i % 4}`, `value ${i}`);
    await client.txn({
      success: [
        RequestOp.create({ request_put: PutRequest.create({ key: bytes('txn/a'), value: bytes('1') }) }),
        RequestOp.create({
          request_delete_range: DeleteRangeRequest.create({ key: bytes('mine/0'), range_end: bytes('mine/2') }),
        }),
        RequestOp.create({ request_put: PutRequest.create({ key: Buffer.of(0, 0xff) }) }),
      ],
    });
    await client.leaseGrant({ ID: 77n, TTL: 3600 });
    await put('leased', 'x', 77n);
    moments.push(await remember());

    const { name } = await leaderOf(client, opened, signal);
    await opened.kill(name);
    for (let i = 0; i < 10; i++) await put(`after/${i}`, 'the leader was killed');
    await opened.start(name);
    await lab.must('up');
    moments.push(await remember());

    expect(await service.end('SIGKILL')).toBeUndefined();
    for (let i = 0; i < 10; i++) await put(`after/${i}`, 'the tool was killed');
    await client.leaseRevoke({ ID: 77n });
    service = new ContinuousRun(lab, '--verify-level', '2');
    moments.push(await remember());
    expect(await deltas()).toMatchObject([{ revisions: [1, moments.at(-1)?.revision] }]);
  });

  test('stopped, it seals what it has; only one at a time writes', async () => {
    const second = await lab.run('backup', 'run', '--once');
    expect(second).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("'etcdlab backup run' (pid") });
    expect(await service?.end('SIGTERM')).toBe(0);
    expect(service?.events.at(-1)).toMatchObject({ event: 'finished' });
    const files = Object.keys(lab.listing()).filter((file) => file.includes('/deltas/'));
    expect(files.filter((file) => file.endsWith('active.delta'))).toEqual([]);
  });

  test('a full backup proves the log before it: replayed, it comes to the same HashKV', async () => {
    await client.compact({ revision: moments[0]?.revision ?? 0, physical: true });
    await client.deleteRange({ key: bytes('after/'), range_end: bytes('after0') });
    const { exitCode, events, stderr } = await lab.events('backup', 'run', '--once', '--verify-level', '2');
    expect(exitCode, `${JSON.stringify(events)}\n${stderr}`).toBe(0);
    expect(events.find(({ event }) => event === 'replayed')?.revisions).toBeGreaterThan(20);
    expect(await deltas()).toHaveLength(1);
  });

  test('a dry run says what would be used and what is given up, and changes nothing', async () => {
    const before = lab.listing();
    const { revision } = moments[1] as Moment;
    const stdout = await lab.must('restore', '--to', `r${revision}`, '--dry-run');
    expect(stdout).toContain(`up to revision ${revision}, recorded at`);
    expect(stdout).toMatch(/given up, as you asked: \d+ later revisions, the first of them recorded at/);
    expect(lab.listing()).toEqual(before);
  });

  test('a revision comes back: every key with value, revisions, version and lease, and the same HashKV', async () => {
    const moment = moments[0] as Moment;
    await lab.must('restore', '--to', `r${moment.revision}`, '--bump-revision', '0', '--yes');
    await expectBack(moment);
    expect(await client.leaseTimeToLive({ ID: 77n, keys: true })).toMatchObject({
      grantedTTL: 3600,
      keys: [Buffer.from('leased')],
    });
  });

  test('a time comes back, and who watches is told to read anew', async () => {
    const moment = moments[1] as Moment;
    await lab.must('restore', '--to', moment.at, '--yes');
    const raised = moment.revision + 1_000_000_000;
    expect(await settledRevision(client, opened, signal)).toBe(raised);
    await expectBack(moment, raised);
    const start_revision = (moments[2] as Moment).revision;
    for await (const { canceled, compact_revision } of client.watch(
      { key: bytes('mine/2'), start_revision },
      { signal },
    )) {
      if (canceled) expect(compact_revision).toBe(raised);
    }
  });

  test('after a restore, and after a compaction of what was not recorded, a new log begins, and says why', async () => {
    const runOnce = async () => (await lab.events('backup', 'run', '--once', '--verify-level', '2')).events;
    const reason = (events: { event: string; reason?: unknown }[]) =>
      events.find(({ event }) => event === 'chain')?.reason;
    expect(reason(await runOnce())).toMatch(/this is cluster [0-9a-f]+, the delta log is of/);
    await put('gap', '1');
    await put('gap', '2');
    await client.compact({ revision: await put('gap', '3'), physical: true });
    expect(reason(await runOnce())).toMatch(/the cluster was compacted at revision \d+, the delta log ends at \d+/);
    expect(reason(await runOnce())).toBeUndefined();
    expect(await deltas()).toHaveLength(3);
  });

  test('with a store elsewhere, a machine that has lost everything reaches any moment', async () => {
    mkdirSync(lab.path('away'));
    const runOnce = () => lab.must('backup', 'run', '--once', '--verify-level', '2', '--store', './away');
    await runOnce();
    const revision = await put('away', '1');
    await put('away', '2');
    expect(await runOnce()).toContain('revisions replayed, comes to the HashKV');
    rmSync(lab.state('backups'), { recursive: true });
    const stdout = await lab.must('restore', '--to', `r${revision}`, '--store', './away', '--dry-run');
    expect(stdout).toContain(`up to revision ${revision}, recorded at`);
  });
}
