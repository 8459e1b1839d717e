/** Clients that wear the server out: the others are served meanwhile, and memory stays within bounds. */
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attacks, unreadAnswers } from '../../test/support/http2-attacks.ts';
import { silentLogger } from '../base/logger.ts';
import { KVService, RangeRequest } from '../proto/gen/rpc.ts';
import { call, TestServer } from './testing/test-server.ts';

/** What attackers may cost, both sides of their connections together. */
const allowedGrowthBytes = 1024 * 1024 * 1024;
const connections = 4;
/** Bytes that each of them sends, if the server takes them within its time. */
const attackBytes = 16 * 1024 * 1024;
const attackMs = 1500;

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start({ logger: silentLogger });
});
afterEach(() => server.close());

/** Sends until it has sent enough, the server hangs up, or its time is over. */
function attack(pieces: Generator<Buffer>, { reads }: { reads: boolean }): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(server.listener.port, '127.0.0.1');
    let sent = 0;
    const stop = (): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve();
    };
    const deadline = setTimeout(stop, attackMs);
    // One piece at a time, so that attacker and server, which share a process here, take turns.
    const send = (): void => {
      if (sent >= attackBytes || socket.destroyed) return;
      const piece = pieces.next().value as Buffer;
      sent += piece.length;
      if (socket.write(piece)) setImmediate(send);
      else socket.once('drain', send);
    };
    socket.on('connect', send);
    if (reads) socket.resume();
    else socket.pause();
    socket.on('error', () => {});
    socket.on('close', stop);
  });
}

/** Lets attackers loose, and works as an ordinary client meanwhile: a call that fails or hangs fails the test. */
async function endure(make: () => Promise<void>): Promise<void> {
  const before = process.memoryUsage.rss();
  let isOver = false;
  const over = Promise.all(Array.from({ length: connections }, make)).then(() => {
    isOver = true;
  });
  const client = server.client();
  do {
    await call(client, KVService.Put, { key: Buffer.from('honest') });
  } while (!isOver);
  await over;
  expect(process.memoryUsage.rss() - before).toBeLessThan(allowedGrowthBytes);
}

describe('who sends', () => {
  test.each(Object.entries(attacks))('%s wears nobody out', async (_name, pieces) => {
    await endure(() => attack(pieces(), { reads: true }));
  });

  test('requests and reads no answer wears nobody out', async () => {
    server.member.store.set('large', Buffer.alloc(1_000_000, 'x'));
    const request = RangeRequest.encode(RangeRequest.create({ key: Buffer.from('large') }));
    await endure(() => attack(unreadAnswers(request), { reads: false }));
  });

  test('JSON without an end wears nobody out', async () => {
    function* body(): Generator<Buffer> {
      yield Buffer.from('POST /v3/kv/put HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
      const chunk = Buffer.from('{"a":['.repeat(5000));
      for (;;) yield Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    }
    await endure(() => attack(body(), { reads: true }));
  });

  test('headers of HTTP/1.1 without an end wears nobody out', async () => {
    function* headers(): Generator<Buffer> {
      yield Buffer.from('GET /health HTTP/1.1\r\n');
      for (let i = 0; ; i++) yield Buffer.from(`x-${i}: ${'y'.repeat(1000)}\r\n`);
    }
    await endure(() => attack(headers(), { reads: true }));
  });
});

test('who only connects wears nobody out', async () => {
  const sockets = Array.from({ length: 300 }, () =>
    net.connect(server.listener.port, '127.0.0.1').on('error', () => {}),
  );
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  await endure(async () => {});
  for (const socket of sockets) socket.destroy();
});
