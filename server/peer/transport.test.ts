import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Entry, Message, MessageType } from '../proto/gen/raft.ts';
import { connect, message, until } from './testing/nodes.ts';
import { ask, raftHeaders, snapMessage, Workbench } from './testing/workbench.ts';
import { Transport } from './transport.ts';

const bench = new Workbench();
afterEach(() => bench.clear());

describe('messages between two members', () => {
  test('arrive in order, whole, over the stream for their kind', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
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
    const b = await bench.start(2n);
    const a = await bench.start(1n);
    a.transport.addPeer(b.id, [b.url]);
    a.transport.send([message(a, b, { commit: 5 })]);
    await until(() => b.handler.messages.length === 1, 'the message has arrived');
    expect(b.handler.messages[0]).toEqual(message(a, b, { commit: 5 }));
  });

  test('can answer a sender that is no member yet', async () => {
    const b = await bench.start(2n);
    const a = await bench.start(1n);
    const local = await bench.start(3n, { localPeerUrls: [a.url] });
    local.transport.addPeer(b.id, [b.url]);
    const asA = Message.create({ ...message(a, b), from: local.id });
    local.transport.send([asA]);
    await until(() => b.handler.messages.length === 1, 'the question has arrived');
    b.transport.send([Message.create({ ...message(b, a), to: local.id })]);
    await until(() => a.logged('rejected raft message').length === 1, 'the answer came to the URL in the header');
  });

  test('of one call leave in one write', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
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
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    await connect(a, b);
    const answer = (fields: Partial<Message>) => message(a, b, { type: MessageType.MsgAppResp, ...fields });
    const rejection = answer({ index: 2, reject: true, rejectHint: 1 });
    a.transport.send([answer({ index: 1 }), rejection, answer({ index: 3 }), answer({ index: 4 })]);
    a.transport.send([message(a, b)]);
    await until(() => b.handler.messages.length >= 3, 'they have arrived');
    expect(b.handler.messages).toEqual([rejection, answer({ index: 4 }), message(a, b)]);
  });

  test('for another member or from a removed one never reach raft', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
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
    const a = await bench.start(1n);
    expect(() => a.transport.send([snapMessage(a.id, 2n)])).toThrow('sendSnapshot');
  });
});

describe('a member that was removed', () => {
  test('learns it from 410 when it dials, once', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
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
    const url = await bench.listen((_, response) => response.writeHead(403).end());
    const a = await bench.start(1n);
    a.transport.addPeer(2n, [url]);
    a.transport.send([Message.create({ type: MessageType.MsgHeartbeat, from: 1n, to: 2n })]);
    await until(() => a.handler.timesRemoved === 1, 'a knows');
  });
});

test('probes measure the way to a peer and back', async () => {
  const seconds: number[] = [];
  const b = await bench.start(2n);
  const a = await bench.start(1n, { probeIntervalMs: 20, metrics: { roundTrip: (_, value) => seconds.push(value) } });
  await connect(a, b);
  await until(() => seconds.length >= 2, 'two probes were answered');
  expect(seconds.every((value) => value > 0 && value < 5)).toBe(true);
});

test('a transport that is closed leaves nothing behind, and takes no message any more', async () => {
  const [a, b] = [await bench.start(1n), await bench.start(2n)];
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
