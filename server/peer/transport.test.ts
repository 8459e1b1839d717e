import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConfState, Entry, Message, MessageType, Snapshot, SnapshotMetadata } from '../proto/gen/raft.ts';
import {
  connect,
  fakeDatabase,
  message,
  type NodeOptions,
  streamsUp,
  TestNode,
  testClusterId,
  until,
} from './testing/nodes.ts';
import { Transport } from './transport.ts';

const started: { stop(): Promise<void> }[] = [];

async function start(id: bigint, options: NodeOptions = {}): Promise<TestNode> {
  const node = await TestNode.start(id, options);
  started.push(node);
  return node;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

/** Something that listens and behaves as told instead of like a member. */
async function listen(answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  started.push({
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** One request to a member, as it is. */
async function ask(
  url: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(5000), ...init });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

const raftHeaders = (fields: Record<string, string> = {}) => ({
  'X-Server-From': 'b',
  'X-Server-Version': '3.5.30',
  'X-Min-Cluster-Version': '3.0.0',
  'X-Etcd-Cluster-ID': testClusterId.toString(16),
  ...fields,
});

const snapMessage = (from: TestNode, to: bigint, index = 7) =>
  Message.create({
    type: MessageType.MsgSnap,
    from: from.id,
    to,
    term: 2,
    snapshot: Snapshot.create({
      data: Buffer.from('{}'),
      metadata: SnapshotMetadata.create({ index, term: 2, conf_state: ConfState.create({ voters: [from.id] }) }),
    }),
  });

describe('messages between two members', () => {
  test('arrive in order, whole, over the stream for their kind', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    const sent: Message[] = [];
    for (let i = 0; i < 200; i++) {
      const batch = [
        message(a, b, { commit: i, context: Buffer.from(`read ${i}`) }),
        message(a, b, {
          type: MessageType.MsgApp,
          logTerm: 1,
          index: i,
          entries: [Entry.create({ Term: 1, Index: i + 1, Data: Buffer.alloc(i * 50, i) })],
        }),
      ];
      a.transport.send(batch);
      sent.push(...batch);
    }
    await until(() => b.handler.messages.length >= sent.length, 'all messages have arrived');
    const ofType = (list: Message[], type: number) => list.filter((each) => each.type === type);
    for (const type of [MessageType.MsgHeartbeat, MessageType.MsgApp]) {
      expect(ofType(b.handler.messages, type)).toEqual(ofType(sent, type));
    }
    expect(a.handler.unreachable).toEqual([]);
  });

  test('go by POST while there is no stream', async () => {
    const b = await start(2n);
    const a = await start(1n);
    a.transport.addPeer(b.id, [b.url]);
    a.transport.send([message(a, b, { commit: 5 })]);
    await until(() => b.handler.messages.length === 1, 'the message has arrived');
    expect(b.handler.messages[0]).toEqual(message(a, b, { commit: 5 }));
  });

  test('can answer a sender that is no member yet', async () => {
    const b = await start(2n);
    const a = await start(1n);
    const local = await start(3n, { localPeerUrls: [a.url] });
    local.transport.addPeer(b.id, [b.url]);
    const asA = Message.create({ ...message(a, b), from: local.id });
    local.transport.send([asA]);
    await until(() => b.handler.messages.length === 1, 'the question has arrived');
    b.transport.send([Message.create({ ...message(b, a), to: local.id })]);
    await until(() => a.logged('rejected raft message').length === 1, 'the answer came to the URL in the header');
  });

  test('of one call leave in one write', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    const write = net.Socket.prototype.write;
    let writes = 0;
    net.Socket.prototype.write = function (this: net.Socket, ...args: Parameters<typeof write>) {
      writes++;
      return write.apply(this, args);
    } as typeof write;
    try {
      a.transport.send(Array.from({ length: 50 }, (_, i) => message(a, b, { commit: i })));
    } finally {
      net.Socket.prototype.write = write;
    }
    expect(writes).toBe(1);
    await until(() => b.handler.messages.length === 50, 'all have arrived');
  });

  test('that only repeat older acknowledgements are left out', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    const answer = (fields: Partial<Message>) => message(a, b, { type: MessageType.MsgAppResp, ...fields });
    const rejection = answer({ index: 2, reject: true, rejectHint: 1 });
    a.transport.send([answer({ index: 1 }), rejection, answer({ index: 3 }), answer({ index: 4 })]);
    a.transport.send([message(a, b)]);
    await until(() => b.handler.messages.length >= 3, 'they have arrived');
    expect(b.handler.messages).toEqual([rejection, answer({ index: 4 }), message(a, b)]);
  });

  test('for another member or from a removed one never reach raft', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    b.handler.removedIds.add(9n);
    a.transport.send([Message.create({ ...message(a, b), from: 9n }), message(a, b)]);
    await until(() => b.handler.messages.length === 1, 'the good one has arrived');
    expect(b.handler.messages).toEqual([message(a, b)]);
    const refused = await ask(b.url, '/raft', {
      method: 'POST',
      headers: raftHeaders(),
      body: Message.encode(Message.create({ from: 1n, to: 77n, type: MessageType.MsgHeartbeat })),
    });
    expect(refused).toMatchObject({ status: 500, text: 'error processing raft message\n' });
  });

  test('with a snapshot are refused without a database', async () => {
    const a = await start(1n);
    expect(() => a.transport.send([snapMessage(a, 2n)])).toThrow('sendSnapshot');
  });
});

describe('a connection', () => {
  test('comes back after the other member restarts', async () => {
    const a = await start(1n);
    const b = await start(2n);
    await connect(a, b);
    const { url } = b;
    await b.stop();
    await until(() => a.transport.activeSince(2n) === undefined, 'a has noticed');
    expect(a.handler.unreachable).toContain(2n);
    const again = await start(2n, { listenUrl: url });
    again.transport.addPeer(1n, [a.url]);
    await streamsUp(again, again);
    await until(() => a.transport.activeSince(2n) !== undefined, 'a has found b again');
    a.transport.send([message(a, again, { commit: 3 })]);
    await until(() => again.handler.messages.some((each) => each.commit === 3), 'messages arrive again');
  });

  test('is kept alive by heartbeats alone, and given up without them', async () => {
    const times = { readTimeoutMs: 200, heartbeatIntervalMs: 50 };
    const [a, b] = [await start(1n, times), await start(2n, times)];
    await connect(a, b);
    const silent = await listen((_, response) => {
      response.writeHead(200, { 'X-Server-Version': '3.5.30' });
      response.flushHeaders();
    });
    const c = await start(3n, times);
    c.transport.addPeer(9n, [silent]);
    const silence = 'nothing received or sent for 200 ms';
    await until(() => c.lines.some((line) => line.fields.error === silence), 'the silent one is given up');
    expect(a.lines.filter((line) => line.level === 'warn')).toEqual([]);
    expect(a.transport.activePeers()).toBe(1);
  });

  test('is replaced when the peer dials again', async () => {
    const a = await start(1n);
    a.transport.addPeer(2n, ['http://127.0.0.1:1']);
    const path = '/raft/stream/message/2';
    const open = () =>
      new Promise<http.IncomingMessage>((resolve, reject) => {
        http
          .get(a.url + path, { agent: false, headers: raftHeaders({ 'X-Raft-To': '1' }) }, resolve)
          .on('error', reject);
      });
    const first = await open();
    const ended = new Promise((resolve) =>
      first
        .once('close', resolve)
        .resume()
        .on('error', () => undefined),
    );
    const second = await open();
    await ended;
    const chunk = new Promise<Buffer>((resolve) => second.once('data', resolve));
    a.transport.send([Message.create({ type: MessageType.MsgHeartbeatResp, from: 1n, to: 2n, term: 1 })]);
    const bytes = await chunk;
    expect(Message.decode(bytes.subarray(8))).toMatchObject({ type: MessageType.MsgHeartbeatResp, to: 2n });
    expect(second.headers).toMatchObject({ 'x-server-version': '3.5.30', 'x-etcd-cluster-id': 'c1a6e8504d9ddbe9' });
    second.destroy();
  });

  test('with damaged frames is closed with a reason that names the damage', async () => {
    const garbage = await listen((_, response) => {
      response.writeHead(200, { 'X-Server-Version': '3.5.30' });
      response.write(Buffer.alloc(64, 0xff));
    });
    const a = await start(1n);
    a.transport.addPeer(9n, [garbage]);
    await until(
      () => a.lines.some((line) => /is larger than the limit/.test(String(line.fields.error))),
      'refused (message)',
    );
    await until(
      () => a.lines.some((line) => /unknown frame type 255/.test(String(line.fields.error))),
      'refused (msgapp)',
    );
    expect(a.handler.messages).toEqual([]);
  });

  test('goes to the next URL when one does not answer', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    b.transport.addPeer(1n, [a.url]);
    a.transport.addPeer(2n, ['http://127.0.0.1:1', b.url]);
    await streamsUp(a, b);
    a.transport.updatePeer(2n, [b.url]);
    a.transport.send([message(a, b)]);
    await until(() => b.handler.messages.length === 1, 'the message has arrived');
  });

  test('is logged once, however often it fails the same way', async () => {
    const a = await start(1n);
    a.transport.addPeer(2n, ['http://127.0.0.1:1']);
    await until(() => a.lines.filter((line) => line.level === 'debug').length > 10, 'it was tried often');
    const warnings = a.lines.filter((line) => line.level === 'warn');
    expect(warnings).toHaveLength(2);
    expect(String(warnings[0]?.fields.error)).toContain('ECONNREFUSED');
  });
});

describe('a stalled peer', () => {
  /** Takes the stream for messages and then reads nothing of it. */
  async function stalled(a: TestNode): Promise<net.Socket> {
    a.transport.addPeer(2n, ['http://127.0.0.1:1']);
    const socket = net.connect(Number(new URL(a.url).port), '127.0.0.1');
    started.push({ stop: async () => void socket.destroy() });
    const head = Object.entries(raftHeaders({ 'X-Raft-To': '1', Host: 'x' })).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`GET /raft/stream/message/2 HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    await new Promise((resolve) => socket.once('readable', resolve));
    socket.pause();
    await until(() => a.logged('established').length === 1, 'the stream is up');
    return socket;
  }

  const big = () =>
    Message.create({
      type: MessageType.MsgProp,
      from: 1n,
      to: 2n,
      entries: [Entry.create({ Data: Buffer.alloc(1024 * 1024) })],
    });

  test('costs a bounded queue: messages beyond it are dropped and reported', async () => {
    const a = await start(1n, { readTimeoutMs: 60_000 });
    await stalled(a);
    for (let i = 0; i < 200; i++) a.transport.send([big()]);
    // 64 MiB may wait, and the operating system takes a few.
    expect(a.handler.unreachable.length).toBeGreaterThan(200 - 64 - 16);
    expect(a.handler.unreachable.length).toBeLessThan(200 - 32);
  });

  test('costs a bounded number of small messages, too', async () => {
    const a = await start(1n, { readTimeoutMs: 60_000 });
    await stalled(a);
    a.transport.send([big(), big(), big(), big(), big(), big(), big(), big()]);
    for (let i = 0; i < 5000; i++) {
      a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    }
    expect(a.handler.unreachable).toHaveLength(5000 + 8 - 4096);
  });

  test('is cut off when it takes nothing for the read timeout', async () => {
    const a = await start(1n, { readTimeoutMs: 200, heartbeatIntervalMs: 50 });
    const socket = await stalled(a);
    for (let i = 0; i < 20; i++) a.transport.send([big()]);
    await until(
      () => a.lines.some((line) => line.fields.error === 'peer has taken nothing for 200 ms'),
      'it was cut off',
    );
    expect(a.handler.unreachable).toContain(2n);
    socket.destroy();
  });

  test('without streams costs a bounded queue of POSTs', async () => {
    let asked = 0;
    const url = await listen(() => {
      asked++;
    });
    const a = await start(1n);
    a.transport.addPeer(2n, [url]);
    for (let i = 0; i < 100; i++) {
      a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    }
    expect(a.handler.unreachable).toHaveLength(100 - 4 - 64);
    await until(() => asked >= 4 + 2, 'four POSTs and two dials are under way');
    expect(asked).toBe(6);
  });
});

describe('a member that was removed', () => {
  test('learns it from 410 when it dials, once', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    a.handler.removedIds.add(2n);
    a.transport.removePeer(2n);
    await until(() => b.handler.timesRemoved > 0, 'b knows');
    expect(b.handler.timesRemoved).toBe(1);
    expect(await ask(a.url, '/raft/stream/message/2', { headers: raftHeaders({ 'X-Raft-To': '1' }) })).toMatchObject({
      status: 410,
      text: 'removed member\n',
    });
  });

  test('learns it from 403 to a POST', async () => {
    const url = await listen((_, response) => response.writeHead(403).end());
    const a = await start(1n);
    a.transport.addPeer(2n, [url]);
    a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    await until(() => a.handler.timesRemoved === 1, 'a knows');
  });
});

describe('the endpoints', () => {
  test.each([
    ['GET', '/raft', {}, 405, 'Method Not Allowed\n'],
    ['GET', '/raft/snapshot', {}, 405, 'Method Not Allowed\n'],
    ['POST', '/raft/stream/message/2', {}, 405, 'Method Not Allowed\n'],
    ['POST', '/raft', { 'X-Etcd-Cluster-ID': 'abc' }, 412, 'cluster ID mismatch\n'],
    ['POST', '/raft', { 'X-Server-Version': '2.3.0' }, 412, 'incompatible version\n'],
    ['GET', '/raft/stream/message/2', { 'X-Etcd-Cluster-ID': 'abc' }, 412, 'cluster ID mismatch\n'],
    ['GET', '/raft/stream/other/2', {}, 404, 'invalid path\n'],
    ['GET', '/raft/stream/message/2/3', {}, 404, 'invalid path\n'],
    ['GET', '/raft/stream/message/zz', {}, 404, 'invalid from\n'],
    ['GET', '/raft/stream/message/77', {}, 404, 'error sender not found\n'],
    ['GET', '/raft/stream/message/2', { 'X-Raft-To': '5' }, 412, 'to field mismatch\n'],
    ['GET', '/raft/nonsense', {}, 404, '404 page not found\n'],
    ['POST', '/raft', {}, 400, 'error unmarshalling raft message\n'],
    ['POST', '/raft/snapshot', {}, 400, 'error unmarshalling raft message\n'],
  ])('answer %s %s %j with %i', async (method, path, fields, status, text) => {
    const a = await start(1n);
    a.transport.addPeer(2n, ['http://127.0.0.1:1']);
    const body = method === 'POST' ? 'garbage' : undefined;
    const answer = await ask(a.url, path, {
      method,
      headers: raftHeaders(fields),
      ...(body === undefined ? {} : { body }),
    });
    expect(answer).toMatchObject({ status, text });
    if (status === 405) expect(answer.headers.get('allow')).toBe(method === 'GET' ? 'POST' : 'GET');
  });

  test('tell a probe that the member is there, and its time', async () => {
    const a = await start(1n);
    const { status, text } = await ask(a.url, '/raft/probing');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ OK: true, Now: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
  });

  test('refuse a body that is larger than any message', async () => {
    const a = await start(1n);
    const request = http.request(`${a.url}/raft`, { method: 'POST', headers: raftHeaders(), agent: false });
    const status = new Promise((resolve) => request.once('response', (response) => resolve(response.statusCode)));
    request.on('error', () => undefined);
    const piece = Buffer.alloc(1024 * 1024);
    const feed = (): void => {
      while (!request.destroyed && request.write(piece));
    };
    request.on('drain', feed);
    feed();
    expect(await status).toBe(413);
    request.destroy();
  });

  test('give up a sender that stops in the middle of a body', async () => {
    const a = await start(1n, { readTimeoutMs: 100 });
    const request = http.request(`${a.url}/raft`, {
      method: 'POST',
      headers: { ...raftHeaders(), 'Content-Length': '100' },
      agent: false,
    });
    const failed = new Promise((resolve) => request.once('error', resolve));
    request.write('half');
    await failed;
    expect(a.lines.some((line) => String(line.fields.error).includes('nothing received for 100 ms'))).toBe(true);
  });
});

describe('a snapshot', () => {
  test('arrives byte for byte', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    const size = 32 * 1024 * 1024;
    const database = fakeDatabase(size);
    a.transport.sendSnapshot(snapMessage(a, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: true }]);
    expect(b.handler.received).toHaveLength(1);
    expect(b.handler.received[0]).toEqual({ bytes: size, sum: database.sum, message: snapMessage(a, 2n) });
    expect(database.closed).toBe(1);
  });

  test('waits for a receiver that does not read', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    b.handler.beforeChunk = () => gate;
    const database = fakeDatabase(64 * 1024 * 1024);
    a.transport.sendSnapshot(snapMessage(a, 2n), database);
    await until(() => database.produced > 0, 'it has begun');
    let last = -1;
    await until(() => {
      const still = database.produced === last;
      last = database.produced;
      return still;
    }, 'the sender waits');
    expect(database.produced).toBeLessThan(32 * 1024 * 1024);
    release();
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: true }]);
    expect(b.handler.received[0]).toMatchObject({ bytes: 64 * 1024 * 1024 });
  });

  test('that breaks off is not taken for a whole one', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    const database = fakeDatabase(1024 * 1024);
    database.chunks = async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('disk is gone');
    };
    a.transport.sendSnapshot(snapMessage(a, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: false }]);
    await until(() => b.logged('failed to take a request').length === 1, 'the receiver has noticed');
    expect(b.handler.received).toEqual([]);
    expect(database.closed).toBe(1);
    expect(a.lines.some((line) => line.fields.error === 'disk is gone')).toBe(true);
  });

  test('that the receiver cannot store is reported as failed', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    await connect(a, b);
    b.handler.beforeChunk = () => Promise.reject(new Error('no space left'));
    const database = fakeDatabase(8 * 1024 * 1024);
    a.transport.sendSnapshot(snapMessage(a, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: false }]);
    expect(a.handler.unreachable).toContain(2n);
    expect(database.closed).toBe(1);
  });

  test('to a member that is not known, or while another is under way, fails at once', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    const unknown = fakeDatabase(10);
    a.transport.sendSnapshot(snapMessage(a, 2n), unknown);
    expect([unknown.closed, a.handler.snapshots]).toEqual([1, [{ id: 2n, ok: false }]]);
    await connect(a, b);
    const [first, second] = [fakeDatabase(10), fakeDatabase(10)];
    a.transport.sendSnapshot(snapMessage(a, 2n), first);
    a.transport.sendSnapshot(snapMessage(a, 2n), second);
    expect(second.closed).toBe(1);
    await until(() => a.handler.snapshots.length === 3, 'both are reported');
    expect(a.handler.snapshots.slice(1)).toEqual([
      { id: 2n, ok: false },
      { id: 2n, ok: true },
    ]);
  });

  test('of a removed member, or for another one, is refused', async () => {
    const [a, b] = [await start(1n), await start(2n)];
    a.transport.addPeer(5n, [b.url]);
    a.transport.sendSnapshot(snapMessage(a, 5n), fakeDatabase(10));
    await until(() => a.handler.snapshots.length === 1, 'it is refused');
    expect(a.handler.snapshots).toEqual([{ id: 5n, ok: false }]);
    expect(b.handler.received).toEqual([]);
  });
});

test('probes measure the way to a peer and back', async () => {
  const seconds: number[] = [];
  const b = await start(2n);
  const a = await start(1n, { probeIntervalMs: 20, metrics: { roundTrip: (_, value) => seconds.push(value) } });
  await connect(a, b);
  await until(() => seconds.length >= 2, 'two probes were answered');
  expect(seconds.every((value) => value > 0 && value < 5)).toBe(true);
});

test('a transport that is closed leaves nothing behind, and takes no message any more', async () => {
  const [a, b] = [await start(1n), await start(2n)];
  await connect(a, b);
  await a.transport.close();
  const count = a.handler.messages.length;
  b.transport.send([message(b, a)]);
  const refused = await ask(a.url, '/raft', {
    method: 'POST',
    headers: raftHeaders(),
    body: Message.encode(message(b, a)),
  });
  expect(refused.status).toBe(500);
  expect(a.handler.messages).toHaveLength(count);
  a.transport.send([message(a, b)]);
  expect(a.transport.peerIds()).toEqual([]);
});

test('a version that upstream’s members would crash on is refused at the start', () => {
  const options = { id: 1n, clusterId: 1n, handler: {} as never, minClusterVersion: '3.0.0', localPeerUrls: [] };
  expect(() => new Transport({ ...options, serverVersion: '3.5' })).toThrow('not a version: "3.5"');
});
