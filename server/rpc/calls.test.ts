import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { errNoLeader } from '../errors/etcd-error.ts';
import { HealthService } from '../proto/gen/health.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  PutResponse,
  RangeResponse,
  SnapshotResponse,
  WatchService,
} from '../proto/gen/rpc.ts';
import { etcdMethods, unary } from './mod.ts';
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

const bytes = (text: string): Buffer => Buffer.from(text);

describe('KV', () => {
  test('puts and reads', async () => {
    const { header } = await call(client, KVService.Put, { key: bytes('k'), value: bytes('v') });
    expect(header).toEqual({
      cluster_id: server.member.clusterId,
      member_id: server.member.id,
      revision: 2,
      raft_term: 2,
    });
    const { kvs, count } = await call(client, KVService.Range, { key: bytes('k') });
    expect([count, kvs.map(({ value }) => Buffer.from(value).toString())]).toEqual([1, ['v']]);
    expect((await call(client, KVService.DeleteRange, { key: bytes('k') })).deleted).toBe(1);
    expect((await call(client, KVService.Txn, {})).succeeded).toBe(true);
    await call(client, KVService.Compact, { revision: 1 });
  });

  test('answers a thousand calls at a time, each with its own answer', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
    await Promise.all(keys.map((key) => call(client, KVService.Put, { key: bytes(key), value: bytes(`of ${key}`) })));
    const answers = await Promise.all(keys.map((key) => call(client, KVService.Range, { key: bytes(key) })));
    expect(answers.map(({ kvs }) => Buffer.from(kvs[0]?.value ?? '').toString())).toEqual(
      keys.map((key) => `of ${key}`),
    );
  });

  test('carries values of a megabyte both ways', async () => {
    const value = Buffer.alloc(1_000_000, 'abc');
    await call(client, KVService.Put, { key: bytes('big'), value });
    const { kvs } = await call(client, KVService.Range, { key: bytes('big') });
    expect(Buffer.from(kvs[0]?.value ?? '').equals(value)).toBe(true);
  });

  test('takes messages of 2 MiB and refuses more in upstream’s words', async () => {
    // Key, tags and lengths take 7 bytes.
    const put = (size: number) => call(client, KVService.Put, { key: bytes('k'), value: Buffer.alloc(size) });
    await put(2_097_152 - 7);
    await expect(put(2_097_152 - 6)).rejects.toMatchObject({
      ...{ code: 8, details: 'grpc: received message larger than max (2097153 vs. 2097152)' },
    });
    await put(1);
  });
});

describe('errors', () => {
  test('of the API arrive with code and text', async () => {
    await expect(call(client, KVService.Put, {})).rejects.toMatchObject({
      ...{ code: 3, details: 'etcdserver: key is not provided' },
    });
    expect(log).toEqual([]);
  });

  test('that nobody expected are Unknown with their text, and logged', async () => {
    server.member.put = () => Promise.reject(new Error('disk on fire: 100 % ü'));
    await expect(call(client, KVService.Put, {})).rejects.toMatchObject({ code: 2, details: 'disk on fire: 100 % ü' });
    expect(log).toMatchObject([{ level: 'error', fields: { method: '/etcdserverpb.KV/Put' } }]);
  });

  test('thrown before anything was awaited are no different', async () => {
    server.member.put = () => {
      throw errNoLeader();
    };
    await expect(call(client, KVService.Put, {})).rejects.toMatchObject({ code: 14, details: 'etcdserver: no leader' });
  });

  test.each([
    ['/etcdserverpb.KV/Baz', 'unknown method Baz for service etcdserverpb.KV'],
    ['/foo.Bar/Baz', 'unknown service foo.Bar'],
    ['/x', 'malformed method name: "/x"'],
  ])('name what is not there: %s', async (path, details) => {
    await expect(call(client, { ...KVService.Put, path }, {})).rejects.toMatchObject({ code: 12, details });
  });

  test('say that a message could not be read', async () => {
    const garbage = {
      ...KVService.Put,
      request: { ...KVService.Put.request, encode: () => Buffer.from('0ac801', 'hex') },
    };
    await expect(call(client, garbage, {})).rejects.toMatchObject({
      ...{ code: 13, details: expect.stringMatching(/^grpc: error unmarshalling request: /) },
    });
  });
});

describe('a call', () => {
  test('ends at its deadline, and its late answer goes nowhere', async () => {
    let answer = (): void => {};
    server.member.put = () =>
      new Promise((resolve) => {
        answer = () => resolve(PutResponse.create());
      });
    await expect(call(client, KVService.Put, {}, { deadlineMs: 100 })).rejects.toMatchObject({ code: 4 });
    const put = server.dispatcher.stats.methods.find(({ method }) => method === 'Put');
    // Client and server count down on their own; the client's may be the first, which looks like a cancellation.
    await expect.poll(() => (put?.handled[4] ?? 0) + (put?.handled[1] ?? 0)).toBe(1);
    answer();
    await call(client, KVService.Range, { key: bytes('k') });
    expect(put?.handled[0]).toBe(0);
  });

  test('that its client cancels is aborted', async () => {
    let aborted: unknown;
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    await server.close();
    server = await TestServer.start({
      logger: logger(),
      methods: [
        unary(KVService.Range, async (_request, { signal }) => {
          start();
          await once(signal, 'abort');
          aborted = signal.reason;
          return RangeResponse.create();
        }),
      ],
    });
    const running = server
      .client()
      .makeUnaryRequest(
        ...([KVService.Range.path, () => Buffer.alloc(0), (answer: Buffer) => answer, undefined, () => {}] as const),
      );
    await started;
    running.cancel();
    await expect.poll(() => aborted).toMatchObject({ code: 1, message: 'context canceled' });
  });

  test('that takes long is logged with its sizes, not its contents', async () => {
    await server.close();
    server = await TestServer.start({ logger: logger(), slowRequestMs: 0.000001 });
    await call(server.client(), KVService.Put, { key: bytes('secret'), value: bytes('secret') });
    expect(log).toMatchObject([{ level: 'warn', msg: 'request stats', fields: { 'request size': 16 } }]);
    expect(JSON.stringify(log)).not.toContain('secret');
  });
});

describe('metadata', () => {
  test('hasleader refuses at once without a leader; others wait for theirs', async () => {
    server.member.leaderId = 0n;
    await expect(call(client, KVService.Range, {}, { metadata: { hasleader: 'true' } })).rejects.toMatchObject({
      ...{ code: 14, details: 'etcdserver: no leader' },
    });
    await call(client, KVService.Range, {});
  });

  test('hasleader cuts an open stream when the leader is lost', async () => {
    const { Watch } = HealthService;
    const { Metadata } = await import('@grpc/grpc-js');
    const metadata = new Metadata();
    metadata.set('hasleader', 'true');
    const stream = client.makeServerStreamRequest(
      ...([
        Watch.path,
        () => Buffer.alloc(0),
        (answer: Buffer) => Watch.response.decode(answer),
        {},
        metadata,
      ] as const),
    );
    await once(stream, 'data');
    server.member.leaderId = 0n;
    const [error] = await once(stream, 'error');
    expect(error).toMatchObject({ code: 14, details: 'etcdserver: no leader' });
  });

  test('client-api-version is counted, up to a number of different ones', async () => {
    for (let i = 0; i < 70; i++) {
      await call(client, KVService.Range, {}, { metadata: { 'client-api-version': `3.${i}` } });
    }
    const counts = server.dispatcher.stats.clientRequests();
    expect(counts).toHaveLength(65);
    expect(counts.find(({ version }) => version === 'other')).toEqual({ type: 'unary', version: 'other', count: 6 });
  });
});

describe('a learner', () => {
  beforeEach(() => {
    server.member.learner = true;
  });

  test('answers serializable reads and its status', async () => {
    await call(client, KVService.Range, { serializable: true });
    expect((await call(client, MaintenanceService.Status, {})).isLearner).toBe(true);
  });

  test('refuses everything else', async () => {
    const refusal = { code: 14, details: 'etcdserver: rpc not supported for learner' };
    await expect(call(client, KVService.Range, {})).rejects.toMatchObject(refusal);
    await expect(call(client, KVService.Put, {})).rejects.toMatchObject(refusal);
    await expect(call(client, ClusterService.MemberList, {})).rejects.toMatchObject(refusal);
    await expect(call(client, HealthService.Check, {})).rejects.toMatchObject(refusal);
  });
});

describe('Cluster and Maintenance', () => {
  test('MemberList has no revision in its header', async () => {
    const { header, members } = await call(client, ClusterService.MemberList, { linearizable: true });
    expect(header?.revision).toBe(0);
    expect(header?.member_id).toBe(server.member.id);
    expect(members.map(({ name }) => name)).toEqual(['m1']);
  });

  test('Status, Hash and HashKV come from the member', async () => {
    const { version, dbSize, leader, header } = await call(client, MaintenanceService.Status, {});
    expect([version, dbSize, leader, header?.revision]).toEqual(['3.5.30', 4096, server.member.id, 1]);
    expect((await call(client, MaintenanceService.Hash, {})).hash).toBe(7);
    expect((await call(client, MaintenanceService.HashKV, { revision: 5 })).compact_revision).toBe(5);
  });

  test('alarms are listed, all or of one type', async () => {
    server.member.raisedAlarms = [
      { memberID: 1n, alarm: AlarmType.NOSPACE },
      { memberID: 2n, alarm: AlarmType.CORRUPT },
    ];
    const all = await call(client, MaintenanceService.Alarm, { action: AlarmRequest_AlarmAction.GET });
    expect(all.alarms).toEqual(server.member.raisedAlarms);
    const corrupt = await call(client, MaintenanceService.Alarm, { alarm: AlarmType.CORRUPT });
    expect(corrupt.alarms).toEqual([server.member.raisedAlarms[1]]);
  });
});

describe('Snapshot', () => {
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
    server.member.snapshotBytes = Buffer.alloc(64 * 1024 * 1024);
    const { Snapshot } = MaintenanceService;
    const stream = client.makeServerStreamRequest(
      ...([Snapshot.path, () => Buffer.alloc(0), (answer: Buffer) => answer, {}] as const),
    );
    stream.on('error', () => {});
    await once(stream, 'readable');
    expect(server.member.openSnapshots).toBe(1);
    stream.cancel();
    await expect.poll(() => server.member.openSnapshots).toBe(0);
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

describe('what is not served', () => {
  test.each([LeaseService.LeaseGrant, AuthService.AuthEnable, ClusterService.MemberAdd, MaintenanceService.Defragment])(
    '$path is Unimplemented with a reason',
    async (method) => {
      await expect(call(client, method as typeof LeaseService.LeaseGrant, {})).rejects.toMatchObject({
        ...{ code: 12, details: expect.stringMatching(/ is not implemented: /) },
      });
    },
  );

  test('nor is a watch', async () => {
    const stream = client.makeBidiStreamRequest(
      WatchService.Watch.path,
      () => Buffer.alloc(0),
      (answer: Buffer) => answer,
    );
    const [error] = await once(stream, 'error');
    expect(error).toMatchObject({ code: 12, details: 'method Watch is not implemented: watching is not served' });
  });

  test('has a method for every one of upstream’s', () => {
    const paths = etcdMethods(server.member).map(({ definition }) => definition.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toHaveLength(5 + 1 + 5 + 5 + 8 + 17 + 3);
  });
});
