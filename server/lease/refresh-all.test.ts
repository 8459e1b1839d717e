import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lease } from './lease.ts';
import { refreshAll } from './refresh-all.ts';

const leasesOf = (lives: number[]): Lease[] => lives.map((life, i) => new Lease(BigInt(i + 1), life));
const expiries = (leases: Lease[]): number[] => leases.map(({ expiryMs }) => expiryMs);

describe('refreshing all leases', () => {
  test('leaves at most so many expiries in any second, delays only, and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 100 }), fc.integer({ min: 1, max: 10 }), (lives, perSecond) => {
        const leases = refreshAll(leasesOf(lives), 100, perSecond);
        expect(leases.length).toBe(lives.length);
        const times = expiries(leases);
        times.forEach((time, i) => {
          expect(time).toBeGreaterThanOrEqual(100 + 1000 * (leases[i]?.ttlSeconds ?? 0));
          expect(time).toBeGreaterThanOrEqual(times[i - 1] ?? 0);
          const together = times.filter((other) => other >= time && other < time + 1000);
          expect(together.length).toBeLessThanOrEqual(perSecond);
        });
      }),
    );
  });

  test('leaves alone what is far enough apart, and gives what a checkpoint left', () => {
    const leases = leasesOf([1, 1, 2, 9, 9]);
    (leases[3] as Lease).remainingTtlSeconds = 2;
    expect(expiries(refreshAll(leases, 0, 2))).toEqual([1000, 1000, 2000, 2000, 9000]);
  });
});
