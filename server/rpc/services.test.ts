import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { HealthService } from '../proto/gen/health.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  ClusterService,
  MaintenanceService,
  SnapshotResponse,
} from '../proto/gen/rpc.ts';
import type { MethodDefinition } from '../proto/wire.ts';
import { etcdMethods } from './mod.ts';
import { call, TestServer } from './testing/test-server.ts';

let server: TestServer;
let client: Client;
let log: LogRecord[];

function logger(): Logger {
  return new Logger({ enabled: () => true, write: (record) => log.push(record) }, 'test');
}

beforeEach(async () => {
  log = [];
  server = await TestServer.start({ logger: logger(), electionTimeoutMs: 20 });
  client = server.client();
});
afterEach(() => server.close());

describe('Cluster and Maintenance', () => {
  test('MemberList has no revision in its header', async () => {
    const { header, members } = await call(client, ClusterService.MemberList, { linearizable: true });
    expect(header?.revision).toBe(0);
    expect(header?.member_id).toBe(server.member.id);
    expect(members.map(({ name }) => name)).toEqual(['m1']);
  });

  test('membership changes answer with the members, and no revision in the header', async () => {
    const { member } = server;
    const own = member.id;
    const added = await call(client, ClusterService.MemberAdd, { peerURLs: ['http://m2:2380'], isLearner: true });
    expect(added.member).toMatchObject({ ID: 2n, peerURLs: ['http://m2:2380'], isLearner: true, name: '' });
    const removed = await call(client, ClusterService.MemberRemove, { ID: own });
    const updated = await call(client, ClusterService.MemberUpdate, { ID: 3n, peerURLs: ['http://m3:2380'] });
    const promoted = await call(client, ClusterService.MemberPromote, { ID: 4n });
    const answers = [added, removed, updated, promoted];
    expect(answers.map(({ members }) => members.map(({ ID }) => ID))).toEqual([[own, 2n], [], [own, 3n], [own, 4n]]);
    expect(answers.map(({ header }) => [header?.revision, header?.member_id])).toEqual(answers.map(() => [0, own]));
  });

  test('MoveLeader answers without a header', async () => {
    expect(await call(client, MaintenanceService.MoveLeader, { targetID: 2n })).toEqual({ header: undefined });
    expect(server.member.leaderId).toBe(2n);
    await expect(call(client, MaintenanceService.MoveLeader, { targetID: 3n })).rejects.toMatchObject({
      ...{ code: 9, details: 'etcdserver: not leader' },
    });
  });

  test('Status, Hash and HashKV come from the member', async () => {
    const { version, dbSize, leader, header } = await call(client, MaintenanceService.Status, {});
    expect([version, dbSize, leader, header?.revision]).toEqual(['3.5.30', 4096, server.member.id, 1]);
    expect((await call(client, MaintenanceService.Hash, {})).hash).toBe(7);
    expect((await call(client, MaintenanceService.HashKV, { revision: 5 })).compact_revision).toBe(5);
  });

  test('Alarm is the member’s business, whatever is asked', async () => {
    server.member.raisedAlarms = [
      { memberID: 1n, alarm: AlarmType.NOSPACE },
      { memberID: 2n, alarm: AlarmType.CORRUPT },
    ];
    const asked = { action: AlarmRequest_AlarmAction.DEACTIVATE, memberID: 2n, alarm: AlarmType.CORRUPT };
    const { alarms, header } = await call(client, MaintenanceService.Alarm, asked);
    expect([alarms, header?.revision]).toEqual([server.member.raisedAlarms, 1]);
    expect(server.member.alarmRequests).toEqual([asked]);
  });

  test('Defragment answers without a header', async () => {
    expect(await call(client, MaintenanceService.Defragment, {})).toEqual({ header: undefined });
    expect(server.member.defragmentations).toBe(1);
  });
});

describe('Snapshot', () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      yield Buffer.alloc(100_000);
    }
  }

  const receive = async (): Promise<SnapshotResponse[]> => {
    const { Snapshot } = MaintenanceService;
    const stream = client.makeServerStreamRequest(
      ...([Snapshot.path, () => Buffer.alloc(0), (answer: Buffer) => SnapshotResponse.decode(answer), {}] as const),
    );
    const answers: SnapshotResponse[] = [];
    for await (const answer of stream) answers.push(answer);
    return answers;
  };

  test.each([0, 1, 32_768, 100_000, 131_072])('of %d bytes is blobs of 32 KiB and then its SHA-256', async (size) => {
    const database = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
    server.member.snapshotBytes = database;
    const answers = await receive();
    const blobs = answers.slice(0, -1).map(({ blob }) => blob);
    expect(Buffer.concat(blobs).equals(database)).toBe(true);
    expect(blobs.slice(0, -1).every(({ length }) => length === 32_768)).toBe(true);
    expect(answers.map(({ header }) => header)).toEqual(answers.map(() => undefined));
    expect(answers.at(-1)).toMatchObject({ remaining_bytes: 0 });
    expect(Buffer.from(answers.at(-1)?.blob ?? '')).toEqual(createHash('sha256').update(database).digest());
    let remaining = size;
    for (const { blob, remaining_bytes } of answers.slice(0, -1)) {
      remaining -= blob.length;
      expect(remaining_bytes).toBe(remaining);
    }
    expect(server.member.openSnapshots).toBe(0);
  });

  test('that the client breaks off lets its pages go', async () => {
    let open = 0;
    server.member.snapshot = async () => {
      open++;
      return { sizeBytes: Number.MAX_SAFE_INTEGER, chunks: endless, close: () => open-- };
    };
    const { Snapshot } = MaintenanceService;
    const stream = client.makeServerStreamRequest(
      ...([Snapshot.path, () => Buffer.alloc(0), (answer: Buffer) => answer, {}] as const),
    );
    stream.on('error', () => {});
    await once(stream, 'readable');
    expect(open).toBe(1);
    stream.cancel();
    await expect.poll(() => open).toBe(0);
  });

  test('that ends early is an error, not a shorter database', async () => {
    server.member.snapshot = async () => ({
      sizeBytes: 10,
      async *chunks() {
        yield Buffer.from('short');
      },
      close: () => {},
    });
    await expect(receive()).rejects.toMatchObject({
      ...{ code: 2, details: 'snapshot ended 5 bytes before its size of 10' },
    });
  });
});

describe('Health', () => {
  test('knows the server as a whole', async () => {
    expect((await call(client, HealthService.Check, {})).status).toBe(1);
    await expect(call(client, HealthService.Check, { service: 'a' })).rejects.toMatchObject({
      ...{ code: 5, details: 'unknown service' },
    });
    const { statuses } = await call(client, HealthService.List, {});
    expect(statuses).toEqual([{ key: '', value: { status: 1 } }]);
  });

  test.each([
    ['', 1],
    ['a', 3],
  ])('watching %j tells %d and stays open', async (service, status) => {
    const { Watch } = HealthService;
    const stream = client.makeServerStreamRequest(
      Watch.path,
      () => Buffer.from(Watch.request.encode({ service })),
      (answer: Buffer) => Watch.response.decode(answer),
      {},
    );
    stream.on('error', () => {});
    const [answer] = await once(stream, 'data');
    expect(answer).toEqual({ status });
    stream.cancel();
    const watch = server.dispatcher.stats.methods.find(({ service: name, method }) => {
      return name === 'grpc.health.v1.Health' && method === 'Watch';
    });
    await expect.poll(() => watch?.handled[1]).toBe(1);
  });
});

describe('users and roles', () => {
  const asked = async <Q, A>(method: MethodDefinition<Q, A>, request: Partial<Q>): Promise<unknown> => {
    await call(client, method, method.request.create(request as Q));
    return server.member.accountRequests.pop();
  };

  test('are asked about in the words of the log', async () => {
    const range = { key: Buffer.from('a'), range_end: Buffer.from('b') };
    const perm = { permType: 2, ...range } as const;
    expect([
      await asked(AuthService.AuthEnable, {}),
      await asked(AuthService.AuthDisable, {}),
      await asked(AuthService.AuthStatus, {}),
      await asked(AuthService.UserGet, { name: 'u' }),
      await asked(AuthService.UserList, {}),
      await asked(AuthService.UserDelete, { name: 'u' }),
      await asked(AuthService.UserGrantRole, { user: 'u', role: 'r' }),
      await asked(AuthService.UserRevokeRole, { name: 'u', role: 'r' }),
      await asked(AuthService.RoleAdd, { name: 'r' }),
      await asked(AuthService.RoleGet, { role: 'r' }),
      await asked(AuthService.RoleList, {}),
      await asked(AuthService.RoleDelete, { role: 'r' }),
      await asked(AuthService.RoleGrantPermission, { name: 'r', perm }),
      await asked(AuthService.RoleRevokePermission, { role: 'r', ...range }),
    ]).toEqual([
      ...[{ auth_enable: {} }, { auth_disable: {} }, { auth_status: {} }],
      ...[{ auth_user_get: { name: 'u' } }, { auth_user_list: {} }, { auth_user_delete: { name: 'u' } }],
      { auth_user_grant_role: { user: 'u', role: 'r' } },
      { auth_user_revoke_role: { name: 'u', role: 'r' } },
      ...[{ auth_role_add: { name: 'r' } }, { auth_role_get: { role: 'r' } }, { auth_role_list: {} }],
      ...[{ auth_role_delete: { role: 'r' } }, { auth_role_grant_permission: { name: 'r', perm } }],
      { auth_role_revoke_permission: { role: 'r', ...range } },
    ]);
  });

  test('with a password in it, a request goes where it is hashed', async () => {
    const user = { name: 'u', password: 'secret' };
    expect(await asked(AuthService.UserAdd, user)).toMatchObject(user);
    expect(await asked(AuthService.UserChangePassword, user)).toMatchObject(user);
    const { request } = AuthService.Authenticate;
    await expect(call(client, AuthService.Authenticate, request.create(user))).resolves.toMatchObject({
      token: 'token',
    });
  });
});

describe('the server', () => {
  test('has a method for every one of upstream’s', () => {
    const paths = etcdMethods(server.member).map(({ definition }) => definition.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toHaveLength(5 + 1 + 5 + 5 + 8 + 17 + 2 + 5 + 3);
  });
});
