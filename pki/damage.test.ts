/** Damaged files, of any kind, are an error with a code and a place: never a hang, and never another kind of error. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createRevocationList,
  encryptKey,
  inspect,
  keyFromPem,
  PkiError,
  parseRevocationList,
  splitPem,
  systemSources,
  verify,
} from './mod.ts';
import { derProblem } from './place.ts';
import { authority, day, leaf, now, sources } from './testing/fixtures.ts';

const ca = authority();
const node = leaf(ca);
const entries = [{ serial: 'A1', revokedAt: now, reason: 'superseded' } as const];
const crl = createRevocationList(ca, { entries, number: 1n, validityMs: day }, sources);
const certificateDer = new X509Certificate(node.certificate).raw;
const certificatePem = Buffer.from(node.certificate);
const keyPem = Buffer.from(node.key);
const encryptedPem = Buffer.from(encryptKey(createPrivateKey(node.key), 'a passphrase', systemSources));

/** Bytes overwritten, cut out, doubled or put in; the end cut off. */
function damaged(original: Buffer): fc.Arbitrary<Buffer> {
  const place = fc.nat(original.length - 1);
  return fc.oneof(
    fc.tuple(place, fc.nat(255)).map(([at, value]) => {
      const copy = Buffer.from(original);
      copy[at] = value;
      return copy;
    }),
    place.map((at) => original.subarray(0, at)),
    fc
      .tuple(place, place, fc.uint8Array({ maxLength: 40 }))
      .map(([a, b, piece]) =>
        Buffer.concat([original.subarray(0, Math.min(a, b)), piece, original.subarray(Math.max(a, b))]),
      ),
    fc
      .tuple(place, fc.nat(40))
      .map(([at, size]) =>
        Buffer.concat([original.subarray(0, at), original.subarray(at, at + size), original.subarray(at)]),
      ),
  );
}

/** @returns whether it was read; fails for any error but ours */
function readOrRefuse(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(PkiError);
    expect((error as PkiError).code).toMatch(/^PKI_(PEM|PASSPHRASE|INPUT)$/);
    return false;
  }
}

const runs = { numRuns: 400 };

describe('damaged input', () => {
  it.each([
    ['certificate in DER', certificateDer, (bytes: Buffer) => inspect(bytes)],
    ['certificate in PEM', certificatePem, (bytes: Buffer) => inspect(bytes.toString('latin1'))],
    ['revocation list', crl, (bytes: Buffer) => parseRevocationList(bytes)],
    ['private key', keyPem, (bytes: Buffer) => keyFromPem(bytes.toString('latin1'))],
    [
      'certificate to verify',
      certificatePem,
      (bytes: Buffer) =>
        verify({
          certificate: bytes.toString('latin1'),
          authorities: [bytes.toString('latin1'), ca.certificate],
          at: now,
          purpose: 'both',
          host: '127.0.0.1',
          revocationLists: [crl],
        }),
    ],
    [
      'authority to verify by',
      Buffer.from(ca.certificate),
      (bytes: Buffer) => verify({ certificate: node.certificate, authorities: [bytes.toString('latin1')], at: now }),
    ],
    ['bundle', certificatePem, (bytes: Buffer) => splitPem(bytes.toString('latin1')).map(inspect)],
  ] as const)('of a %s is read or refused', (_, original, read) => {
    expect(readOrRefuse(() => read(original))).toBe(true);
    fc.assert(
      fc.property(damaged(original), (bytes) => {
        readOrRefuse(() => read(bytes));
      }),
      runs,
    );
  });

  it('of an encrypted key is opened or refused, whatever its parameters became', () => {
    // Each try costs a derivation of the key.
    fc.assert(
      fc.property(damaged(encryptedPem), (bytes) => {
        readOrRefuse(() => keyFromPem(bytes.toString('latin1'), 'a passphrase'));
      }),
      { numRuns: 25 },
    );
  });

  it('of any kind is no certificate', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readOrRefuse(() => inspect(bytes))).toBe(false);
        expect(readOrRefuse(() => parseRevocationList(bytes))).toBe(false);
      }),
      runs,
    );
  });
});

describe('the place of the damage', () => {
  it('is the byte at which tags and lengths stop making sense', () => {
    expect(derProblem(certificateDer)).toBeUndefined();
    expect(derProblem(certificateDer.subarray(0, 100))).toMatch(/^at byte 0: a length of \d+ bytes, but 96 are left$/);
    expect(derProblem(Buffer.concat([certificateDer, Buffer.of(1)]))).toBe(
      `at byte ${certificateDer.length}: something follows the end`,
    );
    expect(derProblem(Buffer.from('3003020500', 'hex'))).toBe('at byte 2: a length of 5 bytes, but 1 are left');
    expect(derProblem(Buffer.from('3080', 'hex'))).toBe('at byte 0: an indefinite length, which is not DER');
    expect(derProblem(Buffer.from('30', 'hex'))).toBe('at byte 0: cut off after the tag');
    expect(derProblem(Buffer.from('3084ffffffff', 'hex'))).toMatch(/a length of 4294967295 bytes, but 0 are left/);
  });

  it('is a nesting that only an attacker needs', () => {
    let nested = Buffer.from('0500', 'hex');
    for (let depth = 0; depth < 40; depth++) nested = Buffer.concat([Buffer.of(0x30, nested.length), nested]);
    expect(derProblem(nested)).toMatch(/nested more than 32 deep/);
  });

  it('is a line of the PEM', () => {
    const message = (pem: string) => {
      try {
        inspect(pem);
      } catch (error) {
        return (error as Error).message;
      }
      return undefined;
    };
    const pem = `\n\n${node.certificate}`;
    expect(message(pem.replace('-----END', '----END'))).toMatch(/line 3: BEGIN CERTIFICATE has no END/);
    expect(message(pem.replace(/(\n[^\n]{10}).(?=[^\n]*\n-----END)/, '$1*'))).toMatch(
      /line \d+: a character that is not base64/,
    );
    const short = pem
      .split('\n')
      .filter((_, line) => line !== 5)
      .join('\n');
    expect(message(short)).toMatch(/in the CERTIFICATE of line 3, at byte 0: a length of/);
  });

  it('is always found, or the structure is whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const problem = derProblem(bytes);
        expect(problem === undefined || /^(it is empty|at byte \d+: .+)$/.test(problem)).toBe(true);
      }),
      runs,
    );
  });
});
