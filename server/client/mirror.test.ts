import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Event, KeyValue } from '../proto/gen/kv.ts';
import { RangeResponse, ResponseHeader, type TxnRequest, TxnResponse, WatchResponse } from '../proto/gen/rpc.ts';
import { type MirrorDestination, type MirrorOptions, type MirrorSource, mirror } from './mirror.ts';
import type { ResumingWatch } from './resuming-watch.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const put = (key: string, value: string, mod_revision: number): Event =>
  Event.create({ kv: KeyValue.create({ key: bytes(key), value: bytes(value), mod_revision }) });
const deletion = (key: string, mod_revision: number): Event =>
  Event.create({ type: 1, kv: KeyValue.create({ key: bytes(key), mod_revision }) });

/** A source with keys as of revision 10, and events after it. */
function sourceOf(keys: readonly string[], responses: readonly Partial<WatchResponse>[]) {
  const asked: unknown[] = [];
  const source: MirrorSource = {
    range: async ({ key, limit = 0, revision }) => {
      const rest = keys.filter((each) => Buffer.compare(bytes(each), key as Buffer) >= 0);
      const kvs = rest.slice(0, limit).map((each) => KeyValue.create({ key: bytes(each), value: bytes(`v${each}`) }));
      asked.push(revision);
      const header = ResponseHeader.create({ revision: 10 + asked.length - 1 });
      return RangeResponse.create({ header, kvs, more: rest.length > limit, count: rest.length });
    },
    resumingWatch: ({ start_revision }) => {
      asked.push(`watch ${start_revision}`);
      const list = responses.map((response) => WatchResponse.create(response));
      return (async function* () {
        yield* list;
      })() as unknown as ResumingWatch;
    },
  };
  return { source, asked };
}

function destination() {
  const txns: string[][] = [];
  const to: MirrorDestination = {
    txn: async ({ success = [] }: Partial<TxnRequest>) => {
      txns.push(
        success.map(({ request_put: one, request_delete_range: other }) =>
          one ? `${bytesText(one.key)}=${bytesText(one.value)}` : `-${bytesText(other?.key)}`,
        ),
      );
      return TxnResponse.create();
    },
  };
  return { txns, to };
}

const bytesText = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

function options(more: Partial<MirrorOptions> = {}): MirrorOptions {
  return {
    ...{
      key: bytes('a/'),
      end: bytes('a0'),
      prefixBytes: 2,
      destinationPrefix: bytes('b/'),
      fromRevision: 0,
      maxTxnOps: 128,
    },
    ...{ onProgress: () => {}, signal: new AbortController().signal },
    ...more,
  };
}

test('copies what is there, all of one revision, then what happens after it, each revision at once', async () => {
  const keys = Array.from({ length: 1500 }, (_, i) => `a/${String(i).padStart(4, '0')}`);
  const events = [put('a/x', '1', 11), deletion('a/0000', 11), put('a/x', '2', 12)];
  const { source, asked } = sourceOf(keys, [{ created: true }, { events }]);
  const { txns, to } = destination();
  const progress: string[] = [];
  await mirror(source, to, options({ onProgress: (mirrored, revision) => progress.push(`${mirrored}@${revision}`) }));
  // The first page says which revision the others are asked of.
  expect(asked).toEqual([0, 10, 'watch 11']);
  const copied = txns.flat().slice(0, 1500);
  expect(copied).toEqual(keys.map((key) => `${key.replace('a/', 'b/')}=v${key}`));
  expect(txns.slice(-2)).toEqual([['b/x=1', '-b/0000'], ['b/x=2']]);
  expect(progress).toEqual(['1000@10', '1500@10', '1502@11', '1503@12']);
});

test('from a revision on, copies nothing that is there', async () => {
  const { source, asked } = sourceOf(['a/1'], [{ events: [put('a/2', 'x', 7)] }]);
  const { txns, to } = destination();
  await mirror(source, to, options({ fromRevision: 5, destinationPrefix: bytes('') }));
  expect(asked).toEqual(['watch 5']);
  expect(txns).toEqual([['2=x']]);
});

test('stops where events are missing', async () => {
  const compacted = sourceOf([], [{ canceled: true, compact_revision: 9 }]);
  await expect(mirror(compacted.source, destination().to, options())).rejects.toThrow('has been compacted');
  const denied = sourceOf([], [{ canceled: true, cancel_reason: 'etcdserver: permission denied' }]);
  await expect(mirror(denied.source, destination().to, options())).rejects.toThrow('permission denied');
});

test('no transaction is larger than the destination takes, and nothing changes its order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (sizes, maxTxnOps) => {
        const events = sizes.flatMap((size, at) =>
          Array.from({ length: size }, (_, i) => put(`a/${at}.${i}`, '', 11 + at)),
        );
        const { txns, to } = destination();
        await mirror(sourceOf([], [{ events }]).source, to, options({ maxTxnOps }));
        expect(txns.every(({ length }) => length <= maxTxnOps)).toBe(true);
        expect(txns.flat()).toEqual(events.map(({ kv }) => `b/${bytesText(kv?.key).slice(2)}=`));
      },
    ),
  );
});

test('large values go in several transactions', async () => {
  const large = 'x'.repeat(300_000);
  const events = [1, 2, 3].map((i) => put(`a/${i}`, large, 11));
  const { txns, to } = destination();
  await mirror(sourceOf([], [{ events }]).source, to, options());
  expect(txns.map(({ length }) => length)).toEqual([1, 1, 1]);
});
