import http from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, raftHeaders, Workbench } from './testing/workbench.ts';

const bench = new Workbench();
afterEach(() => bench.clear());

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
    const a = await bench.start(1n);
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
    const a = await bench.start(1n);
    const { status, text } = await ask(a.url, '/raft/probing');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ OK: true, Now: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
  });

  test('refuse a body that is larger than any message', async () => {
    const a = await bench.start(1n);
    const request = http.request(`${a.url}/raft`, { method: 'POST', headers: raftHeaders(), agent: false });
    const ended = new Promise((resolve) => request.once('response', resolve).once('error', resolve));
    const piece = Buffer.alloc(1024 * 1024);
    const feed = (): void => {
      while (!request.destroyed && request.write(piece));
    };
    request.on('drain', feed);
    feed();
    // The answer is 413; the cut connection may overtake it.
    await ended;
    request.destroy();
    expect(a.lines.map((line) => line.fields.error)).toContain('body is larger than 67108864 bytes');
  });

  test('give up a sender that stops in the middle of a body', async () => {
    const a = await bench.start(1n, { readTimeoutMs: 100 });
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
