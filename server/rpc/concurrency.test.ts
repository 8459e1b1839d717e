import { beforeEach, describe, expect, test } from 'vitest';
import { Code, EtcdError, errNoLeader } from '../errors/etcd-error.ts';
import { CampaignResponse, type LeaderResponse } from '../proto/gen/election.ts';
import { DeleteRangeRequest, PutRequest } from '../proto/gen/rpc.ts';
import { electionMethods } from './election.ts';
import { lockMethods } from './lock.ts';
import type { CallContext, Method, StreamMethod, UnaryMethod } from './method.ts';
import { LineBench } from './testing/line-bench.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
/** Long enough for everything that can happen without an event from outside. */
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

let bench: LineBench;
let methods: Method[];

beforeEach(() => {
  bench = new LineBench();
  for (const id of [1n, 2n, 3n]) bench.machine.lessor.grant(id, 100);
  methods = [...lockMethods(bench), ...electionMethods(bench)];
});

interface Call<Response> {
  readonly answer: Promise<Response>;
  state: 'waiting' | 'answered' | 'failed';
  cancel(): void;
}

function find(name: string): Method {
  return methods.find(({ definition }) => definition.path.endsWith(`/${name}`)) as Method;
}

function call<Response = { key: Uint8Array }>(name: string, request: Record<string, unknown>): Call<Response> {
  const abort = new AbortController();
  const { handle, definition } = find(name) as UnaryMethod;
  const context = { signal: abort.signal } as CallContext;
  const answer = handle({ ...(definition.request.create() as object), ...request }, context) as Promise<Response>;
  const started: Call<Response> = { answer, state: 'waiting', cancel: () => abort.abort() };
  answer.then(
    () => (started.state = 'answered'),
    () => (started.state = 'failed'),
  );
  return started;
}

const lock = (lease: bigint, name = 'l') => call('Lock', { name: bytes(name), lease });
const remove = (key: string) => bench.deleteRange(DeleteRangeRequest.create({ key: bytes(key) }));

describe('locks', () => {
  test('are had by one at a time, in the order in which they were asked for', async () => {
    const calls = [lock(3n), lock(1n), lock(2n)];
    const order = ['l/3', 'l/1', 'l/2'];
    for (const [i, key] of order.entries()) {
      await settled();
      expect(calls.map(({ state }) => state)).toEqual(calls.map((_, at) => (at <= i ? 'answered' : 'waiting')));
      await remove(key);
    }
    expect(bench.keys()).toEqual([]);
    expect(bench.watches.stats().watchStreams).toBe(0);
  });

  test('a waiter is not woken by who leaves behind it, nor by keys that only look alike', async () => {
    const [first, second, third] = [lock(1n), lock(2n), lock(3n)];
    await settled();
    await bench.put(PutRequest.create({ key: bytes('l0') }));
    third.cancel();
    await settled();
    expect([first.state, second.state, third.state]).toEqual(['answered', 'waiting', 'failed']);
    expect(bench.keys()).toEqual(['l/1', 'l/2', 'l0']);
    second.cancel();
    await settled();
    expect(bench.watches.stats()).toMatchObject({ watchStreams: 0, watchers: 0 });
  });

  test('a waiter whose own key has gone is told when its turn would have come', async () => {
    lock(1n);
    const second = lock(2n);
    await settled();
    await remove('l/2');
    await remove('l/1');
    await expect(second.answer).rejects.toMatchObject({ code: Code.Unknown, message: 'mutex: session is expired' });
  });

  test('a waiter survives the compaction of what it watches', async () => {
    lock(1n);
    const second = lock(2n);
    await settled();
    for (let i = 0; i < 10; i++) await bench.put(PutRequest.create({ key: bytes('other') }));
    await bench.store.compact(bench.store.currentRevision).done;
    await remove('l/1');
    await settled();
    expect(second.state).toBe('answered');
  });

  test('when the member stops, waiters end, and nothing is left open', async () => {
    lock(1n);
    const second = lock(2n);
    await settled();
    bench.watches.close();
    await expect(second.answer).rejects.toMatchObject({
      code: Code.Unavailable,
      message: 'etcdserver: server stopped',
    });
    expect(bench.watches.stats().watchStreams).toBe(0);
  });

  test('who cannot see whether it is its turn gives up its place', async () => {
    lock(1n);
    await settled();
    bench.readFailure = errNoLeader();
    await expect(lock(2n).answer).rejects.toMatchObject({ code: Code.Unknown, message: 'etcdserver: no leader' });
    expect(bench.keys()).toEqual(['l/1']);
  });

  test('a waiter that goes away as its turn comes leaves it to the next; a holder that asks again keeps it', async () => {
    lock(1n);
    const [second, third] = [lock(2n), lock(3n)];
    await settled();
    const { range } = bench;
    bench.range = async (request, caller) => {
      second.cancel();
      bench.range = range;
      return range(request, caller);
    };
    await remove('l/1');
    await expect(second.answer).rejects.toMatchObject({ code: Code.Canceled });
    await third.answer;
    const again = lock(3n);
    again.cancel();
    await again.answer;
    expect(bench.keys()).toEqual(['l/3']);
  });

  test('a call that has been cancelled already leaves nothing behind', async () => {
    lock(1n);
    const second = lock(2n);
    second.cancel();
    await expect(second.answer).rejects.toMatchObject({ code: Code.Canceled });
    expect(bench.keys()).toEqual(['l/1']);
  });
});

describe('elections', () => {
  const campaign = (lease: bigint, value: string) =>
    call<CampaignResponse>('Campaign', { name: bytes('e'), lease, value: bytes(value) });

  /** What an observer is told, until it is closed. */
  function observe(): { told: string[]; end: Promise<unknown>; close(): void } {
    const abort = new AbortController();
    const told: string[] = [];
    const stream = {
      signal: abort.signal,
      receive: async () => ({ name: bytes('e') }),
      send: (response: unknown) => {
        const { kv, header } = response as LeaderResponse;
        told.push(`${kv?.key}=${kv?.value}@${header?.revision}`);
        return undefined;
      },
    };
    const end = (find('Observe') as StreamMethod).handle(stream as never).catch((error: unknown) => error);
    return { told, end, close: () => abort.abort() };
  }

  test('an observer is told of each leader and of each value, and of none while there is none', async () => {
    const observer = observe();
    await settled();
    expect(observer.told).toEqual([]);
    const first = await campaign(1n, 'a').answer;
    await settled();
    const second = campaign(2n, 'b');
    await call('Proclaim', { leader: first.leader, value: bytes('A') }).answer;
    await settled();
    expect(second.state).toBe('waiting');
    await call('Resign', { leader: first.leader }).answer;
    await settled();
    expect(second.state).toBe('answered');
    await remove('e/2');
    await settled();
    await campaign(3n, 'c').answer;
    await settled();
    expect(observer.told).toEqual(['e/1=a@2', 'e/1=A@4', 'e/2=b@5', 'e/3=c@7']);
    observer.close();
    expect(await observer.end).toMatchObject({ code: Code.Canceled });
    expect(bench.watches.stats().watchStreams).toBe(0);
  });

  test('who has left, or was never there, is not the leader', async () => {
    const { leader } = await campaign(1n, 'a').answer;
    await call('Resign', { leader }).answer;
    await expect(call('Proclaim', { leader, value: bytes('x') }).answer).rejects.toThrow('election: not leader');
    await call('Resign', { leader }).answer;
    await expect(call('Leader', { name: bytes('e') }).answer).rejects.toThrow('election: no leader');
  });

  test('a candidate that goes away as its turn comes leaves it to the next', async () => {
    await campaign(1n, 'a').answer;
    const [second, third] = [campaign(2n, 'b'), campaign(3n, 'c')];
    await settled();
    const { range } = bench;
    bench.range = async (request, caller) => {
      second.cancel();
      bench.range = range;
      return range(request, caller);
    };
    await remove('e/1');
    await expect(second.answer).rejects.toMatchObject({ code: Code.Canceled });
    await third.answer;
    expect(bench.keys()).toEqual(['e/3']);
  });

  test('a candidate that is cancelled leaves the line; the observer of a stopping member is told why', async () => {
    await campaign(1n, 'a').answer;
    const second = campaign(2n, 'b');
    const observer = observe();
    await settled();
    second.cancel();
    await settled();
    expect(second.state).toBe('failed');
    expect(bench.keys()).toEqual(['e/1']);
    bench.watches.close();
    expect(await observer.end).toBeInstanceOf(EtcdError);
  });

  test('answers have the wire format of the service', async () => {
    const answer = await campaign(1n, 'a').answer;
    expect(CampaignResponse.decode(CampaignResponse.encode(answer)).leader).toMatchObject({ rev: 2, lease: 1n });
  });
});
