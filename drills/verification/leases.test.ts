import { describe, expect, test } from 'vitest';
import type { KeyRecord, KeySpace } from './key-space.ts';
import { compareLeases, type LeaseRecord, leaseReference } from './leases.ts';

const pair = (lease: bigint): KeyRecord => ({
  ...{ createRevision: 2, modRevision: 2, version: 1, lease, valueBytes: 0, valueSha256: '' },
});
const keys: KeySpace = new Map([
  ['a', pair(1n)],
  ['b', pair(1n)],
  ['c', pair(-2n)],
  ['free', pair(0n)],
]);
const lease = (id: bigint, ttlSeconds: number, ...names: string[]): LeaseRecord => ({ id, ttlSeconds, keys: names });
const certain = [lease(1n, 100, 'a', 'b'), lease(-2n, 50, 'c'), lease(3n, 70)];
const reference = { certain, possible: [] as LeaseRecord[] };

describe('leases compared with those of the snapshot', () => {
  test('are fine when all are there, with their times and exactly the keys that name them', () => {
    expect(compareLeases(reference, keys, certain)).toEqual([]);
  });

  test('that are missing or too many are named as etcdctl names them', () => {
    expect(compareLeases(reference, keys, [...certain.slice(0, 1), certain[2] as LeaseRecord, lease(4n, 9)])).toEqual([
      'fffffffffffffffe missing',
      '0000000000000004 unexpected',
    ]);
  });

  test('with another time, or which the leader does not know, are told', () => {
    const found = [lease(1n, 0), certain[1] as LeaseRecord, lease(3n, 71)];
    expect(compareLeases(reference, keys, found)).toEqual([
      '0000000000000001: TTL 0 s instead of 100 s, 0 keys instead of 2, such as a is not attached',
      '0000000000000003: TTL 71 s instead of 70 s',
    ]);
  });

  test('with other keys are told, as many or not', () => {
    const found = [lease(1n, 100, 'a', 'free'), certain[1] as LeaseRecord, lease(3n, 70, 'b')];
    expect(compareLeases(reference, keys, found)).toEqual([
      '0000000000000001: 2 keys instead of 2, such as b is not attached',
      '0000000000000003: 1 keys instead of 0, such as b is too many',
    ]);
  });

  test('that came or went while the snapshot was taken may be there or not, but not otherwise', () => {
    const inFlux = leaseReference([...certain, lease(5n, 10)], [...certain, lease(6n, 20)]);
    expect(inFlux.certain).toEqual(certain);
    expect(compareLeases(inFlux, keys, certain)).toEqual([]);
    expect(compareLeases(inFlux, keys, [...certain, lease(5n, 10), lease(6n, 20)])).toEqual([]);
    expect(compareLeases(inFlux, keys, [...certain, lease(6n, 21)])).toEqual([
      '0000000000000006: TTL 21 s instead of 20 s',
    ]);
  });
});
