/** The JSON gateway against upstream's: the same requests to both, and the same answers, byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { type GatewayRequest, gatewayRequests } from './gateway-requests.ts';

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const comparedHeaders = ['content-type', 'grpc-metadata-content-type', 'www-authenticate', 'x-content-type-options'];

async function ask(base: string, { path, body, method = 'POST', headers = {} }: GatewayRequest): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers,
    ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(10_000),
  });
  const names = comparedHeaders.filter((name) => response.headers.has(name));
  return {
    status: response.status,
    headers: Object.fromEntries(names.map((name) => [name, response.headers.get(name) as string])),
    body: withoutIds(await response.text()),
  };
}

/**
 * Leaves out what two servers cannot have in common: ids of clusters and members come from ports and time, the term
 * from how many elections a start took, what is left of a lease from how busy the machine is, and Go's protobuf library
 * puts either kind of space into its messages, so that nobody relies on them.
 */
function withoutIds(text: string): string {
  return text
    .replaceAll('\u00a0', ' ')
    .replace(/"(cluster_id|member_id|memberID|raft_term)":"\d+"/g, '"$1":"*"')
    .replace(/"TTL":"(9\d\d|1000)"/g, '"TTL":"*"')
    .replace(/127\.0\.0\.1:\d+/g, '*')
    .replace(/"members":\[\{"ID":"\d+"/, '"members":[{"ID":"*"');
}

/** Reads lines of a streamed answer until there are enough, and hangs up. */
async function firstLines(base: string, path: string, body: string, count: number): Promise<string[]> {
  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(new Error(`no ${count} lines within 10 s`)), 10_000);
  const response = await fetch(`${base}${path}`, { method: 'POST', body, signal: stop.signal });
  const lines: string[] = [];
  let rest = '';
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    const parts = `${rest}${Buffer.from(chunk).toString()}`.split('\n');
    rest = parts.pop() as string;
    lines.push(...parts.map(withoutIds));
    if (lines.length >= count) break;
  }
  clearTimeout(deadline);
  stop.abort();
  return lines.slice(0, count);
}

/** Sends each request when the one before was answered. @returns the subprotocol, and the answers */
async function overWebSocket(
  base: string,
  path: string,
  requests: readonly string[],
  count: number,
): Promise<string[]> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}${path}`, ['Bearer', 'token.1']);
  const told: string[] = [];
  const answered = new Promise<void>((resolve, reject) => {
    const ended = () => (told.length === count ? resolve() : reject(new Error(`closed after ${told.length} answers`)));
    const late = setTimeout(() => reject(new Error(`${told.length} of ${count} answers within 10 s`)), 10_000);
    let sent = 0;
    const send = () => sent < requests.length && socket.send(requests[sent++] as string);
    socket.addEventListener('open', send);
    socket.addEventListener('error', ended);
    socket.addEventListener('close', () => {
      clearTimeout(late);
      ended();
    });
    socket.addEventListener('message', ({ data }) => {
      told.push(withoutIds(String(data)));
      send();
      if (told.length === count) socket.close();
    });
  });
  await answered;
  return [socket.protocol, ...told];
}

describe.skipIf(!haveUpstream())('the JSON gateway', () => {
  const clusters: TestCluster[] = [];
  let ours = '';
  let theirs = '';

  beforeAll(async () => {
    const start = async (executables: Awaited<ReturnType<typeof ensureBuilt>>): Promise<string> => {
      const cluster = await TestCluster.start(executables, { members: 1 });
      clusters.push(cluster);
      return cluster.member(0).clientUrl;
    };
    ours = await start(await ensureBuilt());
    theirs = await start(upstreamExecutables());
  });
  afterAll(() => Promise.all(clusters.map((cluster) => cluster.close())));

  test('answers as upstream’s does', async () => {
    const differences: { title: string; wanted: string; got: string }[] = [];
    for (const request of gatewayRequests) {
      const [wanted, got] = [await ask(theirs, request), await ask(ours, request)];
      const { method = 'POST', path, body } = request;
      const title = `${method} ${path} ${body.slice(0, 100)} ${JSON.stringify(request.headers ?? {})}`;
      if (JSON.stringify(wanted) !== JSON.stringify(got))
        differences.push({ title, wanted: JSON.stringify(wanted), got: JSON.stringify(got) });
    }
    expect(differences).toEqual([]);
    expect(gatewayRequests.length).toBeGreaterThan(150);
  });

  test.each([
    ['a watch', '/v3/watch', '{"create_request":{"key":"d2F0Y2hlZA==","range_end":"eA==","start_revision":"3"}}', 2],
    ['a watch that is cancelled', '/v3/watch', '{"create_request":{"key":"YQ=="}}{"cancel_request":{}}', 2],
    ['a watch from compacted history', '/v3/watch', '{"create_request":{"key":"YQ==","start_revision":1}}', 2],
  ])('streams %s as upstream’s does', async (_title, path, body, count) => {
    for (const base of [ours, theirs]) {
      for (const value of ['PDE+', 'Mg==']) {
        await ask(base, { path: '/v3/kv/put', body: `{"key":"d2F0Y2hlZA==","value":"${value}"}` });
      }
    }
    const wanted = await firstLines(theirs, path, body, count);
    expect(await firstLines(ours, path, body, count)).toEqual(wanted);
  });

  test.each([
    ['a watch', '/v3/watch', ['{"create_request":{"key":"YQ=="}}', '{"progress_request":{}}'], 2],
    ['two requests in one message', '/v3/watch', ['{"create_request":{"key":"YQ=="}}{"create_request":{}}'], 2],
    ['a lease', '/v3/lease/keepalive', ['{"ID":1}', '{"ID":2}'], 2],
    ['one call', '/v3/kv/range', ['{"key":"bm9uZQ=="}'], 1],
    ['what there is not', '/v3beta/none', [], 1],
  ])('serves %s over a WebSocket as upstream’s does', async (_title, path, requests, count) => {
    const [wanted, got] = [
      await overWebSocket(theirs, path, requests, count),
      await overWebSocket(ours, path, requests, count),
    ];
    expect(wanted).toHaveLength(count + 1);
    expect(got).toEqual(wanted);
  });

  test('streams a snapshot that is whole', async () => {
    const read = async (base: string): Promise<{ bytes: Buffer; names: Set<string> }> => {
      const response = await fetch(`${base}/v3/maintenance/snapshot`, { method: 'POST', body: '{}' });
      const results = (await response.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).result);
      return {
        bytes: Buffer.concat(results.map(({ blob = '' }) => Buffer.from(blob, 'base64'))),
        names: new Set(results.flatMap((result) => Object.keys(result))),
      };
    };
    const [wanted, got] = [await read(theirs), await read(ours)];
    expect([...got.names].sort()).toEqual([...wanted.names].sort());
    // Whole pages, and the hash behind them.
    expect(got.bytes.length % 4096).toBe(32);
  });
});
