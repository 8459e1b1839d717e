/** Whole command lines against a member that answers as the test wants it. What real members answer: test/interop. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryIo } from '../cli/testing/memory-io.ts';
import { FakeMember, refusal } from '../client/testing/fake-member.ts';
import { Code } from '../errors/etcd-error.ts';
import {
  AlarmMember,
  AlarmType,
  AuthService,
  ClusterService,
  KVService,
  MaintenanceService,
  Member,
  type PutRequest,
} from '../proto/gen/rpc.ts';
import { runEtcdctl } from './main.ts';

const { Range, Put } = KVService;
const { Alarm, Snapshot } = MaintenanceService;
let member: FakeMember;
let directory: string;

beforeEach(async () => {
  member = new FakeMember();
  directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-ctl-'));
});
afterEach(async () => {
  member.stop();
  await rm(directory, { recursive: true, force: true });
});

async function run(argv: string[], { input = '', env = {}, endpoint = member.endpoint } = {}) {
  const io = memoryIo(input, env);
  const exitCode = await runEtcdctl([`--endpoints=${endpoint}`, ...argv], io);
  return { exitCode, out: io.out(), err: io.err() };
}

describe('put takes its value', () => {
  const puts: PutRequest[] = [];
  beforeEach(async () => {
    puts.length = 0;
    member.on(Put, (request) => {
      puts.push({ ...request, value: Buffer.from(request.value) });
      return Put.response.create();
    });
    await member.listen();
  });

  test('from standard input, byte for byte', async () => {
    expect(await run(['put', 'k'], { input: ' two\nlines\n' })).toMatchObject({ exitCode: 0, out: 'OK\n' });
    expect(puts[0]?.value.toString()).toBe(' two\nlines\n');
  });

  test('with its flags', async () => {
    await run(['put', 'k', 'v', '--lease=7f', '--prev-kv', '--ignore-lease']);
    expect(puts[0]).toMatchObject({ lease: 0x7fn, prev_kv: true, ignore_lease: true, ignore_value: false });
  });

  test('not at all with --ignore-value', async () => {
    await run(['put', 'k', '--ignore-value'], { input: 'not read' });
    expect(puts[0]).toMatchObject({ ignore_value: true, value: Buffer.alloc(0) });
  });

  test('and a format that does not exist is refused before anything is written', async () => {
    expect(await run(['put', 'k', 'v', '-w', 'xml'])).toMatchObject({ exitCode: 4 });
    expect(puts).toEqual([]);
  });
});

describe('when no member answers', () => {
  const nowhere = '127.0.0.1:1';

  test('the error is upstream’s, and the reason stands before it', async () => {
    const { exitCode, out, err } = await run(['get', 'k', '--command-timeout=200ms'], { endpoint: nowhere });
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toMatch(/nothing listens on 127\.0\.0\.1:1 \(connection refused\); is the member running\?/);
    expect(err).toMatch(/\nError: context deadline exceeded\n$/);
  });

  test('snapshot save ends, with exit code 5, and leaves nothing behind', async () => {
    const file = path.join(directory, 's.db');
    const result = await run(['snapshot', 'save', file, '--command-timeout=200ms'], { endpoint: nowhere });
    expect(result).toMatchObject({ exitCode: 5, out: '' });
    expect(await readdir(directory)).toEqual([]);
  });

  test('an endpoint that cannot be read is refused at once', async () => {
    expect(await run(['get', 'k'], { endpoint: 'node1' })).toMatchObject({ exitCode: 1 });
  });
});

describe('endpoint health', () => {
  beforeEach(() => {
    member.on(Range, () => Range.response.create());
  });

  test('is bad while there are alarms, and names them', async () => {
    const alarms = [AlarmType.NOSPACE, AlarmType.CORRUPT].map((alarm) => AlarmMember.create({ alarm }));
    await member.on(Alarm, () => Alarm.response.create({ alarms })).listen();
    const { exitCode, err } = await run(['endpoint', 'health']);
    expect(exitCode).toBe(1);
    expect(err).toContain(' is unhealthy: failed to commit proposal: Active Alarm(s): NOSPACE CORRUPT ');
    expect(err).toMatch(/\nError: unhealthy cluster\n$/);
  });

  test('is good for whoever may not read the key', async () => {
    await member
      .on(Range, () => {
        throw refusal(Code.PermissionDenied, 'etcdserver: permission denied');
      })
      .on(Alarm, () => Alarm.response.create())
      .listen();
    expect(await run(['endpoint', 'health'])).toMatchObject({ exitCode: 0 });
  });

  test('--cluster asks the members that the cluster lists', async () => {
    const { MemberList } = ClusterService;
    member.on(Alarm, () => Alarm.response.create());
    member.on(MemberList, () =>
      MemberList.response.create({ members: [Member.create({ clientURLs: [`http://127.0.0.1:${member.port}`] })] }),
    );
    await member.listen();
    const { exitCode, out } = await run(['endpoint', 'health', '--cluster']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+ is healthy/);
  });
});

describe('snapshot save', () => {
  const database = Buffer.alloc(5120, 'x');
  const sealed = Buffer.concat([database, createHash('sha256').update(database).digest()]);

  test('replaces an older file, as upstream does', async () => {
    await member.on(Snapshot, () => Snapshot.response.create({ blob: sealed })).listen();
    const file = path.join(directory, 's.db');
    for (let i = 0; i < 2; i++) {
      expect(await run(['snapshot', 'save', file])).toMatchObject({ exitCode: 0, out: `Snapshot saved at ${file}\n` });
    }
    expect((await readFile(file)).equals(sealed)).toBe(true);
  });

  test('refuses a damaged stream', async () => {
    const blob = Buffer.concat([sealed.subarray(0, -1), Buffer.of(0)]);
    await member.on(Snapshot, () => Snapshot.response.create({ blob })).listen();
    const { exitCode, err } = await run(['snapshot', 'save', path.join(directory, 's.db')]);
    expect(exitCode).toBe(5);
    expect(err).toContain('damaged on its way');
    expect(await readdir(directory)).toEqual([]);
  });
});

describe('a user', () => {
  const { Authenticate } = AuthService;
  beforeEach(async () => {
    member
      .on(Authenticate, ({ name, password }) => {
        if (name === 'root' && password === 'se:cret') return Authenticate.response.create({ token: 't' });
        throw refusal(Code.InvalidArgument, 'etcdserver: authentication failed, invalid user ID or password');
      })
      .on(Range, (_, token) => Range.response.create({ count: token === 't' ? 1 : 0 }));
    await member.listen();
  });

  test.for([
    ['with name and password', ['--user=root:se:cret'], ''],
    ['with the password apart', ['--user=root', '--password=se:cret'], ''],
    ['with the password asked for', ['--user=root'], 'se:cret\n'],
  ] as const)('logs in %s', async ([, argv, input]) => {
    const { exitCode, out } = await run(['get', 'k', '-w', 'fields', ...argv], { input });
    expect(exitCode).toBe(0);
    expect(out).toContain('"Count" : 1');
    expect(out.startsWith('Password: ')).toBe(input !== '');
  });

  test('whose password is wrong is exit code 2', async () => {
    expect(await run(['get', 'k', '--user=root:wrong'])).toMatchObject({
      exitCode: 2,
      err: 'Error: etcdserver: authentication failed, invalid user ID or password\n',
    });
  });

  test('whose password does not show in --debug', async () => {
    const apart = await run(['get', 'k', '--user=root', '--password=se:cret', '--debug']);
    const together = await run(['get', 'k', '--user=root:se:cret', '--debug']);
    expect(apart.err).toContain('ETCDCTL_PASSWORD=********\n');
    expect(together.err).toContain('ETCDCTL_USER=root:********\n');
    expect(apart.err + together.err).not.toContain('cret');
  });
});

test('ETCDCTL_API other than 3 is refused', async () => {
  expect(await run(['version'], { env: { ETCDCTL_API: '9' } })).toMatchObject({
    exitCode: 1,
    err: 'unsupported API version: 9\n',
  });
  expect((await run(['version'], { env: { ETCDCTL_API: '3' } })).exitCode).toBe(0);
});
