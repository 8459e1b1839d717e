import { afterEach, describe, expect, test } from 'vitest';
import { connect, fakeDatabase, until } from './testing/nodes.ts';
import { snapMessage, Workbench } from './testing/workbench.ts';

const bench = new Workbench();
afterEach(() => bench.clear());

describe('a snapshot', () => {
  test('arrives byte for byte', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    await connect(a, b);
    const size = 32 * 1024 * 1024;
    const database = fakeDatabase(size);
    a.transport.sendSnapshot(snapMessage(a.id, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: true }]);
    expect(b.handler.received).toHaveLength(1);
    expect(b.handler.received[0]).toEqual({ bytes: size, sum: database.sum, message: snapMessage(a.id, 2n) });
    expect(database.closed).toBe(1);
  });

  test('waits for a receiver that does not read', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    await connect(a, b);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    b.handler.beforeChunk = () => gate;
    const database = fakeDatabase(64 * 1024 * 1024);
    a.transport.sendSnapshot(snapMessage(a.id, 2n), database);
    await until(() => database.produced > 0, 'it has begun');
    let last = -1;
    await until(() => {
      const still = database.produced === last;
      last = database.produced;
      return still;
    }, 'the sender waits');
    expect(database.produced).toBeLessThan(32 * 1024 * 1024);
    release();
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: true }]);
    expect(b.handler.received[0]).toMatchObject({ bytes: 64 * 1024 * 1024 });
  });

  test('that breaks off is not taken for a whole one', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    await connect(a, b);
    const database = fakeDatabase(1024 * 1024);
    database.chunks = async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('disk is gone');
    };
    a.transport.sendSnapshot(snapMessage(a.id, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: false }]);
    await until(() => b.logged('failed to take a request').length === 1, 'the receiver has noticed');
    expect(b.handler.received).toEqual([]);
    expect(database.closed).toBe(1);
    expect(a.lines.some((line) => line.fields.error === 'disk is gone')).toBe(true);
  });

  test('that the receiver cannot store is reported as failed', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    await connect(a, b);
    b.handler.beforeChunk = () => Promise.reject(new Error('no space left'));
    const database = fakeDatabase(8 * 1024 * 1024);
    a.transport.sendSnapshot(snapMessage(a.id, 2n), database);
    await until(() => a.handler.snapshots.length === 1, 'the outcome is reported');
    expect(a.handler.snapshots).toEqual([{ id: 2n, ok: false }]);
    expect(a.handler.unreachable).toContain(2n);
    expect(database.closed).toBe(1);
  });

  test('to a member that is not known, or while another is under way, fails at once', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    const unknown = fakeDatabase(10);
    a.transport.sendSnapshot(snapMessage(a.id, 2n), unknown);
    expect([unknown.closed, a.handler.snapshots]).toEqual([1, [{ id: 2n, ok: false }]]);
    await connect(a, b);
    const [first, second] = [fakeDatabase(10), fakeDatabase(10)];
    a.transport.sendSnapshot(snapMessage(a.id, 2n), first);
    a.transport.sendSnapshot(snapMessage(a.id, 2n), second);
    expect(second.closed).toBe(1);
    await until(() => a.handler.snapshots.length === 3, 'both are reported');
    expect(a.handler.snapshots.slice(1)).toEqual([
      { id: 2n, ok: false },
      { id: 2n, ok: true },
    ]);
  });

  test('of a removed member, or for another one, is refused', async () => {
    const [a, b] = [await bench.start(1n), await bench.start(2n)];
    a.transport.addPeer(5n, [b.url]);
    a.transport.sendSnapshot(snapMessage(a.id, 5n), fakeDatabase(10));
    await until(() => a.handler.snapshots.length === 1, 'it is refused');
    expect(a.handler.snapshots).toEqual([{ id: 5n, ok: false }]);
    expect(b.handler.received).toEqual([]);
  });
});
