import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { revokedSerials } from './crl.ts';
import { revocationList as list } from './testing/revocation-list.ts';

describe('a revocation list', () => {
  test('gives its serials as node:crypto writes them', () => {
    expect(revokedSerials(list(['00ff10', '07', '5a0b']))).toEqual(new Set(['FF10', '7', '5A0B']));
  });

  test('may leave out version, next update and entries', () => {
    expect(revokedSerials(list(['0a'], { version: false, nextUpdate: false }))).toEqual(new Set(['A']));
    expect(revokedSerials(list([]))).toEqual(new Set());
  });

  test('may come as PEM', () => {
    const pem = `-----BEGIN X509 CRL-----\n${list(['0a']).toString('base64')}\n-----END X509 CRL-----\n`;
    expect(revokedSerials(Buffer.from(pem))).toEqual(new Set(['A']));
  });

  test('may be long', () => {
    const serials = Array.from({ length: 500 }, (_, i) => (0x1000 + i).toString(16));
    expect(revokedSerials(list(serials)).size).toBe(500);
  });

  test('that is damaged is refused, never read wrongly into a crash', () => {
    const whole = list(['0a0b', '0c0d']);
    for (let length = 0; length < whole.length; length++) {
      expect(() => revokedSerials(whole.subarray(0, length))).toThrow('malformed certificate revocation list');
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          revokedSerials(bytes);
        } catch (error) {
          expect((error as Error).message).toMatch(/^malformed certificate revocation list: /);
        }
      }),
    );
  });
});
