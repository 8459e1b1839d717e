import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyValue } from './gen/kv.ts';
import { InternalRaftRequest } from './gen/raft_internal.ts';
import { PutRequest, RequestOp, TxnRequest } from './gen/rpc.ts';
import { encodeWith } from './wire.ts';

/** On both sides of where values are no longer copied through the writer's buffer. */
const value = fc
  .record({
    size: fc.oneof(fc.nat(200), fc.integer({ min: 16_380, max: 16_390 }), fc.nat(70_000)),
    byte: fc.nat(255),
  })
  .map(({ size, byte }) => Buffer.alloc(size, byte));

test('messages come back as they were, however large the values in them and however deep they lie', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), fc.array(value, { maxLength: 3 }), (before, after) => {
      const put = (bytes: Buffer) =>
        RequestOp.create({ request_put: PutRequest.create({ key: bytes.subarray(0, 9), value: bytes, lease: 7n }) });
      const inner = TxnRequest.create({ success: before.map(put), failure: after.map(put) });
      const txn = TxnRequest.create({
        success: [...after.map(put), RequestOp.create({ request_txn: inner }), ...before.map(put)],
      });
      const request = InternalRaftRequest.create({ txn });
      const decoded = InternalRaftRequest.decode(InternalRaftRequest.encode(request));
      expect(JSON.stringify(plain(decoded))).toBe(JSON.stringify(plain(request)));
    }),
    { numRuns: 50 },
  );
});

test('what comes before a message in the same buffer stays apart from it', () => {
  const large = Buffer.alloc(20_000, 'v');
  const bytes = encodeWith((writer) => {
    writer.raw(Buffer.from('head'));
    writer.raw(large);
    writer.bytes(large);
  });
  expect(Buffer.from(bytes)).toEqual(Buffer.concat([Buffer.from('head'), large, Buffer.from([0xa0, 0x9c, 1]), large]));
  const record = KeyValue.create({ key: Buffer.from('k'), value: large, lease: 3n });
  expect(KeyValue.decode(KeyValue.encode(record)).lease).toBe(3n);
});

/** Byte fields as text and bigints as numbers, whichever kind of array they are. */
function plain(message: unknown): unknown {
  if (message instanceof Uint8Array) return Buffer.from(message).toString('latin1');
  if (typeof message === 'bigint') return String(message);
  if (Array.isArray(message)) return message.map(plain);
  if (typeof message !== 'object' || message === null) return message;
  return Object.fromEntries(Object.entries(message).map(([name, field]) => [name, plain(field)]));
}
