import { expect, test } from 'vitest';
import { TxnRequest, TxnResponse } from '../../server/proto/gen/rpc.ts';
import type { Head } from '../load/connection.ts';
import { ApiServers } from './kubernetes.ts';

const revisionOf = (object: number): number => 1000 + object;
const heads = { head: ({ path }: { path: string }) => ({ path }) as unknown as Head };
const start = (): ApiServers =>
  new ApiServers(heads, new Map(Array.from({ length: 5000 }, (_, object) => [object, revisionOf(object)])));

/** The next update of the first slot, without the five bytes before a message. */
function nextUpdate(servers: ApiServers): TxnRequest {
  for (;;) {
    const { head, message } = servers.next(0);
    if ((head as unknown as { path: string }).path.endsWith('/Txn')) return TxnRequest.decode(message.subarray(5));
  }
}

test('the first update of an object compares with what it is, so that none is refused', () => {
  const [compare] = nextUpdate(start()).compare;
  const object = Number(
    Buffer.from(compare?.key ?? [])
      .toString()
      .slice(-8),
  );
  expect(compare?.mod_revision).toBe(revisionOf(object));
});

test('a refused update ends the row: engines would do different work', () => {
  const servers = start();
  nextUpdate(servers);
  const refusal = Buffer.from(TxnResponse.encode(TxnResponse.create({ succeeded: false })));
  expect(() => servers.answered(0, refusal)).toThrow('an object was changed by somebody else');
});
