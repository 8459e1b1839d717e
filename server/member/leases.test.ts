import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { errLeaseNotFound, errTimeout } from '../errors/etcd-error.ts';
import { NotPrimaryError } from '../lease/mod.ts';
import { TestLessor } from '../lease/testing/clock.ts';
import type { Cluster } from '../membership/mod.ts';
import { LeaseTimeToLiveResponse } from '../proto/gen/rpc.ts';
import { MemberLeases, type MemberLeasesOptions } from './leases.ts';

const localId = 1n;
const other = 2n;

let lessor: TestLessor;
let lead: bigint;
/** What the member behind a URL answers to a renewal. */
let peers: Record<string, () => Promise<number>>;
let asked: string[];
let cleared: bigint[];
let leases: MemberLeases;

function create(options: Partial<MemberLeasesOptions> = {}): MemberLeases {
  return new MemberLeases({
    localId,
    lessor: () => lessor,
    cluster: () =>
      ({ member: (id: bigint) => (id === other ? { peerURLs: ['http://a', 'http://b'] } : undefined) }) as Cluster,
    lead: () => lead,
    waitApplied: async () => undefined,
    clearCheckpoint: async (id) => {
      cleared.push(id);
      lessor.checkpoint(id, 0);
    },
    client: {
      renewLease: async (url) => {
        asked.push(url);
        return (peers[url] ?? (() => Promise.reject(new Error('connection refused'))))();
      },
      leaseTimeToLive: async (_url, ID) => LeaseTimeToLiveResponse.create({ ID, TTL: 9, grantedTTL: 10 }),
    },
    timeoutMs: 7000,
    now: () => Date.now(),
    ...options,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  lessor = new TestLessor();
  lessor.grant(5n, 10);
  lead = localId;
  [peers, asked, cleared] = [{}, [], []];
  leases = create();
});
afterEach(() => {
  leases.stop();
  vi.useRealTimers();
});

/** The outcome after some time, as a value or an error's text. */
async function outcome(promise: Promise<unknown>, afterMs = 0): Promise<unknown> {
  const settled = promise.catch((error: Error) => error.message);
  await vi.advanceTimersByTimeAsync(afterMs);
  return Promise.race([settled, Promise.resolve().then(() => settled)]);
}

describe('on the leader', () => {
  test('a renewal is the lessor’s, and so is the time to live', async () => {
    lessor.promote(0);
    lessor.restoreKey('k', 5n);
    expect(await outcome(leases.renew(5n))).toBe(10);
    expect(await outcome(leases.renew(6n))).toBe('etcdserver: requested lease not found');
    lessor.pass(3.5);
    const answer = { ID: 5n, TTL: 6, grantedTTL: 10 };
    expect(await outcome(leases.timeToLive(5n, true))).toMatchObject({ ...answer, keys: [Buffer.from('k')] });
    expect(await outcome(leases.timeToLive(5n, false))).toMatchObject({ ...answer, keys: [] });
    expect(await outcome(leases.timeToLive(6n, true))).toBe('etcdserver: requested lease not found');
  });

  test('everything that is committed is applied first', async () => {
    lessor.promote(0);
    leases = create({ waitApplied: async () => lessor.revoke(5n) });
    expect(await outcome(leases.renew(5n))).toBe('etcdserver: requested lease not found');
  });

  test('one that was just elected is waited for', async () => {
    const renewal = leases.renew(5n);
    await vi.advanceTimersByTimeAsync(1000);
    lessor.promote(0);
    expect(await outcome(renewal, 50)).toBe(10);
    expect(asked).toEqual([]);
  });

  test('a renewal of an expired lease waits until the lease is gone', async () => {
    lessor.promote(0);
    lessor.pass(10);
    const renewal = leases.renew(5n);
    await vi.advanceTimersByTimeAsync(5000);
    lessor.revoke(5n);
    expect(await outcome(renewal)).toBe('etcdserver: requested lease not found');
  });

  test('but not for ever', async () => {
    lessor.promote(0);
    lessor.pass(10);
    expect(await outcome(leases.renew(5n), 7000)).toBe('etcdserver: request timed out');
  });

  test('a renewal takes a checkpoint back first', async () => {
    lessor.checkpoint(5n, 4);
    lessor.promote(0);
    expect(await outcome(leases.renew(5n))).toBe(10);
    expect(cleared).toEqual([5n]);
    expect(lessor.timeToLive(5n).remainingTtlSeconds).toBe(10);
    await outcome(leases.renew(5n));
    expect(cleared).toEqual([5n]);
  });
});

describe('on another member', () => {
  beforeEach(() => {
    lead = other;
  });

  test('the leader is asked, at each of its URLs', async () => {
    peers['http://b'] = async () => 10;
    expect(await outcome(leases.renew(5n))).toBe(10);
    expect(asked).toEqual(['http://a', 'http://b']);
    expect(await outcome(leases.timeToLive(5n, false))).toMatchObject({ TTL: 9, grantedTTL: 10 });
  });

  test('that the lease is gone is an answer', async () => {
    peers['http://a'] = () => Promise.reject(errLeaseNotFound());
    expect(await outcome(leases.renew(5n))).toBe('etcdserver: requested lease not found');
    expect(asked).toEqual(['http://a']);
  });

  test('a leader that fails, refuses or changes is asked again until one answers', async () => {
    const answers = [() => Promise.reject(errTimeout()), () => Promise.reject(new NotPrimaryError()), async () => 10];
    peers['http://a'] = () => (answers.shift() as () => Promise<number>)();
    const renewal = leases.renew(5n);
    expect(await outcome(renewal, 100)).toBe(10);
  });

  test('a member that becomes the leader answers itself', async () => {
    const renewal = leases.renew(5n);
    await vi.advanceTimersByTimeAsync(60);
    lead = localId;
    lessor.promote(0);
    expect(await outcome(renewal, 50)).toBe(10);
  });

  test('the search ends after its time: without a leader, without an answer, and when the member stops', async () => {
    expect(await outcome(leases.renew(5n), 7050)).toBe('etcdserver: request timed out');
    lead = 0n;
    expect(await outcome(leases.timeToLive(5n, false), 7050)).toBe('etcdserver: no leader');
    const renewal = leases.renew(5n);
    leases.stop();
    expect(await outcome(renewal, 50)).toBe('etcdserver: server stopped');
  });
});
