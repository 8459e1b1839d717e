import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';

describe('crc32c', () => {
  test('has the published check value', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  test('of nothing is 0', () => {
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  test('chains over a WAL’s records as upstream’s does', () => {
    const metadata = Buffer.from('08dec1b0eff8c980ec5910e9b7f7ec848abad3c101', 'hex');
    expect(crc32c(metadata)).toBe(0x70a3da36);
    expect(crc32c(Buffer.from('08001000', 'hex'), 0x70a3da36)).toBe(0xf10b6dd3);
  });

  test('is the same whatever pieces the data comes in', () => {
    const data = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) & 0xff));
    const whole = crc32c(data);
    for (let cut = 0; cut <= data.length; cut++) {
      expect(crc32c(data.subarray(cut), crc32c(data.subarray(0, cut)))).toBe(whole);
    }
  });
});
