import { expect, test } from 'vitest';
import { Event, KeyValue } from '../../server/proto/gen/kv.ts';
import { ResponseHeader, WatchResponse } from '../../server/proto/gen/rpc.ts';
import { countEvents, WatchCounter } from './watch-counter.ts';

const header = ResponseHeader.create({ revision: 300, raft_term: 2 });
const event = Event.create({ kv: KeyValue.create({ key: Buffer.alloc(200, 'k'), value: Buffer.alloc(300) }) });

function told(message: Partial<WatchResponse>): Buffer {
  return Buffer.from(WatchResponse.encode(WatchResponse.create({ header, ...message })));
}

test.each([0, 1, 3])('%d events are counted without decoding them', (count) => {
  expect(countEvents(told({ watch_id: 70n, events: Array.from({ length: count }, () => event) }))).toBe(count);
});

test('who waits is told of each event, and of the end when there were enough', async () => {
  const counter = new WatchCounter(10_000);
  const created = counter.created(2);
  counter.message(told({ created: true }));
  counter.message(told({ created: true }));
  await created;
  let seen = 0;
  const all = counter.events(3, () => seen++);
  counter.message(told({ events: [event, event] }));
  counter.message(told({}));
  counter.message(told({ events: [event] }));
  await all;
  expect(seen).toBe(3);
  await counter.total(3);
  counter.close();
});

test('a watch that is refused, and a stream that ends, fail whoever waits', async () => {
  const refused = new WatchCounter(10_000);
  const created = refused.created(1);
  refused.message(told({ created: true, canceled: true, cancel_reason: 'permission denied' }));
  await expect(created).rejects.toThrow('a watch was refused: permission denied');
  refused.close();
  const ended = new WatchCounter(10_000);
  const events = ended.events(1, () => {});
  ended.end(undefined);
  await expect(events).rejects.toThrow('a stream of watches has ended');
  ended.close();
});
