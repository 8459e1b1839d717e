import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clusterId,
  compareIds,
  idFromDecimal,
  idFromHex,
  idToHex,
  leaseIdFrom,
  memberId,
  RequestIdGenerator,
} from './ids.ts';

describe('member and cluster ids', () => {
  test('a member’s id is a hash of its peer URLs and the cluster token', () => {
    expect(memberId(['http://127.0.0.1:22381'], 'tok-1')).toBe(0x59d8024f8dec20den);
  });

  test('the order of the URLs does not matter, the time of an addition does', () => {
    const urls = ['http://b:2380', 'http://a:2380'];
    expect(memberId(urls, 't')).toBe(memberId([...urls].reverse(), 't'));
    expect(memberId(urls, 't', 1_700_000_000)).not.toBe(memberId(urls, 't'));
    expect(memberId(urls, 't', 1)).toBe(memberId(urls, 't1'));
  });

  test('a cluster’s id is a hash of its first members’ ids, in any order', () => {
    const ids = [0x59d8024f8dec20den, 0xe188ed3f548d3a9en, 0x583f563645c3ed55n];
    expect(clusterId(ids)).toBe(0xc1a6e8504d9ddbe9n);
    expect(clusterId([...ids].reverse())).toBe(0xc1a6e8504d9ddbe9n);
  });

  test('hexadecimal has no leading zeros and is read back exactly', () => {
    expect(idToHex(0x043d39a4ddc5c820n)).toBe('43d39a4ddc5c820');
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (id) => {
        expect(idFromHex(idToHex(id))).toBe(id);
        expect(idFromDecimal(String(id))).toBe(id);
      }),
    );
  });

  test('what is no unsigned 64-bit number is no id', () => {
    for (const text of ['', 'xyz', '-1', '0x1', '10000000000000000', ' 1']) expect(idFromHex(text)).toBeUndefined();
    for (const text of ['', '1.5', '-1', '1e3', '18446744073709551616', ' 1']) {
      expect(idFromDecimal(text)).toBeUndefined();
    }
  });

  test('ids are ordered as unsigned numbers', () => {
    expect([0xffffffffffffffffn, 1n, 2n].sort(compareIds)).toEqual([1n, 2n, 0xffffffffffffffffn]);
  });
});

describe('request ids', () => {
  test('are made of the member’s id, the start time and a counter', () => {
    const ids = new RequestIdGenerator(0x59d8024f8dec20den, 0x99a1f7c81703);
    expect(ids.next()).toBe(0x20dea1f7c8170301n);
    expect(ids.next()).toBe(0x20dea1f7c8170302n);
  });

  test('never repeat, and carry into the time but never into the member’s part', () => {
    const ids = new RequestIdGenerator(0x1234n, 0xffffffffff);
    const seen = new Set(Array.from({ length: 1000 }, () => ids.next()));
    expect(seen.size).toBe(1000);
    for (const id of seen) expect(id >> 48n).toBe(0x1234n);
  });

  test('become positive lease ids', () => {
    expect(leaseIdFrom(0xa0dea1f7c8170301n)).toBe(0x20dea1f7c8170301n);
  });
});
