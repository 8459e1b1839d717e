/** The board over HTTP, with a board that tells what the test wants: who is let in, and readers who do not read. */
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Happening, Watcher } from './board.ts';
import type { BoardSource } from './event-streams.ts';
import { BoardServer, type BoardServerOptions } from './server.ts';

class FakeBoard implements BoardSource {
  readonly epoch = 'first';
  readonly watchers = new Set<Watcher>();
  happenings: Happening[] = [];

  document(lab?: string) {
    return { epoch: this.epoch, nowMs: 1, labs: [], ...(lab !== undefined && { asked: lab }) };
  }

  happeningsSince(id: number): Happening[] {
    return this.happenings.filter((happening) => happening.id > id);
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  tell(member: string): void {
    const id = this.happenings.length + 1;
    const happening: Happening = { id, atMs: id, lab: 'seat1', change: { kind: 'member-up', member } };
    this.happenings.push(happening);
    for (const watcher of this.watchers) watcher.onHappening(happening);
  }
}

const page = { html: '<!doctype html><title>page</title>', contentSecurityPolicy: "default-src 'none'" };
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function start(options: Partial<BoardServerOptions> = {}) {
  const board = new FakeBoard();
  const server = await BoardServer.start({ board, page, listen: '127.0.0.1', port: 0, ...options });
  opened.push(server);
  return { board, server, base: new URL(server.url) };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function ask(base: URL, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: base.hostname, port: base.port, path, headers, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on('error', reject).end();
  });
}

/** A page that is open: all that it was sent so far. */
async function listen(base: URL, path = '/events', headers: Record<string, string> = {}) {
  const reader = { text: '', status: 0, isEnded: false, close: () => {} };
  await new Promise<void>((resolve, reject) => {
    const asked = request({ host: base.hostname, port: base.port, path, headers, agent: false }, (response) => {
      reader.status = response.statusCode ?? 0;
      response.setEncoding('utf8').on('data', (piece: string) => {
        reader.text += piece;
      });
      response
        .on('error', () => undefined)
        .on('close', () => {
          reader.isEnded = true;
        });
      resolve();
    });
    reader.close = () => asked.destroy();
    asked.on('error', reject).end();
  });
  opened.push(reader);
  return reader;
}

/** Asks for the events, and never reads a byte of them. */
async function neverReads(base: URL): Promise<Socket> {
  const socket = connect({ host: base.hostname, port: Number(base.port) });
  socket.pause();
  socket.on('error', () => undefined);
  opened.push({ close: () => socket.destroy() });
  socket.write(`GET /events HTTP/1.1\r\nhost: ${base.host}\r\n\r\n`);
  return socket;
}

describe('what is served', () => {
  test('the page, with a policy that keeps it to itself', async () => {
    const { base } = await start();
    const { status, headers, text } = await ask(base, '/');
    expect({ status, text }).toEqual({ status: 200, text: page.html });
    expect(headers['content-security-policy']).toBe(page.contentSecurityPolicy);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  test('the state of a lab', async () => {
    const { base, board } = await start();
    board.tell('node1');
    const { text } = await ask(base, '/state?lab=seat1');
    expect(JSON.parse(text)).toMatchObject({ asked: 'seat1', happenings: [{ id: 1 }] });
  });

  test.each([
    ['POST', '/state', 405],
    ['DELETE', '/', 405],
    ['GET', '/etc/passwd', 404],
    ['GET', '//evil.example/', 404],
    ['GET', '/state?lab=../secret', 400],
    ['GET', '/events?lab=%00', 400],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const { base } = await start();
    expect((await ask(base, path, {}, method)).status).toBe(status);
  });
});

describe('who is let in', () => {
  test('nobody under a name that is not of this machine: it may be pointed at it by somebody else', async () => {
    const { base } = await start();
    for (const path of ['/', '/state', '/events']) {
      expect((await ask(base, path, { host: `evil.example:${base.port}` })).status, path).toBe(421);
    }
  });

  test('no page of another site', async () => {
    const { base } = await start();
    expect((await ask(base, '/state', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask(base, '/state', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('with a token: the page to everybody, what it shows only to who brings it', async () => {
    const { base } = await start({ askForToken: true });
    const token = new URLSearchParams(base.hash.slice(1)).get('token');
    expect((await ask(base, '/')).status).toBe(200);
    expect((await ask(base, '/state')).status).toBe(401);
    expect((await ask(base, '/events')).status).toBe(401);
    const { status, headers } = await ask(base, '/state', { authorization: `Bearer ${token}` });
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect({ status, hasCookie: cookie !== '' }).toEqual({ status: 200, hasCookie: true });
    expect((await listen(base, '/events', { cookie })).status).toBe(200);
  });

  test('without one, this machine needs none', async () => {
    const { base } = await start();
    expect(base.hash).toBe('');
    expect((await ask(base, '/state')).status).toBe(200);
  });
});

describe('pages that are open', () => {
  test('get a document and what has happened, then what happens', async () => {
    const { base, board } = await start();
    board.tell('node1');
    const reader = await listen(base);
    board.tell('node2');
    await expect.poll(() => reader.text).toContain('id: first.2\n');
    expect(reader.text).toMatch(/event: document\ndata: \{.*\}\n\n(.*\n)*event: happening\nid: first.1\ndata: .*node1/);
  });

  test('that come back get what they have missed, and nothing twice', async () => {
    const { base, board } = await start();
    for (const member of ['node1', 'node2', 'node3']) board.tell(member);
    const reader = await listen(base, '/events', { 'last-event-id': 'first.2' });
    await expect.poll(() => reader.text).toContain('node3');
    expect(reader.text).not.toContain('node2');
    const stranger = await listen(base, '/events', { 'last-event-id': 'another.2' });
    await expect.poll(() => stranger.text).toContain('node3');
    expect(stranger.text).toContain('node1');
  });

  test('hear something now and then also when nothing happens', async () => {
    const { base } = await start({ limits: { heartbeatMs: 5 } });
    const reader = await listen(base);
    await expect.poll(() => reader.text).toContain(': \n\n: \n\n');
  });

  test('are counted, and refused beyond the bound', async () => {
    const { base, server } = await start({ limits: { maxStreams: 2 } });
    const readers = [await listen(base), await listen(base)];
    const { status, headers } = await ask(base, '/events');
    expect({ status, retry: headers['retry-after'] }).toEqual({ status: 503, retry: '10' });
    readers[0]?.close();
    await expect.poll(() => server.readers).toBe(1);
    expect((await listen(base)).status).toBe(200);
  });

  test('that leave too much unread are dropped, and nobody else', async () => {
    const { base, board, server } = await start({ limits: { maxWaitingBytes: 100_000 } });
    const reader = await listen(base);
    await neverReads(base);
    await expect.poll(() => server.readers).toBe(2);
    // Until what the kernel takes in is full as well.
    for (let told = 0; server.readers === 2 && told < 5000; told++) {
      board.tell('x'.repeat(20_000));
      await nextTurn();
    }
    expect(server.readers).toBe(1);
    board.tell('after all');
    await expect.poll(() => reader.text).toContain('after all');
    expect(reader.isEnded).toBe(false);
  });

  test('that read nothing for too long are dropped, however little waits', async () => {
    const limits = { stuckMs: 1, heartbeatMs: 5, maxWaitingBytes: Number.POSITIVE_INFINITY };
    const { base, board, server } = await start({ limits });
    await neverReads(base);
    await expect.poll(() => server.readers).toBe(1);
    board.tell('x'.repeat(32 * 1024 * 1024));
    await expect.poll(() => server.readers).toBe(0);
    expect(board.watchers.size).toBe(0);
  });

  test('do not keep the board from ending', async () => {
    const { base, server } = await start();
    const reader = await listen(base);
    await server.close();
    await expect.poll(() => reader.isEnded).toBe(true);
  });
});

describe('addresses that cannot be listened on', () => {
  test('a port that is taken', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    opened.push({ close: () => new Promise((resolve) => other.close(resolve)) });
    await expect(start({ port })).rejects.toMatchObject({
      code: 'LAB_LISTEN',
      message: `127.0.0.1 port ${port} is taken by another program`,
      advice: ['name another with --port, or let one be chosen with --port 0'],
    });
  });

  test('an address of somebody else', async () => {
    await expect(start({ listen: '192.0.2.1' })).rejects.toMatchObject({
      code: 'LAB_LISTEN',
      message: '192.0.2.1 port 0 is no address of this machine',
    });
  });
});
