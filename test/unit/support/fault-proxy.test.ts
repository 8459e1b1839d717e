import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FaultProxy } from '../../support/fault-proxy.ts';

let server: net.Server;
let proxy: FaultProxy;
/** What the member behind the proxy has received, by connection. */
let received: Buffer[][];
let accepted: net.Socket[];
let clients: net.Socket[];

beforeEach(async () => {
  [received, accepted, clients] = [[], [], []];
  server = net.createServer((socket) => {
    const index = accepted.push(socket) - 1;
    const chunks: Buffer[] = [];
    received[index] = chunks;
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  proxy = await FaultProxy.listen((server.address() as net.AddressInfo).port);
});

afterEach(async () => {
  for (const socket of clients) socket.destroy();
  await proxy.close();
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** A member's connection: its request is through when this resolves. */
async function connect(from: string): Promise<{ socket: net.Socket; index: number; answers: () => string }> {
  const socket = net.connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => undefined);
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1');
  });
  const index = accepted.length;
  const request = `GET /raft/stream/message/${from} HTTP/1.1\r\nX-Server-From: ${from}\r\n\r\n`;
  socket.write(request);
  await vi.waitFor(() => expect(got(index)).toBe(request), 10_000);
  received[index]?.splice(0);
  return { socket, index, answers: () => answers };
}

const got = (index: number) => Buffer.concat(received[index] ?? []).toString();
const gotBytes = (index: number) => (received[index] ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
const closed = (socket: net.Socket) => new Promise((resolve) => socket.once('close', resolve));
/** Long enough for anything to arrive that is not held back. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 60));

test('everything passes, in both directions and to the end', async () => {
  const { socket, index, answers } = await connect('a1');
  const large = Buffer.alloc(3_000_000, 'x');
  socket.write(large);
  (accepted[index] as net.Socket).end('answer');
  await vi.waitFor(() => expect(gotBytes(index)).toBe(large.length), 10_000);
  await vi.waitFor(() => expect(answers()).toBe('answer'), 10_000);
  socket.end();
  await vi.waitFor(() => expect(proxy.openLinks).toBe(0), 10_000);
});

describe('a cut link', () => {
  test('is silent in both directions, and delivers what was held back when it is healed', async () => {
    const { socket, index, answers } = await connect('a1');
    proxy.fault({ cut: ['towards', 'back'] });
    socket.write('one');
    accepted[index]?.write('two');
    await aWhile();
    expect([got(index), answers()]).toEqual(['', '']);
    expect(socket.destroyed).toBe(false);
    proxy.heal();
    await vi.waitFor(() => expect([got(index), answers()]).toEqual(['one', 'two']), 10_000);
  });

  test('is silent in one direction only, if so wanted', async () => {
    const { socket, index, answers } = await connect('a1');
    proxy.fault({ cut: ['back'] });
    accepted[index]?.write('two');
    socket.write('one');
    await vi.waitFor(() => expect(got(index)).toBe('one'), 10_000);
    await aWhile();
    expect(answers()).toBe('');
  });

  test('is that of one member only, if so wanted, on connections made before and after', async () => {
    const [a, b] = [await connect('a1'), await connect('b2')];
    proxy.fault({ cut: ['towards', 'back'] }, 'a1');
    a.socket.write('lost');
    b.socket.write('there');
    await vi.waitFor(() => expect(got(b.index)).toBe('there'), 10_000);
    const late = net.connect(proxy.port, '127.0.0.1');
    clients.push(late);
    late.write('GET / HTTP/1.1\r\nX-Server-From: a1\r\n\r\n');
    await aWhile();
    expect([got(a.index), got(2)]).toEqual(['', '']);
  });

  test('holds back a bounded amount: the sender has to wait', async () => {
    const { socket, index } = await connect('a1');
    proxy.fault({ cut: ['towards'] });
    const large = Buffer.alloc(40_000_000, 'x');
    const sent = new Promise((resolve) => socket.write(large, resolve));
    await aWhile();
    expect(socket.writableLength).toBeGreaterThan(0);
    proxy.heal();
    await sent;
    await vi.waitFor(() => expect(gotBytes(index)).toBe(large.length), { timeout: 10_000 });
  });
});

test('a slow link delivers later, in order', async () => {
  const { socket, index } = await connect('a1');
  proxy.fault({ delayMs: 80 });
  const start = performance.now();
  socket.write('one ');
  socket.write('two');
  await vi.waitFor(() => expect(got(index)).toBe('one two'), { interval: 5 });
  expect(performance.now() - start).toBeGreaterThan(75);
});

test('a narrow link delivers no more than it may', async () => {
  const { socket, index } = await connect('a1');
  proxy.fault({ bytesPerSecond: 100_000 });
  const start = performance.now();
  socket.write(Buffer.alloc(30_000, 'x'));
  await vi.waitFor(() => expect(gotBytes(index)).toBe(30_000), { interval: 5, timeout: 5000 });
  expect(performance.now() - start).toBeGreaterThan(200);
});

test('a reset breaks the connections of one member and leaves the others', async () => {
  const [a, b] = [await connect('a1'), await connect('b2')];
  const broken = closed(a.socket);
  proxy.reset('a1');
  await broken;
  b.socket.write('still there');
  await vi.waitFor(() => expect(got(b.index)).toBe('still there'), 10_000);
  expect(proxy.openLinks).toBe(1);
});

test('a connection to a member that is not there is refused', async () => {
  server.close();
  const socket = net.connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => undefined);
  await closed(socket);
  expect(proxy.openLinks).toBe(0);
});
