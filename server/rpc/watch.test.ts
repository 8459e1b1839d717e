import { type ClientDuplexStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { errPermissionDenied } from '../errors/etcd-error.ts';
import { b, put } from '../mvcc/testing/drive.ts';
import { eventText } from '../mvcc/watch/testing/watch-bench.ts';
import {
  WatchCancelRequest,
  WatchCreateRequest,
  type WatchCreateRequest_FilterType,
  WatchProgressRequest,
  WatchRequest,
  WatchResponse,
  WatchService,
} from '../proto/gen/rpc.ts';
import type { StreamMethod } from './method.ts';
import { etcdMethods } from './mod.ts';
import { FakeMember } from './testing/fake-member.ts';
import { TestServer } from './testing/test-server.ts';
import { watchMethods } from './watch.ts';

let server: TestServer;

/** One Watch call as a client has it: what came, and how it ended. */
class WatchCall {
  readonly responses: WatchResponse[] = [];
  status: { code: number; details: string } | undefined;
  private readonly stream: ClientDuplexStream<WatchRequest, WatchResponse>;

  constructor(metadata: Record<string, string> = {}) {
    const { path, request, response } = WatchService.Watch;
    const headers = new Metadata();
    for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
    this.stream = server.client().makeBidiStreamRequest(
      path,
      (message: WatchRequest) => Buffer.from(request.encode(message)),
      (bytes: Buffer) => response.decode(bytes),
      headers,
    );
    this.stream.on('data', (message: WatchResponse) => this.responses.push(message));
    this.stream.on('error', () => {});
    this.stream.on('status', ({ code, details }) => {
      this.status = { code, details };
    });
  }

  create(request: Partial<WatchCreateRequest>): this {
    return this.send({ create_request: WatchCreateRequest.create(request) });
  }

  send(request: Partial<WatchRequest>): this {
    this.stream.write(WatchRequest.create(request));
    return this;
  }

  halfClose(): void {
    this.stream.end();
  }

  abandon(): void {
    this.stream.cancel();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  /** Waits until so many responses have come. */
  async received(count: number): Promise<WatchResponse[]> {
    await vi.waitFor(() => expect(this.responses.length).toBeGreaterThanOrEqual(count), 5000);
    return this.responses;
  }

  get events(): string[] {
    return this.responses.flatMap(({ events }) => events.map(eventText));
  }
}

beforeEach(async () => {
  server = await TestServer.start({ logger: silentLogger, electionTimeoutMs: 20 });
});
afterEach(() => server.close());

const watchers = () => server.member.watches.stats().watchers;

describe('a Watch call', () => {
  test('answers with ids and term of the member, and revisions of the watch', async () => {
    const call = new WatchCall().create({ key: b('a') });
    await call.received(1);
    put(server.member.mvcc, 'a', '1');
    const [created, event] = await call.received(2);
    const { cluster_id, member_id, raft_term } = server.member.header();
    expect(created).toEqual(
      WatchResponse.create({ header: { cluster_id, member_id, raft_term, revision: 1 }, created: true }),
    );
    expect(event?.header).toEqual({ cluster_id, member_id, raft_term, revision: 2 });
    expect(call.events).toEqual(['PUT a=1@2']);
  });

  test('carries all kinds of requests, and passes over an empty one', async () => {
    const call = new WatchCall()
      .send({})
      .create({ key: b('a'), watch_id: 7n })
      .create({ key: b('b'), range_end: b('a') })
      .send({ progress_request: WatchProgressRequest.create() })
      .send({ cancel_request: WatchCancelRequest.create({ watch_id: 7n }) });
    const responses = await call.received(4);
    expect(responses.map(({ watch_id, created, canceled }) => [watch_id, created, canceled])).toEqual([
      [7n, true, false],
      [-1n, true, true],
      [-1n, false, false],
      [7n, false, true],
    ]);
  });

  test('is refused to who may not read the range, and the stream goes on', async () => {
    const { member } = server;
    const call = new WatchCall();
    member.watchRefusal = errPermissionDenied();
    expect((await call.create({ key: b('a'), watch_id: 3n }).received(1)).at(-1)).toMatchObject({
      ...{ watch_id: -1n, created: true, canceled: true },
      cancel_reason: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    });
    member.watchRefusal = undefined;
    expect((await call.create({ key: b('a'), watch_id: 3n }).received(2)).at(-1)).toMatchObject({
      ...{ watch_id: 3n, created: true, canceled: false },
    });
  });

  test('of a revision that cannot be is refused without a look at who asks', async () => {
    server.member.watchRefusal = errPermissionDenied();
    const [response] = await new WatchCall().create({ key: b('a'), start_revision: -1 }).received(1);
    expect(response?.cancel_reason).toBe('etcdserver: mvcc: required revision has been compacted');
  });

  test('takes every filter that it knows', async () => {
    const call = new WatchCall()
      .create({ key: b('a'), filters: [0] })
      .create({ key: b('a'), filters: [1], prev_kv: true })
      .create({ key: b('a'), filters: [9 as WatchCreateRequest_FilterType] });
    await call.received(3);
    put(server.member.mvcc, 'a', '1');
    put(server.member.mvcc, 'a', '2');
    await vi.waitFor(() => expect(call.events).toHaveLength(4), 10_000);
    expect(call.events.sort()).toEqual(['PUT a=1@2', 'PUT a=1@2', 'PUT a=2@3', 'PUT a=2@3 was 1@2']);
  });

  test('goes on when the client has said all it has to say', async () => {
    const call = new WatchCall().create({ key: b('a') });
    call.halfClose();
    await call.received(1);
    put(server.member.mvcc, 'a', '1');
    await call.received(2);
    expect(call.status).toBeUndefined();
  });

  test('leaves nothing behind when the client goes', async () => {
    const call = new WatchCall().create({ key: b('a'), progress_notify: true });
    await call.received(1);
    call.abandon();
    await vi.waitFor(
      () => expect(server.member.watches.stats()).toMatchObject({ watchers: 0, watchStreams: 0 }),
      10_000,
    );
    const stats = server.dispatcher.stats.methods.find(({ service }) => service === 'etcdserverpb.Watch');
    await vi.waitFor(() => expect(stats?.handled[1]).toBe(1), 10_000);
  });

  test('ends with Unavailable when the member stops, so that the client goes elsewhere', async () => {
    const call = new WatchCall().create({ key: b('a') });
    await call.received(1);
    server.member.watches.close();
    await vi.waitFor(() => expect(call.status).toEqual({ code: 14, details: 'etcdserver: server stopped' }), 10_000);
  });

  test('ends with an error when a message cannot be read', async () => {
    const client = server.client();
    const raw = (bytes: Buffer): Buffer => bytes;
    const stream = client.makeBidiStreamRequest(WatchService.Watch.path, raw, raw);
    const ended = new Promise<number>((resolve) => stream.on('error', ({ code }: ServiceError) => resolve(code)));
    stream.write(Buffer.from([0x0a, 0x7f]));
    expect(await ended).toBe(13);
    await vi.waitFor(() => expect(server.member.watches.stats().watchStreams).toBe(0), 10_000);
  });

  test('is refused by a learner', async () => {
    server.member.learner = true;
    const call = new WatchCall();
    await vi.waitFor(
      () => expect(call.status).toEqual({ code: 14, details: 'etcdserver: rpc not supported for learner' }),
      10_000,
    );
  });

  test.each([true, false])('that asks for a leader is cut when there is none any more: %s', async (asks) => {
    const call = new WatchCall(asks ? { hasleader: 'true' } : {}).create({ key: b('a') });
    await call.received(1);
    server.member.leaderId = 0n;
    if (asks) {
      await vi.waitFor(() => expect(call.status).toEqual({ code: 14, details: 'etcdserver: no leader' }), 10_000);
      expect(watchers()).toBe(0);
    } else {
      put(server.member.mvcc, 'a', '1');
      await call.received(2);
    }
  });
});

describe('progress from time to time', () => {
  test('comes at the interval that the server is given', async () => {
    await server.close();
    const member = new FakeMember();
    const methods = etcdMethods(member, { watchProgressIntervalMs: 1 });
    server = await TestServer.start({ logger: silentLogger, methods });
    const call = new WatchCall().create({ key: b('a'), progress_notify: true }).create({ key: b('b') });
    const responses = await call.received(4);
    expect(responses.slice(2).map(({ watch_id, header }) => [watch_id, header?.revision])).toEqual([
      [0n, 1],
      [0n, 1],
    ]);
  });
});

describe('a message that is too large', () => {
  const value = 'x'.repeat(400);

  async function startWith(maxRequestBytes: number): Promise<FakeMember> {
    await server.close();
    const member = new FakeMember();
    // The overhead of 512 KiB comes on top.
    const methods = etcdMethods(member, { maxRequestBytes: maxRequestBytes - 512 * 1024 });
    server = await TestServer.start({ logger: silentLogger, methods });
    return member;
  }

  function writeTogether(member: FakeMember, count: number): void {
    const txn = member.mvcc.beginWrite();
    for (let i = 0; i < count; i++) txn.put(b(`k${i}`), b(value), 0n);
    txn.end();
  }

  test('comes in pieces, all but the last marked, if the watch allows it', async () => {
    const member = await startWith(1500);
    const call = new WatchCall().create({ key: b('k'), range_end: b('l'), fragment: true });
    await call.received(1);
    writeTogether(member, 8);
    await vi.waitFor(() => expect(call.events).toHaveLength(8), 10_000);
    const pieces = call.responses.slice(1);
    expect(pieces.map(({ fragment }) => fragment)).toEqual([true, true, false]);
    expect(pieces.map(({ events }) => events.length)).toEqual([3, 3, 2]);
    expect(new Set(pieces.map(({ header }) => header?.revision))).toEqual(new Set([2]));
    for (const piece of pieces) expect(WatchResponse.encode(piece).length).toBeLessThan(1500);
  });

  test('comes whole if the watch does not allow it, or if it is a single event', async () => {
    const member = await startWith(300);
    const whole = new WatchCall().create({ key: b('k'), range_end: b('l') });
    const pieces = new WatchCall().create({ key: b('k'), range_end: b('l'), fragment: true });
    await Promise.all([whole.received(1), pieces.received(1)]);
    writeTogether(member, 3);
    await whole.received(2);
    expect(whole.responses[1]).toMatchObject({ fragment: false, events: { length: 3 } });
    await pieces.received(4);
    expect(pieces.responses.slice(1).map(({ fragment, events }) => [fragment, events.length])).toEqual([
      [true, 1],
      [true, 1],
      [false, 1],
    ]);
  });
});

describe('a client that does not read', () => {
  /** Writes that the connection takes as much of as it can, each. */
  async function fill(count: number): Promise<void> {
    const value = 'x'.repeat(100_000);
    for (let i = 0; i < count; i++) {
      put(server.member.mvcc, 'a', value);
      await new Promise(setImmediate);
    }
  }

  test('is kept what fits, and gets everything when it reads again', async () => {
    const call = new WatchCall().create({ key: b('a') });
    await call.received(1);
    call.pause();
    await fill(300);
    const { pendingEvents, slowWatchers } = server.member.watches.stats();
    expect(slowWatchers).toBe(1);
    expect(pendingEvents).toBeLessThan(100);
    call.resume();
    await vi.waitFor(() => expect(call.events).toHaveLength(300), 10_000);
    expect(call.responses.flatMap(({ events }) => events.map(({ kv }) => kv?.mod_revision))).toEqual(
      Array.from({ length: 300 }, (_, i) => i + 2),
    );
  });

  test('is not asked for more requests while as much waits as may', async () => {
    const { mvcc, watches } = server.member;
    const [method] = watchMethods(server.member) as [StreamMethod];
    let asked = 0;
    let takeMore: () => void = () => {};
    const client = new AbortController();
    const create_request = WatchCreateRequest.create({ key: b('a') });
    const over = method.handle({
      ...{ metadata: () => undefined, remoteAddress: '', peerCertificate: () => undefined, signal: client.signal },
      receive: async () => {
        asked++;
        // The second request waits until there is plenty to send; a third never comes.
        if (asked === 2) await vi.waitFor(() => expect(watches.stats().slowWatchers).toBe(1), 10_000);
        return asked <= 2 ? WatchRequest.create({ create_request }) : new Promise(() => {});
      },
      send: () => new Promise((resolve) => (takeMore = resolve)),
    });
    for (let i = 0; i < 60; i++) {
      put(mvcc, 'a', 'x'.repeat(100_000));
      await new Promise(setImmediate);
    }
    await vi.waitFor(() => expect(watchers()).toBe(2), 10_000);
    expect(asked).toBe(2);
    takeMore();
    await vi.waitFor(() => expect(asked).toBe(3), 10_000);
    client.abort();
    await expect(over).rejects.toMatchObject({ code: 1, message: 'etcdserver: watch canceled' });
  });
});
