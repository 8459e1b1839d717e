import { describe, expect, test } from 'vitest';
import { emptyBucket, encodeBucket, parseBucket } from './bucket.ts';
import { compareBytes, parsePage } from './page.ts';
import { bytes, openInMemory } from './testing/databases.ts';

const authBucket =
  '00000000000000000000000000000000' + // root 0: inline; sequence 0
  '00000000000000000200020000000000' + // a leaf of two
  '00000000200000000b00000001000000' +
  '000000001c0000000c00000008000000' +
  '61757468456e61626c656400' + // authEnabled, 00
  '617574685265766973696f6e0000000000000009';

const etcdBuckets = [
  'alarm',
  'auth',
  'authRoles',
  'authUsers',
  'cluster',
  'key',
  'lease',
  'members',
  'members_removed',
  'meta',
];

describe('buckets are written byte for byte as upstream writes them', () => {
  test('an empty one', () => {
    expect(encodeBucket(emptyBucket).toString('hex')).toBe(
      '000000000000000000000000000000000000000000000000' + '0200000000000000',
    );
  });

  test('a small one, inline in the leaf of all buckets', async () => {
    const { fs, db } = await openInMemory(undefined, { pageSize: 4096 });
    const tx = db.begin();
    for (const name of etcdBuckets) tx.createBucket(name);
    tx.put('auth', bytes('authRevision'), Buffer.from('0000000000000009', 'hex'));
    tx.put('auth', bytes('authEnabled'), Buffer.from('00', 'hex'));
    await tx.commit();
    const file = Buffer.from(fs.contents('/db'));
    const root = file.subarray(db.inspect().state.meta.root * 4096).subarray(0, 4096);
    expect(root.subarray(8, 16).toString('hex')).toBe('02000a0000000000');
    expect(root.subarray(16, 48).toString('hex')).toBe(
      '01000000a00000000500000020000000' + '01000000b50000000400000060000000',
    );
    expect(root.subarray(176, 181).toString()).toBe('alarm');
    expect(root.subarray(213 + 4, 213 + 4 + 96).toString('hex')).toBe(authBucket);
  });
});

describe('a bucket header is refused', () => {
  test.each([
    ['that is too short', '0300000000000000'],
    ['whose root is a meta page', '01000000000000000000000000000000'],
    ['whose root lies behind the last page', '09000000000000000000000000000000'],
    ['with a root page and an inline page', `0300000000000000${authBucket.slice(16)}`],
    ['with an inline page that claims a place in the file', `${authBucket.slice(0, 32)}01${authBucket.slice(34)}`],
    ['with an inline page that is cut short', authBucket.slice(0, -2)],
  ])('%s', (_, hex) => {
    expect(parseBucket(Buffer.from(hex, 'hex'), 9)).toBeTypeOf('string');
  });
});

describe('a page is refused', () => {
  const image = Buffer.from(authBucket.slice(32), 'hex');
  const changed = (offset: number, value: number) => {
    const copy = Buffer.from(image);
    copy[offset] = value;
    return copy;
  };

  test.each([
    ['of an unknown kind', changed(8, 0x03)],
    ['with more elements than fit it', changed(10, 40)],
    ['whose element starts in the element table', changed(16 + 4, 16)],
    ['whose element ends behind the page', changed(32 + 12, 9)],
    ['with an empty key', changed(16 + 8, 0)],
    ['with a key that is too long', changed(16 + 10, 0xff)],
    ['that is a branch without children', Buffer.from('00000000000000000100000000000000', 'hex')],
    ['shorter than its header', image.subarray(0, 15)],
  ])('%s', (_, damaged) => {
    expect(parsePage(image, 9)).not.toBeTypeOf('string');
    expect(parsePage(damaged, 9)).toBeTypeOf('string');
  });
});

test('keys are ordered as unsigned bytes, a prefix first', () => {
  const sorted = ['00', '0000', '01', '7f', '80', '80ff', '81', 'ff'].map((hex) => Buffer.from(hex, 'hex'));
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      expect(Math.sign(compareBytes(a, 0, a.length, b, 0, b.length))).toBe(Math.sign(i - j));
    }
  }
});
