import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyValue } from '../proto/gen/kv.ts';
import { WireError } from '../proto/wire.ts';
import { keyString } from './key-range.ts';
import { decodeRecordHead } from './record-head.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const revision = fc.maxSafeNat();
const record = fc.record({
  ...{ key: fc.uint8Array(), value: fc.uint8Array(), lease: int64 },
  ...{ create_revision: revision, mod_revision: revision, version: revision },
});

test('the head of a record has the fields that the whole has', () => {
  fc.assert(
    fc.property(record, (kv) => {
      const { create_revision: createRevision, version, lease } = kv;
      expect(decodeRecordHead(KeyValue.encode(kv))).toEqual({
        ...{ key: keyString(kv.key), createRevision, version, lease },
      });
    }),
  );
});

test('a record that is cut short has no head', () => {
  const bytes = KeyValue.encode(KeyValue.create({ key: Buffer.from('key'), value: Buffer.from('value') }));
  expect(() => decodeRecordHead(bytes.subarray(0, -1))).toThrow(WireError);
});
