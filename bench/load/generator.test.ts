/** The generator of the rows that h2load cannot make, against the null server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KVService, WatchCreateRequest, WatchRequest, WatchService } from '../../server/proto/gen/rpc.ts';
import { type NullTarget, startNullTarget } from '../engines/null-target.ts';
import { runClosedLoop } from './closed-loop.ts';
import { LoadConnection, openConnections } from './connection.ts';
import { framed } from './message-reader.ts';
import { WatchCounter } from './watch-counter.ts';

describe.each([
  ['plain', false],
  ['over TLS', true],
] as const)('%s:', (_, isTls) => {
  let target: NullTarget;
  let connections: LoadConnection[] = [];

  beforeAll(async () => {
    target = await startNullTarget(isTls);
    connections = await openConnections(target, 2);
  });

  afterAll(async () => {
    for (const connection of connections) connection.close();
    await target?.close();
  });

  const first = (): LoadConnection => connections[0] as LoadConnection;

  test('a loop makes as many calls as there is something to ask, each answered once', async () => {
    const head = first().head(KVService.Put);
    const message = framed(Buffer.alloc(1000));
    let left = 250;
    let answers = 0;
    const result = await runClosedLoop({
      ...{ connections, outstanding: 20, durationMs: Number.POSITIVE_INFINITY },
      next: () => (left-- > 0 ? { head, message } : undefined),
      answered: () => answers++,
    });
    expect([result.count, answers]).toEqual([250, 250]);
    expect(result.p50Ms).toBeLessThanOrEqual(result.p99Ms);
  });

  test('requests larger than every window arrive', async () => {
    const head = first().head(KVService.Txn);
    let left = 3;
    const load = { connections, outstanding: 3, durationMs: Number.POSITIVE_INFINITY };
    const message = framed(Buffer.alloc(20 * 1024 * 1024));
    const { count } = await runClosedLoop({ ...load, next: () => (left-- > 0 ? { head, message } : undefined) });
    expect(count).toBe(3);
  });

  test('every watch of a key is told of a put', async () => {
    const counter = new WatchCounter(10_000);
    const watching = first().call(first().head(WatchService.Watch), counter);
    const message = framed(WatchRequest.encode({ create_request: WatchCreateRequest.create({ key: Buffer.of(1) }) }));
    for (let i = 0; i < 5000; i++) watching.send(message, false);
    await counter.created(5000);
    let events = 0;
    const seen = counter.events(5000, () => events++);
    const writer = connections[1] as LoadConnection;
    await writer.unary({ ...KVService.Put, response: { ...KVService.Put.response, decode: () => ({}) } }, {});
    await seen;
    counter.close();
    expect(events).toBe(5000);
  });

  test('a loop fails with the connection', async () => {
    const connection = await LoadConnection.open(target);
    const head = connection.head(KVService.Put);
    const running = runClosedLoop({
      ...{ connections: [connection], outstanding: 10, durationMs: 60_000 },
      next: () => ({ head, message: framed(Buffer.of()) }),
    });
    setImmediate(() => connection.close());
    await expect(running).rejects.toThrow('closed the connection');
  });
});

test('an address where nobody listens is named', async () => {
  await expect(LoadConnection.open({ url: 'http://127.0.0.1:1' })).rejects.toThrow(
    'cannot connect to http://127.0.0.1:1',
  );
});
