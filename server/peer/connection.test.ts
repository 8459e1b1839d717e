import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Entry, Message, MessageType } from '../proto/gen/raft.ts';
import { connect, message, streamsUp, type TestNode, until } from './testing/nodes.ts';
import { raftHeaders, Workbench } from './testing/workbench.ts';

const bench = new Workbench();
afterEach(() => bench.clear());

describe('a connection', () => {
  test('comes back after the other member restarts', async () => {
    const a = await bench.start(1n);
    const b = await bench.start(2n);
    await connect(a, b);
    const { url } = b;
    await b.stop();
    await until(() => a.transport.activeSince(2n) === undefined, 'a has noticed');
    expect(a.handler.unreachable).toContain(2n);
    const again = await bench.start(2n, { listenUrl: url });
    again.transport.addPeer(1n, [a.url]);
    await streamsUp(again, again);
    await until(() => a.transport.activeSince(2n) !== undefined, 'a has found b again');
    a.transport.send([message(a, again, { commit: 3 })]);
    await until(() => again.handler.messages.some((each) => each.commit === 3), 'messages arrive again');
  });

  test('is kept alive by heartbeats alone, and given up without them', async () => {
    const times = { readTimeoutMs: 200, heartbeatIntervalMs: 50 };
    const [a, b] = [await bench.start(1n, times), await bench.start(2n, times)];
    await connect(a, b);
    const silent = await bench.listen((_, response) => {
      response.writeHead(200, { 'X-Server-Version': '3.5.30' });
      response.flushHeaders();
    });
    const c = await bench.start(3n, times);
    c.transport.addPeer(9n, [silent]);
    const silence = 'nothing received or sent for 200 ms';
    await until(() => c.lines.some((line) => line.fields.error === silence), 'the silent one is given up');
    expect(a.lines.filter((line) => line.level === 'warn')).toEqual([]);
    const active = a.transport.peerIds().filter((id) => a.transport.activeSince(id) !== undefined);
    expect(active).toHaveLength(1);
  });

  test('is replaced when the peer dials again', async () => {
    const a = await bench.start(1n);
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
    const garbage = await bench.listen((_, response) => {
      response.writeHead(200, { 'X-Server-Version': '3.5.30' });
      response.write(Buffer.alloc(64, 0xff));
    });
    const a = await bench.start(1n);
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
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    b.transport.addPeer(1n, [a.url]);
    a.transport.addPeer(2n, ['http://127.0.0.1:1', b.url]);
    await streamsUp(a, b);
    a.transport.updatePeer(2n, [b.url]);
    a.transport.send([message(a, b)]);
    await until(() => b.handler.messages.length === 1, 'the message has arrived');
  });

  test('is logged once, however often it fails the same way', async () => {
    const a = await bench.start(1n);
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
    bench.add({ stop: async () => void socket.destroy() });
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
    const a = await bench.start(1n, { readTimeoutMs: 60_000 });
    await stalled(a);
    for (let i = 0; i < 200; i++) a.transport.send([big()]);
    // 64 MiB may wait, and the operating system takes a few.
    expect(a.handler.unreachable.length).toBeGreaterThan(200 - 64 - 16);
    expect(a.handler.unreachable.length).toBeLessThan(200 - 32);
  });

  test('costs a bounded number of small messages, too', async () => {
    const a = await bench.start(1n, { readTimeoutMs: 60_000 });
    await stalled(a);
    a.transport.send([big(), big(), big(), big(), big(), big(), big(), big()]);
    for (let i = 0; i < 5000; i++) {
      a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    }
    expect(a.handler.unreachable).toHaveLength(5000 + 8 - 4096);
  });

  test('is cut off when it takes nothing for the read timeout', async () => {
    const a = await bench.start(1n, { readTimeoutMs: 200, heartbeatIntervalMs: 50 });
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
    const url = await bench.listen(() => {
      asked++;
    });
    const a = await bench.start(1n);
    a.transport.addPeer(2n, [url]);
    for (let i = 0; i < 100; i++) {
      a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    }
    expect(a.handler.unreachable).toHaveLength(100 - 4 - 64);
    await until(() => asked >= 4 + 2, 'four POSTs and two dials are under way');
    expect(asked).toBe(6);
  });
});
