import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  EtcdError,
  errCompacted,
  errFutureRevision,
  errLearnerNotReady,
  errLeaseNotFound,
  errMemberNotFound,
  errMemberNotLearner,
  errTimeout,
} from '../errors/etcd-error.ts';
import { newMember } from '../membership/mod.ts';
import { LeaseTimeToLiveResponse } from '../proto/gen/rpc.ts';
import { PeerClient } from './peer-client.ts';
import type { PeerHandlers } from './peer-endpoints.ts';
import { createPeerServer, type PeerServer } from './peer-server.ts';

const clusterId = 0xc1a6e8504d9ddbe9n;
const members = [
  newMember({ id: 6358895989969120597n, peerURLs: ['http://127.0.0.1:2380'], name: 'm2', clientURLs: ['http://c:1'] }),
  newMember({ id: 0xf000_0000_0000_0001n, peerURLs: ['http://127.0.0.1:2381'], isLearner: true }),
];
const lease = 0x20dea1f7c8170307n;

const handlers: PeerHandlers = {
  clusterId,
  serverVersion: '3.5.30',
  clusterVersion: () => '3.5.0',
  members: () => members,
  async promoteMember(id) {
    if (id === 1n) throw errMemberNotFound();
    if (id === 2n) throw errMemberNotLearner();
    if (id === 3n) throw errLearnerNotReady();
    if (id === 4n) throw new Error('the disk is on fire');
    return members;
  },
  async hashKv(revision) {
    if (revision === 1) throw errCompacted();
    if (revision > 83) throw errFutureRevision();
    return { revision: 83, hash: revision === 2 ? 0 : 297963974, compactRevision: revision === 2 ? 0 : 78 };
  },
  downgradeEnabled: async () => false,
  async renewLease(id) {
    if (id === 1n) throw errLeaseNotFound();
    if (id === 2n) throw errTimeout();
    return 3600;
  },
  async leaseTimeToLive(id, keys) {
    if (id === 1n) throw errLeaseNotFound();
    return LeaseTimeToLiveResponse.create({
      ID: id,
      TTL: 3599,
      grantedTTL: 3600,
      keys: keys ? [Buffer.from('k')] : [],
    });
  },
};

const open: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function serve(changed: Partial<PeerHandlers> = {}, readTimeoutMs = 5000): Promise<PeerServer> {
  const server = await createPeerServer({
    url: 'http://127.0.0.1:0',
    handlers: { ...handlers, ...changed },
    readTimeoutMs,
  });
  open.push(server);
  return server;
}

function client(timeoutMs = 5000): PeerClient {
  const made = new PeerClient({ timeoutMs });
  open.push(made);
  return made;
}

async function ask(url: string, method: string, path: string, body?: Buffer) {
  return new Promise<{ status: number | undefined; body: Buffer; headers: http.IncomingHttpHeaders }>(
    (resolve, reject) => {
      const request = http.request(url + path, { method, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, body: Buffer.concat(chunks), headers: response.headers }),
        );
      });
      request.on('error', reject);
      if (body !== undefined) request.setHeader('Content-Length', body.length);
      request.end(body);
    },
  );
}

describe('the peer port answers as upstream does', () => {
  test('/members: a JSON array with ids as numbers, and the cluster’s id', async () => {
    const { url } = await serve();
    const answer = await ask(url, 'GET', '/members');
    expect(answer.body.toString()).toBe(
      '[{"id":6358895989969120597,"peerURLs":["http://127.0.0.1:2380"],"name":"m2","clientURLs":["http://c:1"]},' +
        '{"id":17293822569102704641,"peerURLs":["http://127.0.0.1:2381"],"isLearner":true}]\n',
    );
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-etcd-cluster-id': 'c1a6e8504d9ddbe9',
    });
  });

  test('/version: what it is, and what the cluster has decided', async () => {
    const { url } = await serve();
    expect((await ask(url, 'GET', '/version')).body.toString()).toBe('{"etcdserver":"3.5.30","etcdcluster":"3.5.0"}');
    const young = await serve({ clusterVersion: () => undefined });
    expect((await ask(young.url, 'GET', '/version')).body.toString()).toBe(
      '{"etcdserver":"3.5.30","etcdcluster":"not_decided"}',
    );
  });

  test('/members/hashkv: a GET with a question in its body', async () => {
    const { url } = await serve();
    const answer = await ask(url, 'GET', '/members/hashkv', Buffer.from('{"revision":0}'));
    expect(answer.body.toString()).toBe('{"header":{"revision":83},"hash":297963974,"compact_revision":78}');
    const zero = await ask(url, 'GET', '/members/hashkv', Buffer.from('{"revision":2}'));
    expect(zero.body.toString()).toBe('{"header":{"revision":83}}');
  });

  test('/leases and /leases/internal: protobuf', async () => {
    const { url } = await serve();
    const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
    const renewed = await ask(url, 'POST', '/leases', hex('08 8786dcc0fcbea8ef20'));
    expect(renewed.body.toString('hex')).toBe('108786dcc0fcbea8ef2018901c');
    expect(renewed.headers['content-type']).toBe('application/protobuf');
    const asked = await ask(url, 'POST', '/leases/internal', hex('0a0a 08 8786dcc0fcbea8ef20'));
    expect(asked.body.toString('hex')).toBe('0a120a00108786dcc0fcbea8ef20188f1c20901c');
  });

  test.each([
    ['POST', '/members', '', 405, 'Method Not Allowed\n'],
    ['POST', '/version', '', 405, 'Method Not Allowed\n'],
    ['GET', '/members/promote/5', '', 405, 'Method Not Allowed\n'],
    ['GET', '/leases', '', 405, 'Method Not Allowed\n'],
    ['POST', '/members/promote/1', '', 404, 'membership: ID not found\n'],
    ['POST', '/members/promote/x', '', 404, 'member x not found in cluster\n'],
    ['POST', '/members/promote/2', '', 412, 'membership: can only promote a learner member\n'],
    [
      'POST',
      '/members/promote/3',
      '',
      412,
      'etcdserver: can only promote a learner member which is in sync with leader\n',
    ],
    ['POST', '/members/promote/4', '', 500, 'the disk is on fire\n'],
    ['GET', '/members/hashkv', 'x', 400, 'error unmarshalling request\n'],
    ['GET', '/members/hashkv', '{"revision":"1"}', 400, 'error unmarshalling request\n'],
    ['GET', '/members/hashkv', '{"revision":1}', 400, 'mvcc: required revision has been compacted\n'],
    ['POST', '/leases', '\u0008\u0001', 404, 'lease not found\n'],
    ['POST', '/leases', '\u0008\u0002', 408, 'request timed out\n'],
    ['POST', '/leases', 'garbage', 400, 'error unmarshalling request\n'],
    ['POST', '/leases/internal', '\u000a\u0002\u0008\u0001', 404, 'lease not found\n'],
    ['GET', '/health', '', 404, '404 page not found\n'],
    ['GET', '/metrics', '', 404, '404 page not found\n'],
  ])('%s %s %j: %i', async (method, path, body, status, text) => {
    const { url } = await serve();
    const answer = await ask(url, method, path, Buffer.from(body));
    expect([answer.status, answer.body.toString()]).toEqual([status, text]);
  });

  test('what it has no handler for is not found', async () => {
    const bare: PeerHandlers = {
      clusterId,
      serverVersion: '3.5.30',
      clusterVersion: () => undefined,
      members: () => [],
    };
    const server = await createPeerServer({ url: 'http://127.0.0.1:0', handlers: bare });
    open.push(server);
    for (const path of [
      '/raft',
      '/leases',
      '/leases/internal',
      '/members/hashkv',
      '/downgrade/enabled',
      '/members/promote/1',
    ]) {
      expect((await ask(server.url, 'POST', path)).status, path).toBe(404);
    }
  });
});

describe('a peer asks', () => {
  test('who is in the cluster, of the first that answers', async () => {
    const { url } = await serve();
    expect(await client().fetchMembers(['http://127.0.0.1:1', url])).toEqual({ clusterId, members });
  });

  test('in vain, and learns why from each', async () => {
    const { url } = await serve({ members: () => [] });
    await expect(client().fetchMembers(['http://127.0.0.1:1', url])).rejects.toThrow(
      /could not retrieve cluster information from the given URLs; http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*; .*answer without members/,
    );
  });

  test('for versions, hashes, downgrades, leases and promotions', async () => {
    const { url } = await serve();
    const peer = client();
    expect(await peer.fetchVersion(url)).toEqual({ server: '3.5.30', cluster: '3.5.0' });
    expect(await peer.fetchDowngradeEnabled(url)).toBe(false);
    expect(await peer.fetchHashKv(url, clusterId, 0)).toEqual({ revision: 83, hash: 297963974, compactRevision: 78 });
    expect(await peer.fetchHashKv(url, clusterId, 2)).toEqual({ revision: 83, hash: 0, compactRevision: 0 });
    expect(await peer.renewLease(url, lease)).toBe(3600);
    expect(await peer.leaseTimeToLive(url, lease, true)).toMatchObject({
      ID: lease,
      TTL: 3599,
      keys: [Buffer.from('k')],
    });
    expect(await peer.promoteMember(url, 5n)).toEqual(members);
  });

  test('and is told what a client shall be told', async () => {
    const { url } = await serve();
    const peer = client();
    const codes = [
      [() => peer.fetchHashKv(url, clusterId, 1), errCompacted()],
      [() => peer.fetchHashKv(url, clusterId, 84), errFutureRevision()],
      [() => peer.renewLease(url, 1n), errLeaseNotFound()],
      [() => peer.renewLease(url, 2n), errTimeout()],
      [() => peer.leaseTimeToLive(url, 1n, false), errLeaseNotFound()],
      [() => peer.promoteMember(url, 1n), errMemberNotFound()],
      [() => peer.promoteMember(url, 2n), errMemberNotLearner()],
      [() => peer.promoteMember(url, 3n), errLearnerNotReady()],
    ] as const;
    for (const [asked, expected] of codes) {
      const error = await asked().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(EtcdError);
      expect(error).toMatchObject({ code: expected.code, message: expected.message });
    }
    await expect(peer.promoteMember(url, 4n)).rejects.toThrow('answered 500 the disk is on fire');
  });

  test('a member of another cluster, and is refused', async () => {
    const { url } = await serve();
    await expect(client().fetchHashKv(url, 5n, 0)).rejects.toThrow('412 cluster ID mismatch');
  });

  test('one that does not answer, and waits no longer than it said', async () => {
    const { url } = await serve({ downgradeEnabled: () => new Promise(() => undefined) });
    await expect(client(100).fetchDowngradeEnabled(url)).rejects.toThrow(
      /within 100 ms|nothing received or sent for 100 ms/,
    );
  });

  test('one that answers nonsense, and says what it got', async () => {
    const server = http.createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    open.push({ close: () => void server.close() });
    const url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    await expect(client().fetchVersion(url)).rejects.toThrow('answer is not JSON');
    await expect(client().fetchMembers([url])).rejects.toThrow('answer without X-Etcd-Cluster-ID');
    await expect(client().fetchDowngradeEnabled(url)).rejects.toThrow('no truth value');
    server.closeAllConnections();
  });

  test('again over a kept connection that the other side has closed, and is answered', async () => {
    const { url } = await serve();
    const peer = client();
    await peer.fetchVersion(url);
    const port = Number(new URL(url).port);
    const server = open.shift() as PeerServer;
    await server.close();
    open.push(await createPeerServer({ url: `http://127.0.0.1:${port}`, handlers }));
    expect((await peer.fetchVersion(url)).server).toBe('3.5.30');
  });
});

describe('the listener', () => {
  test('refuses a port in use with upstream’s text', async () => {
    const { url } = await serve();
    await expect(createPeerServer({ url, handlers })).rejects.toThrow(
      `listen tcp 127.0.0.1:${new URL(url).port}: bind: address already in use`,
    );
  });

  test.each(['ftp://127.0.0.1:1', 'http://127.0.0.1', 'http://127.0.0.1:99999', 'http://127.0.0.1:1/x', 'unix://x:1'])(
    'refuses %s',
    async (url) => {
      await expect(createPeerServer({ url, handlers })).rejects.toThrow(`cannot listen on peer URL ${url}`);
    },
  );

  test('refuses https without certificates', async () => {
    await expect(createPeerServer({ url: 'https://127.0.0.1:0', handlers })).rejects.toThrow(
      'TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url https://127.0.0.1:0 with HTTPS scheme',
    );
  });

  test('cuts a connection that sends no request', async () => {
    const { url } = await serve({}, 100);
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /members HT');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
  });

  test('refuses a question that is too long', async () => {
    const { url } = await serve();
    const answer = await ask(url, 'POST', '/leases', Buffer.alloc(65 * 1024));
    expect([answer.status, answer.body.toString()]).toEqual([413, 'body is larger than 65536 bytes\n']);
  });
});
