import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { revokedSerials } from './crl.ts';

/** A DER element. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const time = der(0x17, Buffer.from('260101000000Z'));
const algorithm = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));

function list(serials: string[], { version = true, nextUpdate = true } = {}): Buffer {
  const entries = serials.map((serial) => der(0x30, der(0x02, Buffer.from(serial, 'hex')), time));
  const signed = der(
    0x30,
    ...(version ? [der(0x02, Buffer.from([1]))] : []),
    ...[algorithm, der(0x30), time],
    ...(nextUpdate ? [time] : []),
    ...(serials.length > 0 ? [der(0x30, ...entries)] : []),
  );
  return der(0x30, signed, algorithm, der(0x03, Buffer.from([0, 1, 2])));
}

describe('a revocation list', () => {
  test('gives its serials as node:crypto writes them', () => {
    expect(revokedSerials(list(['00ff10', '07', '5a0b']))).toEqual(new Set(['FF10', '07'.slice(1), '5A0B']));
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
