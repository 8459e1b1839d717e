import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { Event, Event_EventType, KeyValue } from '../proto/gen/kv.ts';
import { type Lessor, type LessorOptions, maxTtlSeconds } from './mod.ts';
import { refusal, TestLessor } from './testing/clock.ts';

/** A lessor that leads, without the time that a promotion adds. */
function primary(options: Partial<LessorOptions> = {}): TestLessor {
  const lessor = new TestLessor(options);
  lessor.promote(0);
  return lessor;
}

const putEvent = (key: string, lease: bigint): Event =>
  Event.create({ type: Event_EventType.PUT, kv: KeyValue.create({ key: Buffer.from(key, 'latin1'), lease }) });
const deletion = (key: string): Event =>
  Event.create({ type: Event_EventType.DELETE, kv: KeyValue.create({ key: Buffer.from(key, 'latin1') }) });

const records = (backend: MemoryBackend): string[] => {
  const found: string[] = [];
  backend.scan('lease', new Uint8Array(0), undefined, (key, value) => {
    found.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`);
  });
  return found;
};

/** Whether a promise is settled already, and how. */
async function settled(promise: Promise<unknown>): Promise<string> {
  const state = promise.then(
    () => 'resolved',
    (error: Error) => error.message,
  );
  return Promise.race([state, new Promise<string>((resolve) => setImmediate(resolve, 'pending'))]);
}

describe('a grant', () => {
  test.each([
    [-5, 2],
    [0, 2],
    [1, 2],
    [2, 2],
    [60, 60],
    [maxTtlSeconds, maxTtlSeconds],
  ])('of %i s gives %i s', (asked, given) => {
    expect(new TestLessor().grant(1n, asked)).toBe(given);
  });

  test('is refused for a time that is too long, before the id is looked at', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 10);
    expect(refusal(() => lessor.grant(1n, maxTtlSeconds + 1))).toBe('too large lease TTL');
    expect(refusal(() => lessor.grant(1n, 10))).toBe('lease already exists');
    expect(refusal(() => lessor.grant(0n, 10))).toBe('requested lease not found');
    expect(lessor.size).toBe(1);
  });

  test('is stored under its id, eight bytes, also a negative one', () => {
    const backend = new MemoryBackend();
    const lessor = new TestLessor({ backend });
    lessor.grant(0x20dea1f7c8170307n, 3600);
    lessor.grant(-2n, 5);
    expect(records(backend)).toEqual([
      '20dea1f7c8170307 088786dcc0fcbea8ef2010901c',
      'fffffffffffffffe 08feffffffffffffffff011005',
    ]);
    lessor.revoke(-2n);
    expect(records(backend)).toHaveLength(1);
  });
});

describe('keys', () => {
  test('are attached by puts, moved by puts, and detached by puts without a lease and by deletions', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 10);
    lessor.grant(2n, 10);
    lessor.keysChanged([putEvent('b', 1n), putEvent('a', 1n), putEvent('\xff', 1n), putEvent('free', 0n)]);
    expect(lessor.keysOf(1n)).toEqual(['a', 'b', '\xff']);
    lessor.keysChanged([putEvent('a', 1n), putEvent('b', 2n)]);
    expect([lessor.keysOf(1n), lessor.keysOf(2n)]).toEqual([['a', '\xff'], ['b']]);
    lessor.keysChanged([putEvent('a', 0n), deletion('b'), deletion('never')]);
    expect([lessor.keysOf(1n), lessor.keysOf(2n)]).toEqual([['\xff'], []]);
  });

  test('must be gone before their lease', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 10);
    lessor.keysChanged([putEvent('a', 1n)]);
    expect(() => lessor.revoke(1n)).toThrow('still has keys');
    lessor.keysChanged([deletion('a')]);
    lessor.revoke(1n);
    expect(lessor.exists(1n)).toBe(false);
    expect(refusal(() => lessor.keysOf(1n))).toBe('requested lease not found');
    expect(refusal(() => lessor.revoke(1n))).toBe('requested lease not found');
  });
});

describe('a restart', () => {
  test('brings back leases with what checkpoints left of them, raised to the least time, and attaches keys', () => {
    const backend = new MemoryBackend();
    const before = new TestLessor({ backend, persistsCheckpoints: () => true });
    before.grant(1n, 10);
    before.grant(-2n, 5);
    before.checkpoint(1n, 4);
    const after = new TestLessor({ backend, minTtlSeconds: 7 });
    after.restore();
    for (const [key, lease] of [
      ['a', 1n],
      ['b', 1n],
      ['a', 0n],
      ['gone', 99n],
    ] as const)
      after.restoreKey(key, lease);
    expect(after.keysOf(1n)).toEqual(['b']);
    after.promote(0);
    expect(after.timeToLive(1n)).toMatchObject({ grantedTtlSeconds: 10, remainingTtlSeconds: 4 });
    expect(after.timeToLive(-2n)).toMatchObject({ grantedTtlSeconds: 7, remainingTtlSeconds: 7 });
  });

  test('is refused on a damaged record, which is named', () => {
    const backend = new MemoryBackend();
    backend.put('lease', Buffer.from('0000000000000001', 'hex'), Buffer.from([0xff]));
    expect(() => new TestLessor({ backend }).restore()).toThrow(/record of lease 0000000000000001 .* is damaged/);
  });
});

describe('on a member that does not lead', () => {
  test('nothing ever expires', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 2);
    lessor.pass(1e9);
    expect(lessor.expired()).toEqual([]);
  });

  test('nobody renews a lease or learns how long it lives', async () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 2);
    expect(refusal(() => lessor.renew(1n))).toBe('not a primary lessor');
    expect(refusal(() => lessor.timeToLive(1n))).toBe('not a primary lessor');
    await expect(lessor.whenRenewable(1n)).rejects.toThrow('not a primary lessor');
    expect(lessor.list()).toEqual([1n]);
  });
});

describe('on the leader', () => {
  test('a lease expires when its time is over, not before, and is reported again every 3 s until it is revoked', () => {
    const lessor = primary();
    lessor.grant(1n, 10);
    lessor.pass(9.999);
    expect(lessor.expired()).toEqual([]);
    lessor.pass(0.001);
    expect(lessor.expired()).toEqual([1n]);
    lessor.pass(2.999);
    expect(lessor.expired()).toEqual([]);
    lessor.pass(0.001);
    expect(lessor.expired()).toEqual([1n]);
    lessor.revoke(1n);
    lessor.pass(10);
    expect(lessor.expired()).toEqual([]);
  });

  test('expired leases are reported in their order, so many at a time', () => {
    const lessor = primary();
    for (const ttl of [7, 5, 6, 1000]) lessor.grant(BigInt(ttl), ttl);
    lessor.pass(10);
    expect(lessor.takeExpired(2)).toEqual([5n, 6n]);
    expect(lessor.takeExpired(2)).toEqual([7n]);
  });

  test('a renewal gives the full time again', () => {
    const lessor = primary();
    lessor.grant(1n, 10);
    lessor.pass(8.5);
    expect(lessor.timeToLive(1n)).toMatchObject({ grantedTtlSeconds: 10, remainingTtlSeconds: 1 });
    expect(lessor.renew(1n)).toBe(10);
    lessor.pass(9);
    expect(lessor.expired()).toEqual([]);
    expect(refusal(() => lessor.renew(2n))).toBe('requested lease not found');
  });

  test('a lease that has expired can be renewed only when it is known to be gone', async () => {
    const lessor = primary();
    lessor.grant(1n, 10);
    expect(await settled(lessor.whenRenewable(1n))).toBe('resolved');
    lessor.pass(10);
    const [one, other] = [lessor.whenRenewable(1n), lessor.whenRenewable(1n)];
    expect(await settled(one)).toBe('pending');
    lessor.revoke(1n);
    expect(await settled(one)).toMatch('requested lease not found');
    expect(await settled(other)).toMatch('requested lease not found');
  });

  test('whoever waits for a revocation is sent to the next leader when there is one', async () => {
    const lessor = primary();
    lessor.grant(1n, 10);
    lessor.pass(10);
    const waiting = lessor.whenRenewable(1n);
    lessor.demote();
    expect(await settled(waiting)).toMatch('not a primary lessor');
    lessor.promote(0);
    expect(await settled(lessor.whenRenewable(1n))).toBe('resolved');
  });

  test('leases are listed by their expiry', () => {
    const lessor = primary();
    for (const ttl of [30, 10, 20]) lessor.grant(BigInt(ttl), ttl);
    lessor.pass(5);
    lessor.renew(10n);
    expect(lessor.list()).toEqual([10n, 20n, 30n]);
    lessor.pass(12);
    lessor.renew(10n);
    lessor.renew(20n);
    expect(lessor.list()).toEqual([10n, 30n, 20n]);
  });
});

describe('a promotion', () => {
  test('gives every lease its full time and that of an election', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 10);
    lessor.pass(100);
    lessor.promote(1500);
    expect(lessor.timeToLive(1n).remainingTtlSeconds).toBe(11);
    lessor.pass(11.4);
    expect(lessor.expired()).toEqual([]);
    lessor.pass(0.1);
    expect(lessor.expired()).toEqual([1n]);
  });

  test('lets at most 750 leases expire in a second', () => {
    const lessor = new TestLessor();
    for (let i = 1; i <= 5000; i++) lessor.grant(BigInt(i), i % 3 === 0 ? 12 : 10);
    lessor.promote(0);
    lessor.pass(9.5);
    const perHalfSecond: number[] = [];
    for (let i = 0; i < 16; i++) {
      lessor.pass(0.5);
      perHalfSecond.push(lessor.expired().length);
      for (const id of lessor.list()) if (lessor.timeToLive(id).remainingTtlSeconds < 0) lessor.revoke(id);
    }
    expect(perHalfSecond.slice(0, 4)).toEqual([750, 0, 750, 0]);
    expect(Math.max(...perHalfSecond)).toBeLessThanOrEqual(750);
    expect(perHalfSecond.reduce((sum, count) => sum + count)).toBe(5000);
  });

  test('after a demotion starts all times again', () => {
    const lessor = primary();
    lessor.grant(1n, 10);
    lessor.pass(9);
    lessor.demote();
    lessor.pass(100);
    expect(lessor.expired()).toEqual([]);
    lessor.promote(0);
    expect(lessor.timeToLive(1n).remainingTtlSeconds).toBe(10);
  });
});

describe('checkpoints', () => {
  const checkpointIntervalMs = 300_000;

  test('are due every interval for leases that live beyond it, in batches', () => {
    const lessor = primary({ checkpointIntervalMs });
    lessor.grant(1n, 1000);
    lessor.grant(2n, 1000);
    lessor.grant(3n, 300);
    lessor.pass(299);
    expect(lessor.takeDueCheckpoints(10)).toEqual([]);
    lessor.pass(1);
    expect(lessor.takeDueCheckpoints(1)).toEqual([{ ID: 1n, remaining_TTL: 700 }]);
    expect(lessor.takeDueCheckpoints(10)).toEqual([{ ID: 2n, remaining_TTL: 700 }]);
    lessor.checkpoint(1n, 700);
    lessor.pass(300);
    expect(lessor.takeDueCheckpoints(10)).toEqual([{ ID: 1n, remaining_TTL: 400 }]);
  });

  test('of a lease that is renewed all the time wait for one that is not', () => {
    const lessor = primary({ checkpointIntervalMs });
    lessor.grant(1n, 1000);
    lessor.pass(300);
    lessor.renew(1n);
    expect(lessor.takeDueCheckpoints(10)).toEqual([]);
    lessor.pass(300);
    expect(lessor.takeDueCheckpoints(10)).toEqual([{ ID: 1n, remaining_TTL: 700 }]);
  });

  test('are never due by default, of an expired lease, and of one that is gone', () => {
    const silent = primary();
    silent.grant(1n, 1000);
    silent.pass(400);
    expect(silent.takeDueCheckpoints(10)).toEqual([]);
    const lessor = primary({ checkpointIntervalMs });
    lessor.grant(1n, 400);
    lessor.grant(2n, 1000);
    lessor.revoke(2n);
    lessor.pass(400);
    expect(lessor.takeDueCheckpoints(10)).toEqual([]);
  });

  test('shorten what a new leader gives, until they are taken back', () => {
    const lessor = new TestLessor();
    lessor.grant(1n, 1000);
    lessor.checkpoint(1n, 700);
    lessor.checkpoint(99n, 5);
    lessor.promote(0);
    expect(lessor.timeToLive(1n)).toMatchObject({ grantedTtlSeconds: 1000, remainingTtlSeconds: 700 });
    expect(lessor.isCheckpointed(1n)).toBe(true);
    lessor.checkpoint(1n, 0);
    expect(lessor.isCheckpointed(1n)).toBe(false);
    lessor.renew(1n);
    expect(lessor.timeToLive(1n).remainingTtlSeconds).toBe(1000);
  });

  test.each([
    [true, 700],
    [false, 1000],
  ])('are stored if asked for: %s', (persists, remainingTtlSeconds) => {
    const backend = new MemoryBackend();
    const before = new TestLessor({ backend, persistsCheckpoints: () => persists });
    before.grant(1n, 1000);
    before.checkpoint(1n, 700);
    const after = primaryOn(backend);
    expect(after.timeToLive(1n).remainingTtlSeconds).toBe(remainingTtlSeconds);
  });
});

function primaryOn(backend: MemoryBackend): Lessor {
  const lessor = new TestLessor({ backend });
  lessor.restore();
  lessor.promote(0);
  return lessor;
}

test('grants, renewals and revocations are counted', () => {
  const told: unknown[] = [];
  const observer = {
    granted: (ttl: number) => told.push(['granted', ttl]),
    revoked: () => told.push('revoked'),
    renewed: () => told.push('renewed'),
  };
  const lessor = primary({ observer });
  lessor.grant(1n, 1);
  lessor.renew(1n);
  lessor.revoke(1n);
  expect(told).toEqual([['granted', 2], 'renewed', 'revoked']);
});
