import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ApplyResult } from '../apply/mod.ts';
import { Logger, type LogRecord } from '../base/logger.ts';
import { errLeaseNotFound, errTooManyRequests } from '../errors/etcd-error.ts';
import { TestLessor } from '../lease/testing/clock.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { LeaseExpiry } from './lease-expiry.ts';

/** A member that leads, whose log takes what it is given when it is told to. */
class Bench {
  readonly lessor: TestLessor;
  readonly proposed: Partial<InternalRaftRequest>[] = [];
  readonly waiting: ((result: ApplyResult) => void)[] = [];
  readonly logged: LogRecord[] = [];
  expired = 0;
  isLeader = true;
  /** How a proposal ends; by default when `settle` says so. */
  propose = (request: Partial<InternalRaftRequest>): Promise<ApplyResult> => {
    this.proposed.push(request);
    return new Promise((resolve) => this.waiting.push(resolve));
  };
  readonly expiry: LeaseExpiry;

  constructor(lessor = new TestLessor()) {
    this.lessor = lessor;
    this.expiry = new LeaseExpiry({
      lessor: () => this.lessor,
      isLeader: () => this.isLeader,
      propose: (request) => this.propose(request),
      electionMs: 1000,
      onExpired: () => this.expired++,
      log: new Logger({ enabled: () => true, write: (record) => this.logged.push(record) }, 'test'),
    });
    this.expiry.start();
    this.expiry.promote(1);
  }

  grant(count: number, ttlSeconds = 10): void {
    const first = this.lessor.size + 1;
    for (let i = 0; i < count; i++) this.lessor.grant(BigInt(first + i), ttlSeconds);
  }

  /** Applies all revocations that wait, as the log would. */
  async settle(): Promise<void> {
    const requests = this.proposed.splice(0);
    for (const [i, resolve] of this.waiting.splice(0).entries()) {
      const id = requests[i]?.lease_revoke?.ID;
      if (id !== undefined) this.lessor.revoke(id);
      resolve({});
    }
    await tick(0);
  }
}

const tick = (ms = 500): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let bench: Bench;
beforeEach(() => {
  vi.useFakeTimers();
  bench = new Bench();
});
afterEach(() => {
  bench.expiry.stop();
  vi.useRealTimers();
});

describe('expiry', () => {
  test('revokes what has expired, through the log, and nothing else', async () => {
    bench.grant(1);
    bench.grant(1, 1000);
    bench.lessor.pass(11);
    await tick(499);
    expect(bench.proposed).toEqual([]);
    await tick(1);
    expect(bench.proposed).toEqual([{ lease_revoke: { ID: 1n } }]);
    await bench.settle();
    await tick(5000);
    expect(bench.proposed).toEqual([]);
    expect([bench.expired, bench.lessor.list()]).toEqual([1, [2n]]);
  });

  test('has at most 16 revocations under way and takes at most 500 leases at a time', async () => {
    bench.grant(600);
    bench.lessor.pass(11);
    await tick();
    let most = bench.proposed.length;
    for (let round = 0; round < 40; round++) {
      await bench.settle();
      most = Math.max(most, bench.proposed.length);
    }
    expect([most, bench.expired]).toEqual([16, 500]);
    await tick();
    for (let round = 0; round < 10; round++) await bench.settle();
    expect(bench.expired).toBe(600);
  });

  test('tries again 3 s after a failure, and logs how many have failed', async () => {
    bench.grant(2);
    const { propose } = bench;
    bench.propose = () => Promise.reject(errTooManyRequests());
    bench.lessor.pass(11);
    await tick();
    expect(bench.logged.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { leases: 2, error: 'etcdserver: too many requests' }],
    ]);
    bench.propose = propose;
    await tick();
    expect(bench.proposed).toEqual([]);
    bench.lessor.pass(3);
    await tick();
    expect(bench.proposed).toHaveLength(2);
  });

  test('takes a lease that somebody else has revoked for done', async () => {
    bench.grant(1);
    bench.propose = async () => ({ error: errLeaseNotFound() });
    bench.lessor.pass(11);
    await tick();
    expect([bench.logged, bench.expired]).toEqual([[], 0]);
  });

  test('proposes nothing as soon as raft has another leader, even in the middle of a batch', async () => {
    bench.grant(100);
    bench.lessor.pass(11);
    await tick();
    expect(bench.proposed).toHaveLength(16);
    bench.isLeader = false;
    await bench.settle();
    await tick(10_000);
    expect(bench.proposed).toEqual([]);
  });

  test('is over on a member that leads no more, and with its end', async () => {
    bench.grant(1);
    bench.expiry.demote();
    bench.lessor.pass(100);
    await tick(5000);
    expect(bench.proposed).toEqual([]);
    bench.expiry.promote(2);
    bench.lessor.pass(100);
    bench.expiry.stop();
    await tick(5000);
    expect(bench.proposed).toEqual([]);
  });
});

describe('a promotion', () => {
  test('gives the time of an election on top', () => {
    bench.grant(1);
    bench.expiry.promote(2);
    expect(bench.lessor.timeToLive(1n).remainingTtlSeconds).toBe(11);
  });

  test('is done once in a term', () => {
    bench.grant(1);
    bench.lessor.pass(5);
    bench.expiry.promote(1);
    expect(bench.lessor.timeToLive(1n).remainingTtlSeconds).toBe(5);
  });
});

describe('checkpoints', () => {
  test('are logged when they are due, a thousand in one request', async () => {
    bench.expiry.stop();
    bench = new Bench(new TestLessor({ checkpointIntervalMs: 300_000 }));
    bench.grant(1500, 1000);
    bench.lessor.pass(300);
    await tick();
    expect(bench.proposed.map(({ lease_checkpoint }) => lease_checkpoint?.checkpoints.length)).toEqual([1000]);
    expect(bench.proposed[0]?.lease_checkpoint?.checkpoints[0]?.remaining_TTL).toBe(700);
    await bench.settle();
    expect(bench.proposed.map(({ lease_checkpoint }) => lease_checkpoint?.checkpoints.length)).toEqual([500]);
    await bench.settle();
    await tick();
    expect(bench.proposed).toEqual([]);
  });
});
