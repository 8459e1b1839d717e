import { X509Certificate } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createAuthority, systemSources } from '../../pki/mod.ts';
import { Logger, type LogRecord } from '../base/logger.ts';
import { errTimeout } from '../errors/etcd-error.ts';
import { AlarmType } from '../proto/gen/rpc.ts';
import { FakeMember } from '../rpc/testing/fake-member.ts';
import { type HttpRequest, type HttpResponse, splitTarget } from './exchange.ts';
import {
  clientRouter,
  type HttpHandler,
  monitoringRouter,
  type RouterOptions,
  withAccessRule,
  withoutCommonNames,
} from './mod.ts';

const log: LogRecord[] = [];
const logger = new Logger({ enabled: () => true, write: (record) => log.push(record) }, 'test');

const noBody = { remoteAddress: '127.0.0.1:1', body: Readable.from([]), signal: new AbortController().signal };

function setUp(router: (options: RouterOptions) => HttpHandler = clientRouter) {
  const member = new FakeMember();
  const checks: string[] = [];
  const healths: boolean[] = [];
  const handler = router({
    member,
    logger,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    requestTimeoutMs: 50,
    healthObserver: {
      health: (healthy) => healths.push(healthy),
      check: (type, name, passed) => checks.push(`${type} ${name} ${passed}`),
    },
  });
  const get = (target: string, method = 'GET', headers = {}, secure = false): Promise<HttpResponse> =>
    handler({ method, ...splitTarget(target), headers, secure, ...noBody } as HttpRequest);
  return { member, get, checks, healths };
}

describe('GET /health', () => {
  test('is healthy with 200 and a string', async () => {
    const { get, healths } = setUp();
    expect(await get('/health')).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: '{"health":"true","reason":""}',
    });
    expect(healths).toEqual([true]);
  });

  test.each([
    ['NOSPACE', AlarmType.NOSPACE],
    ['CORRUPT', AlarmType.CORRUPT],
  ])('fails with alarm %s, unless that is excluded', async (name, alarm) => {
    const { member, get, healths } = setUp();
    member.raisedAlarms = [{ memberID: 1n, alarm }];
    expect(await get('/health')).toMatchObject({ status: 503, body: `{"health":"false","reason":"ALARM ${name}"}` });
    expect(await get(`/health?exclude=${name}`)).toMatchObject({ status: 200 });
    expect(await get('/health?exclude=NOSPACE&exclude=CORRUPT')).toMatchObject({ status: 200 });
    expect(await get('/health?exclude=OTHER')).toMatchObject({ status: 503 });
    expect(healths).toEqual([false, true, true, false]);
  });

  test('fails without a leader, unless a serializable answer is enough', async () => {
    const { member, get } = setUp();
    member.leaderId = 0n;
    expect(await get('/health')).toMatchObject({ status: 503, body: '{"health":"false","reason":"RAFT NO LEADER"}' });
    expect(await get('/health?serializable=true')).toMatchObject({ status: 200 });
    expect(await get('/health?serializable=false')).toMatchObject({ status: 503 });
  });

  test('fails when nothing can be read', async () => {
    const { member, get } = setUp();
    member.range = () => Promise.reject(errTimeout());
    const body = '{"health":"false","reason":"RANGE ERROR:etcdserver: request timed out"}';
    expect(await get('/health')).toMatchObject({ status: 503, body });
  });

  test('waits no longer than a request may take', async () => {
    const { member, get } = setUp();
    member.range = () => new Promise(() => {});
    expect(await get('/health')).toMatchObject({ status: 503, body: expect.stringContaining('RANGE ERROR:') });
  });

  test('takes only GET', async () => {
    const { get } = setUp();
    expect(await get('/health', 'POST')).toEqual({
      status: 405,
      headers: { allow: 'GET', 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: 'Method Not Allowed\n',
    });
  });
});

describe('GET /livez and /readyz', () => {
  test('say ok', async () => {
    const { get, checks } = setUp();
    const ok = { status: 200, headers: { 'x-content-type-options': 'nosniff' }, body: 'ok\n' };
    expect(await get('/livez')).toMatchObject(ok);
    expect(await get('/readyz')).toMatchObject(ok);
    expect(checks.sort()).toEqual([
      'livez serializable_read true',
      ...['data_corruption', 'linearizable_read', 'non_learner', 'serializable_read'].map(
        (name) => `readyz ${name} true`,
      ),
    ]);
  });

  test('name their checks when asked', async () => {
    const { get } = setUp();
    expect((await get('/livez?verbose')).body).toBe('[+]serializable_read ok\nok\n');
    expect((await get('/readyz?verbose&exclude=data_corruption&exclude=non_learner')).body).toBe(
      '[+]serializable_read ok\n[+]linearizable_read ok\nok\n',
    );
  });

  test('make one check by its name', async () => {
    const { get, checks } = setUp();
    expect(await get('/readyz/data_corruption')).toMatchObject({ status: 200, body: 'ok\n' });
    expect((await get('/livez/serializable_read?verbose')).body).toBe('[+]serializable_read ok\nok\n');
    expect(checks).toEqual(['readyz data_corruption true', 'livez serializable_read true']);
  });

  test.each(['/readyz/nope', '/livez/data_corruption', '/livez/', '/livez/x/y'])('have no %s', async (path) => {
    expect(await setUp().get(path)).toMatchObject({ status: 404, body: '404 page not found\n' });
  });

  test('pass over the exclusion of a check that there is not, with a warning', async () => {
    log.length = 0;
    expect(await setUp().get('/readyz?exclude=foo')).toMatchObject({ status: 200 });
    expect(log).toMatchObject([{ level: 'warn', msg: 'some health checks cannot be excluded' }]);
  });

  test('list everything when something fails', async () => {
    const { member, get } = setUp();
    member.learner = true;
    member.raisedAlarms = [{ memberID: 1n, alarm: AlarmType.CORRUPT }];
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body:
        '[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n' +
        '[+]linearizable_read ok\n[-]non_learner failed: not supported for learner\n',
    });
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  test('do not mind a full database', async () => {
    const { member, get } = setUp();
    member.raisedAlarms = [{ memberID: 1n, alarm: AlarmType.NOSPACE }];
    expect(await get('/readyz')).toMatchObject({ status: 200 });
  });

  test('wait no longer than a request may take', async () => {
    const { member, get } = setUp();
    const { range } = member;
    member.range = (request) => (request.serializable ? range(request) : new Promise(() => {}));
    expect((await get('/readyz')).body).toContain('[-]linearizable_read failed: etcdserver: request timed out\n');
  });
});

describe('other paths', () => {
  test('/version tells the server’s and the cluster’s', async () => {
    const { member, get } = setUp();
    expect((await get('/version')).body).toBe('{"etcdserver":"3.5.30","etcdcluster":"3.5.0"}');
    member.version = undefined;
    expect((await get('/version')).body).toBe('{"etcdserver":"3.5.30","etcdcluster":"not_decided"}');
    expect(await get('/version', 'PUT')).toMatchObject({ status: 405 });
  });

  test('/debug/vars tells of the process, and where it stands in raft', async () => {
    const { get } = setUp();
    const { status, headers, body } = await get('/debug/vars');
    expect([status, headers]).toEqual([200, { 'content-type': 'application/json; charset=utf-8' }]);
    const { memstats, ...rest } = JSON.parse(body as string);
    expect(rest).toEqual({
      cmdline: [process.execPath, ...process.argv.slice(2)],
      ...(process.platform === 'linux' && { file_descriptor_limit: expect.any(Number) }),
      'raft.status': {
        ...{ id: 'a', term: 3, vote: 'a', commit: 7, lead: 'a', raftState: 'StateLeader', applied: 6 },
        progress: {
          a: { match: 7, next: 8, state: 'StateReplicate' },
          abc: { match: 2, next: 3, state: 'StateProbe' },
        },
        leadtransferee: '0',
      },
    });
    expect(memstats.Sys).toBeGreaterThan(memstats.HeapAlloc);
    expect(await get('/debug/vars', 'POST')).toMatchObject({ status: 405 });
    expect(await setUp(monitoringRouter).get('/debug/vars')).toMatchObject({ status: 404 });
  });

  test('/metrics is text', async () => {
    expect(await setUp().get('/metrics')).toEqual({
      ...{ status: 200, headers: { 'content-type': 'text/plain; version=0.0.4' }, body: 'up 1\n' },
    });
  });

  test.each(['/', '/members', '/v2/keys', '/metrics/', '/debug/pprof/'])('%s is not found', async (path) => {
    expect(await setUp().get(path)).toMatchObject({ status: 404, body: '404 page not found\n' });
  });

  test('on the metrics port are the monitoring ones only', async () => {
    const { get } = setUp(monitoringRouter);
    expect(await get('/version')).toMatchObject({ status: 404 });
    for (const path of ['/metrics', '/health', '/livez', '/readyz'])
      expect(await get(path)).toMatchObject({ status: 200 });
  });

  test('that fail are logged, and no more is told', async () => {
    log.length = 0;
    const { member, get } = setUp();
    member.alarms = () => {
      throw new Error('inner detail');
    };
    expect(await get('/health')).toMatchObject({ status: 500, body: 'Internal Server Error\n' });
    expect(log).toMatchObject([{ level: 'error', fields: { path: '/health' } }]);
  });
});

describe('web pages', () => {
  const hello: HttpHandler = async () => ({ status: 200, headers: {}, body: 'hello' });
  const request = { method: 'GET', path: '/', query: new URLSearchParams(), secure: false, ...noBody };

  test('from anywhere may read, unless origins are listed', async () => {
    const open = withAccessRule({ cors: ['*'], hostWhitelist: ['*'] }, hello);
    expect((await open({ ...request, headers: {} })).headers['access-control-allow-origin']).toBe('*');
    const listed = withAccessRule({ cors: ['http://a:1'], hostWhitelist: [] }, hello);
    const origin = async (from: string) =>
      (await listed({ ...request, headers: { origin: from } })).headers['access-control-allow-origin'];
    expect([await origin('http://a:1'), await origin('http://b:1')]).toEqual(['http://a:1', undefined]);
  });

  test('may ask before', async () => {
    const open = withAccessRule({ cors: [], hostWhitelist: [] }, hello);
    const answer = await open({ ...request, method: 'OPTIONS', headers: {} });
    expect(answer).toMatchObject({ status: 200, body: '', headers: { 'access-control-allow-origin': '*' } });
  });

  test('must name a listed host on plaintext', async () => {
    const listed = withAccessRule({ cors: ['*'], hostWhitelist: ['etcd.example'] }, hello);
    const status = async (host: string, secure = false) =>
      (await listed({ ...request, headers: { host }, secure })).status;
    expect([await status('etcd.example:2379'), await status('127.0.0.1:2379'), await status('[::1]:2379')]).toEqual([
      200, 200, 200,
    ]);
    expect([await status('evil.example:2379'), await status('evil.example', true)]).toEqual([421, 200]);
  });
});

describe('a certificate that names a user', () => {
  const { certificate } = createAuthority({ commonName: 'root', validityMs: 3_600_000 }, systemSources);
  const peerCertificate = () => new X509Certificate(certificate);
  const hello: HttpHandler = async () => ({ status: 200, headers: {}, body: 'hello' });
  let isRefused = true;
  const handler = withoutCommonNames(() => isRefused, hello);
  const ask = (path: string, more = {}): Promise<HttpResponse> =>
    handler({ method: 'POST', path, headers: {}, secure: true, ...noBody, ...more } as unknown as HttpRequest);

  test('does not reach the gateway, where the name would not count', async () => {
    for (const path of ['/v3/kv/range', '/v3beta/kv/range', '/v3/none']) {
      expect(await ask(path, { peerCertificate })).toEqual({
        status: 400,
        headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
        body: 'CommonName of client sending a request against gateway will be ignored and not used as expected\n',
      });
    }
  });

  test('reaches everything else, and the gateway while names mean nothing', async () => {
    for (const path of ['/health', '/v3', '/version'])
      expect(await ask(path, { peerCertificate })).toMatchObject({ status: 200 });
    expect(await ask('/v3/kv/range')).toMatchObject({ status: 200 });
    expect(await ask('/v3/kv/range', { peerCertificate: () => undefined })).toMatchObject({ status: 200 });
    isRefused = false;
    expect(await ask('/v3/kv/range', { peerCertificate })).toMatchObject({ status: 200 });
    isRefused = true;
  });
});
