/** The stores of backups against a real S3 server and OpenSSH's own SFTP server. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ForeignBackups } from '../../drills/backup/foreign-backups.ts';
import { contentOfText, type ObjectStore, openStore } from '../../drills/backup/stores/mod.ts';
import type { SnapshotManifest } from '../../drills/engine/manifest.ts';
import { type HttpFault, HttpFaults } from '../support/http-faults.ts';
import { contentThat, describeObjectStore } from '../support/object-store-spec.ts';
import { findS3Server, S3Server, s3Credentials, selfSigned } from '../support/s3-server.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { findSshd, Sshd } from '../support/sshd.ts';

const signal = new AbortController().signal;
const s3Program = findS3Server();
const sshdProgram = findSshd();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  for (const [name, value] of Object.entries(s3Credentials)) vi.stubEnv(name, value);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** @param disk what the store lies on */
async function onFullDisk(disk: SmallDisk, open: () => Promise<ObjectStore>): Promise<void> {
  const store = await open();
  const content = contentOfText('x'.repeat(1_000_000));
  await store.put('lab/first.db', content, { signal });
  disk.fill();
  await expect(store.put('lab/second.db', content, { signal })).rejects.toMatchObject({ code: 'LAB_STORE_FULL' });
  expect((await store.list('lab/', signal)).map(({ name }) => name)).toEqual(['lab/first.db']);
  disk.free();
  await store.put('lab/second.db', content, { signal });
  expect((await store.list('lab/', signal)).map(({ name }) => name)).toEqual(['lab/first.db', 'lab/second.db']);
  await store.close();
}

const knownHosts = () => path.join(folder, 'known_hosts');

describe.runIf(s3Program)('a bucket of an S3 service', () => {
  let server: S3Server;
  beforeAll(async () => {
    const tls = await selfSigned(folder);
    server = await S3Server.start(s3Program as string, { folder: path.join(folder, 's3'), tls });
    mkdirSync(path.join(folder, 's3', 'backups'));
  });
  afterAll(() => server?.stop());

  const bucket = (name = 'backups', caFile: string | undefined = path.join(folder, 'server.pem')) =>
    openStore(
      { kind: 's3', bucket: name, prefix: 'of/labs' },
      { s3: { endpoint: server.endpoint, ...(caFile !== undefined && { caFile }) } },
      knownHosts(),
    );
  const listed = async (store: ObjectStore) => (await store.list('', signal)).map(({ name }) => name);

  describeObjectStore(() => bucket(), 40 * 1024 ** 2);

  test('that is not there is named', async () => {
    const store = await bucket('none');
    const putting = store.put('a', contentOfText('x'), { signal });
    await expect(putting).rejects.toMatchObject({
      code: 'LAB_STORE_MISSING',
      message: expect.stringContaining('s3://none'),
    });
    await expect(store.list('', signal)).rejects.toMatchObject({ code: 'LAB_STORE_MISSING' });
  });

  test('is not opened by wrong credentials, which no message repeats', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another-secret');
    try {
      const store = await bucket();
      const error = await store.put('a', contentOfText('x'), { signal }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'LAB_STORE_ACCESS' });
      expect(JSON.stringify(error)).not.toContain('another-secret');
    } finally {
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3Credentials.AWS_SECRET_ACCESS_KEY);
    }
  });

  test('is not asked without credentials, nor without a region where there are several', async () => {
    const none = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REGION: '',
    };
    const files = {
      AWS_SHARED_CREDENTIALS_FILE: path.join(folder, 'none'),
      AWS_CONFIG_FILE: path.join(folder, 'none'),
    };
    for (const [name, value] of Object.entries({ ...none, ...files })) vi.stubEnv(name, value);
    vi.stubEnv('AWS_REGION', undefined);
    try {
      await expect((await bucket()).list('', signal)).rejects.toMatchObject({
        code: 'LAB_STORE_ACCESS',
        message: expect.stringContaining('there are no credentials'),
      });
      const amazon = await openStore({ kind: 's3', bucket: 'backups', prefix: '' }, {}, knownHosts());
      await expect(amazon.list('', signal)).rejects.toMatchObject({
        advice: [expect.stringContaining('backups.s3.region')],
      });
    } finally {
      vi.unstubAllEnvs();
      for (const [name, value] of Object.entries(s3Credentials)) vi.stubEnv(name, value);
    }
  });

  test('is not trusted without the authority of its certificate', async () => {
    const store = await openStore(
      { kind: 's3', bucket: 'backups', prefix: '' },
      { s3: { endpoint: server.endpoint } },
      knownHosts(),
    );
    await expect(store.list('', signal)).rejects.toMatchObject({
      code: 'LAB_STORE_UNREACHABLE',
      advice: [expect.stringContaining('backups.s3.caFile')],
    });
  });

  test('holds nothing of an upload that was cut off, and what is left of it is given up later', async () => {
    const store = await bucket();
    await expect(store.put('half.db', contentThat('breaks off', 64 * 1024 ** 2), { signal })).rejects.toThrow();
    expect(await listed(store)).toEqual([]);
    expect(await store.sweep(new Date(Date.now() + 60_000), signal)).toBe(0);
  });

  test.runIf(SmallDisk.isPossible())(
    'whose disk is full is said to be so, and takes backups when there is room',
    async () => {
      const disk = SmallDisk.mount(16) as SmallDisk;
      const full = await S3Server.start(s3Program as string, { folder: disk.directory });
      try {
        mkdirSync(path.join(disk.directory, 'backups'));
        await onFullDisk(disk, () =>
          openStore({ kind: 's3', bucket: 'backups', prefix: '' }, { s3: { endpoint: full.endpoint } }, knownHosts()),
        );
      } finally {
        await full.stop();
        disk.unmount();
      }
    },
  );

  test('that cannot be reached is said to be so', async () => {
    const store = await bucket();
    await server.stop();
    await expect(store.list('', signal)).rejects.toMatchObject({ code: 'LAB_STORE_UNREACHABLE' });
  });
});

describe.runIf(s3Program)('a backup on its way into a bucket', () => {
  let server: S3Server;
  let proxy: HttpFaults;
  beforeAll(async () => {
    server = await S3Server.start(s3Program as string, { folder: path.join(folder, 'faults') });
    mkdirSync(path.join(folder, 'faults', 'backups'));
    proxy = await HttpFaults.listen(server.port);
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  const small = randomBytes(100_000);
  /** Goes there in parts. */
  const large = randomBytes(17 * 1024 ** 2);
  const createdAt = '2026-11-20T08:15:00.000Z';

  /** As one command: what another one has in memory is of no help. */
  async function command<T>(work: (backups: ForeignBackups) => Promise<T>, interrupt?: AbortSignal): Promise<T> {
    const settings = { endpoint: `http://127.0.0.1:${proxy.port}` };
    const store = await openStore({ kind: 's3', bucket: 'backups', prefix: '' }, { s3: settings }, knownHosts());
    const scratch = path.join(folder, 'fetched');
    const keys = { recipient: undefined, identity: undefined };
    const backups = new ForeignBackups({ store, lab: 'lab', scratch, ...keys, signal: interrupt ?? signal });
    try {
      return await work(backups);
    } finally {
      await backups.close();
    }
  }
  const create = (content = small, interrupt?: AbortSignal) =>
    command(
      (backups) =>
        backups.add(new Date(createdAt), async (into) => {
          writeFileSync(path.join(into, 'snapshot.db'), content);
          const sha256 = createHash('sha256').update(content).digest('hex');
          const about = { sha256, sizeBytes: content.length, createdAt, revision: 7, keys: 3 };
          return { format: 'etcdlab-snapshot-manifest/1', ...about } as SnapshotManifest;
        }),
      interrupt,
    );
  /** @returns how many there are, each of which was fetched and compared with its manifest */
  const whole = () =>
    command(async (backups) => {
      const all = await backups.list();
      for (const backup of all) {
        const { sizeBytes } = backup.manifest;
        await backups.borrow(backup, async ({ snapshot }) => expect(statSync(snapshot).size).toBe(sizeBytes));
      }
      return all.length;
    });

  /** @returns the requests of a backup that nothing happens to, which is then removed */
  async function steps(content = small): Promise<string[]> {
    proxy.heal();
    await create(content);
    const requests = [...proxy.requests];
    await removeAll();
    return requests;
  }
  const removeAll = () =>
    command(async (backups) => {
      for (const backup of await backups.list()) await backups.remove(backup);
    });

  test('gets there in parts when any of the requests, or the answer to it, is lost', async () => {
    const requests = await steps(large);
    const parts = [...requests.keys()].filter((at) => requests[at]?.endsWith('snapshot.db.zst'));
    // The upload is begun, two parts are sent, and put together.
    expect(parts).toHaveLength(4);
    for (const at of parts) {
      for (const kind of ['before', 'after'] as const) {
        proxy.failFrom(kind, at, 1);
        await create(large);
        proxy.heal();
        expect(await whole(), `${kind} ${requests[at]}`).toBe(1);
        await removeAll();
      }
    }
  });

  test('is whole, or is not there, when the network is lost at any request; and the next one works', async () => {
    const requests = await steps();
    const commit = requests.indexOf('PUT /backups/lab/20261120-081500/manifest.json');
    expect(commit).toBeGreaterThan(1);
    const points = [...requests.keys()].map((at) => ({ kind: 'before' as HttpFault, at }));
    for (const { kind, at } of [
      ...points,
      { kind: 'after' as const, at: commit - 1 },
      { kind: 'after' as const, at: commit },
    ]) {
      proxy.failFrom(kind, at);
      await expect(create(), `${kind} ${requests[at]}`).rejects.toMatchObject({ code: 'LAB_STORE_UNREACHABLE' });
      proxy.heal();
      const isThere = at > commit || (at === commit && kind === 'after');
      expect(await whole(), `${kind} ${requests[at]}`).toBe(isThere ? 1 : 0);
      await create();
      expect(await whole()).toBe(isThere ? 2 : 1);
      await removeAll();
    }
  });

  test('is given up when the user interrupts, whichever request gets no answer', async () => {
    proxy.heal();
    const before = await whole();
    for (const at of [0, 2, 3]) {
      proxy.failFrom('silence', at);
      const controller = new AbortController();
      const creating = create(small, controller.signal);
      await Promise.all([
        expect
          .poll(() => proxy.requests.length)
          .toBeGreaterThan(at)
          .then(() => controller.abort()),
        expect(creating).rejects.toMatchObject({ code: 'LAB_INTERRUPTED' }),
      ]);
      proxy.heal();
      expect(await whole()).toBe(before);
    }
  });
});

describe.runIf(sshdProgram)('a folder behind OpenSSH', () => {
  let own: string;
  let place: string;
  let server: Sshd;
  beforeAll(async () => {
    own = Sshd.scratchFolder();
    place = Sshd.scratchFolder();
    server = await Sshd.start(sshdProgram as string, own);
  });
  afterAll(async () => {
    await server?.stop();
    for (const each of [own, place]) rmSync(each, { recursive: true, force: true });
  });

  const open = (change: { identityFile?: string; hostKey?: string; path?: string; file?: string } = {}) =>
    openStore(
      { kind: 'sftp', user: server.user, host: '127.0.0.1', port: server.port, path: change.path ?? place },
      { sftp: { identityFile: change.identityFile ?? server.keyFile, hostKey: change.hostKey ?? server.hostKey } },
      change.file ?? knownHosts(),
    );

  describeObjectStore(() => open(), 3_000_000);

  test('whose host key is not the one in lab.yaml gets no login', async () => {
    const other = `SHA256:${'A'.repeat(43)}`;
    await expect(open({ hostKey: other })).rejects.toMatchObject({ code: 'LAB_HOST_KEY_CHANGED' });
  });

  test('whose host key nobody has named is not trusted, and the key is shown', async () => {
    const location = { kind: 'sftp', user: server.user, host: '127.0.0.1', port: server.port, path: place } as const;
    const opening = openStore(location, { sftp: {} }, path.join(folder, 'other_known_hosts'));
    await expect(opening).rejects.toMatchObject({
      code: 'LAB_HOST_KEY_UNKNOWN',
      details: [expect.stringContaining(server.hostKey)],
    });
  });

  test('that does not let the key in says who is not let in', async () => {
    const store = await open({ identityFile: path.join(own, 'host') });
    await expect(store.list('', signal)).rejects.toMatchObject({ code: 'LAB_SSH_LOGIN' });
    await store.close();
  });

  test('that is not there is not made', async () => {
    const store = await open({ path: `${place}/none` });
    await expect(store.list('', signal)).rejects.toMatchObject({ code: 'LAB_STORE_MISSING' });
    await expect(store.put('a', contentOfText(''), { signal })).rejects.toMatchObject({ code: 'LAB_STORE_MISSING' });
    await store.close();
  });

  test.runIf(SmallDisk.isPossible())(
    'whose disk is full is said to be so, and takes backups when there is room',
    async () => {
      const disk = SmallDisk.mount(16) as SmallDisk;
      try {
        Sshd.giveFolder(disk.directory);
        await onFullDisk(disk, () => open({ path: disk.directory }));
      } finally {
        disk.unmount();
      }
    },
  );

  test('goes on over a new connection when one is lost within an upload', async () => {
    const store = await open();
    const bytes = Buffer.alloc(2_000_000, 'x');
    const content = contentOfText(bytes.toString());
    let opened = 0;
    const open1 = content.open.bind(content);
    const lossy = {
      ...content,
      open: () => {
        opened += 1;
        if (opened === 1) queueMicrotask(() => server.dropSessions());
        return open1();
      },
    };
    await store.put('lab/a.db', lossy, { signal });
    expect(opened).toBeGreaterThan(1);
    expect((await store.list('', signal)).map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['lab/a.db', 2_000_000],
    ]);
    await store.close();
    expect(readdirSync(path.join(place, 'lab')).filter((name) => !name.endsWith('.part'))).toEqual(['a.db']);
  });
});
