import { once } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { errNoLeader } from '../errors/etcd-error.ts';
import { HealthService } from '../proto/gen/health.ts';
import { ClusterService, KVService, MaintenanceService, PutResponse, RangeResponse } from '../proto/gen/rpc.ts';
import { unary } from './mod.ts';
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

  test('that nobody expected are logged although the client has cancelled the call', async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    await server.close();
    server = await TestServer.start({
      logger: logger(),
      methods: [
        unary(KVService.Range, async (_request, { signal }) => {
          start();
          await once(signal, 'abort');
          throw new Error('disk on fire');
        }),
      ],
      slowRequestMs: 600_000,
    });
    const running = server
      .client()
      .makeUnaryRequest(
        ...([KVService.Range.path, () => Buffer.alloc(0), (answer: Buffer) => answer, undefined, () => {}] as const),
      );
    await started;
    running.cancel();
    await expect
      .poll(() => log, { timeout: 10_000 })
      .toMatchObject([
        { level: 'error', msg: 'call failed unexpectedly', fields: { method: '/etcdserverpb.KV/Range' } },
      ]);
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

  test('that is answered leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 50; i++) await call(client, KVService.Range, {}, { deadlineMs: 60_000 });
    expect(timers()).toBeLessThan(before + 25);
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
