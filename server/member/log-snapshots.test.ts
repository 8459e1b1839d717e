import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { ConfState, Message, MessageType, type Snapshot } from '../proto/gen/raft.ts';
import { LogSnapshots, type LogSnapshotsOptions } from './log-snapshots.ts';

const mebibyte = 1024 * 1024;

/** Everything that a snapshot touches, as a list of what was done. */
class Bench {
  readonly done: string[] = [];
  readonly sent: { message: Message; sizeBytes: number }[] = [];
  readonly machine = {
    appliedIndex: 0,
    cluster: { v2StoreInput: () => ({ members: [], removed: [] }) },
    backend: {
      commit: async () => void this.done.push('commit'),
      snapshot: async (look: () => void) => {
        if (this.failRead) throw new Error('disk failed');
        await null;
        look();
        await this.disk;
        return { sizeBytes: 4096 };
      },
    },
  };
  failRead = false;
  /** What each entry takes; and how far the others have come, on the leader. */
  entryBytes = 100;
  matches: { match: number; state: string }[] = [];
  /** What a save waits for. */
  disk: Promise<void> = Promise.resolve();
  readonly snapshots: LogSnapshots;

  constructor({ maxWals = 5, maxSnapshots = 5, catchUpEntries = 10 } = {}) {
    this.snapshots = new LogSnapshots({
      config: { snapshotCount: 100, snapshotCatchUpEntries: catchUpEntries, maxWals, maxSnapshots },
      driver: {
        node: {
          term: (index: number) => (index <= 80 ? 3 : 4),
          appliedBytes: () => this.machine.appliedIndex * this.entryBytes,
          indexToFit: (maxBytes: number) => Math.max(0, this.machine.appliedIndex - maxBytes / this.entryBytes),
          status: () => ({ progress: new Map(this.matches.entries()) }),
        },
        saveSnapshot: async ({ metadata }: Snapshot) => {
          await this.disk;
          this.done.push(`save ${metadata.index}`);
        },
        compact: (index: number) => this.done.push(`compact to ${index}`),
        reportSnapshot: (to: bigint, ok: boolean) => this.done.push(`report ${to} ${ok}`),
      },
      wal: { purge: async (keep: number) => this.purged(`log segments but ${keep}`) },
      snapshotter: {
        purge: async (keep: number) => this.purged(`snapshots but ${keep}`),
        removeDatabasesBelow: async (index: number) => this.purged(`databases below ${index}`),
      },
      machine: () => this.machine,
      confState: () => ConfState.create(),
      send: (message: Message, { sizeBytes }: { sizeBytes: number }) => this.sent.push({ message, sizeBytes }),
      fatal: (error: Error) => this.done.push(`fatal: ${error.message}`),
      log: silentLogger,
      snapshotIndex: 0,
    } as unknown as LogSnapshotsOptions);
  }

  async appliedTo(index: number): Promise<void> {
    this.machine.appliedIndex = index;
    this.snapshots.appliedTo(index);
    await vi.advanceTimersByTimeAsync(0);
  }

  private purged(what: string): string[] {
    this.done.push(`purge ${what}`);
    return [];
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a snapshot', () => {
  test('is taken when more than --snapshot-count entries were applied, with the database committed before', async () => {
    const bench = new Bench();
    await bench.appliedTo(100);
    expect(bench.done).toEqual([]);
    await bench.appliedTo(101);
    expect(bench.done).toEqual(['commit', 'save 101', 'compact to 91']);
    await bench.appliedTo(201);
    expect(bench.done).toHaveLength(3);
    await bench.appliedTo(202);
    expect(bench.done.at(-1)).toBe('compact to 192');
  });

  test('is taken after 64 MiB of entries, however few, of which 32 MiB are kept', async () => {
    const bench = new Bench({ catchUpEntries: 100 });
    bench.entryBytes = mebibyte;
    await bench.appliedTo(64);
    expect(bench.done).toEqual([]);
    await bench.appliedTo(65);
    expect(bench.done).toEqual(['commit', 'save 65', 'compact to 33']);
    await bench.appliedTo(129);
    expect(bench.done).toHaveLength(3);
    await bench.appliedTo(130);
    expect(bench.done.at(-1)).toBe('compact to 98');
  });

  test.each([
    ['what a peer lacks', [{ match: 300 }, { match: 210 }], 'compact to 210'],
    ['128 MiB for a peer that lacks more', [{ match: 300 }, { match: 20 }], 'compact to 172'],
    ['32 MiB when all have come further', [{ match: 300 }, { match: 290 }], 'compact to 268'],
    ['nothing for a peer that gets a snapshot', [{ match: 300 }, { match: 20, state: 'snapshot' }], 'compact to 268'],
  ])('leaves in the log %s', async (_, matches, expected) => {
    const bench = new Bench({ catchUpEntries: 1000 });
    bench.entryBytes = mebibyte;
    bench.matches = matches.map((peer) => ({ state: 'replicate', ...peer }));
    await bench.appliedTo(300);
    expect(bench.done.at(-1)).toBe(expected);
  });

  test('is not taken while the log is replayed to a database that is ahead of it', async () => {
    const bench = new Bench();
    bench.machine.appliedIndex = 210;
    bench.snapshots.appliedTo(150);
    bench.snapshots.appliedTo(209);
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.done).toEqual([]);
    await bench.appliedTo(210);
    expect(bench.done).toEqual(['commit', 'save 210', 'compact to 200']);
  });

  test('for a follower is not sent while the log is replayed: its database would be ahead of it', async () => {
    const bench = new Bench();
    bench.machine.appliedIndex = 210;
    bench.snapshots.appliedTo(77);
    bench.snapshots.sendTo(Message.create({ type: MessageType.MsgSnap, to: 2n }));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.sent).toEqual([]);
    expect(bench.done).toEqual(['report 2 false']);
  });

  test('for a follower is of the index that its database has, whatever is applied before it is durable', async () => {
    const bench = new Bench();
    let written = (): void => undefined;
    bench.disk = new Promise((resolve) => {
      written = resolve;
    });
    await bench.appliedTo(77);
    bench.snapshots.sendTo(Message.create({ type: MessageType.MsgSnap, to: 2n }));
    await vi.advanceTimersByTimeAsync(0);
    await bench.appliedTo(90);
    written();
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.sent[0]?.message.snapshot?.metadata.index).toBe(77);
  });

  test('that was received counts as the last one', async () => {
    const bench = new Bench();
    bench.snapshots.installed(1000);
    await bench.appliedTo(1100);
    expect(bench.done).toEqual([]);
  });

  test('leaves the log whole while a follower is sent one, and for 30 s after; then it is cut', async () => {
    const bench = new Bench();
    bench.snapshots.start();
    await bench.appliedTo(50);
    bench.snapshots.sendTo(Message.create({ type: MessageType.MsgSnap, to: 2n }));
    await bench.appliedTo(101);
    await bench.appliedTo(202);
    expect(bench.done.filter((what) => !what.startsWith('purge'))).toEqual([
      'commit',
      'save 101',
      'commit',
      'save 202',
    ]);
    await vi.advanceTimersByTimeAsync(1000);
    bench.snapshots.transferEnded();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(bench.done).not.toContain('compact to 192');
    // Nothing more is written, and the log is cut all the same.
    await vi.advanceTimersByTimeAsync(30_000);
    expect(bench.done).toContain('compact to 192');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bench.done.filter((what) => what.startsWith('compact'))).toHaveLength(1);
    await bench.snapshots.stop();
  });

  test('that is being taken is finished when the member stops, and none is begun after', async () => {
    const bench = new Bench();
    let written = (): void => undefined;
    bench.disk = new Promise((resolve) => {
      written = resolve;
    });
    await bench.appliedTo(101);
    let hasStopped = false;
    const stopped = bench.snapshots.stop().then(() => {
      hasStopped = true;
    });
    await vi.advanceTimersByTimeAsync(1000);
    expect(hasStopped).toBe(false);
    written();
    await stopped;
    expect(bench.done).toContain('save 101');
    await bench.appliedTo(500);
    expect(bench.done).not.toContain('save 500');
  });

  test('for a follower is of the state as it is now, with its database', async () => {
    const bench = new Bench();
    await bench.appliedTo(77);
    bench.snapshots.sendTo(Message.create({ type: MessageType.MsgSnap, to: 2n }));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.sent).toMatchObject([
      { sizeBytes: 4096, message: { to: 2n, snapshot: { metadata: { index: 77, term: 3 } } } },
    ]);
  });

  test('for a follower that cannot be read is reported as failed', async () => {
    const bench = new Bench();
    bench.failRead = true;
    bench.snapshots.sendTo(Message.create({ type: MessageType.MsgSnap, to: 2n }));
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.done).toEqual(['report 2 false']);
  });
});

describe('old files', () => {
  test('are purged every 30 s, down to as many as are to be kept', async () => {
    const bench = new Bench({ maxWals: 3, maxSnapshots: 4 });
    bench.snapshots.start();
    await bench.appliedTo(101);
    bench.done.length = 0;
    await vi.advanceTimersByTimeAsync(29_999);
    expect(bench.done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(bench.done).toEqual(['purge log segments but 3', 'purge snapshots but 4', 'purge databases below 101']);
    await bench.snapshots.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bench.done).toHaveLength(3);
  });

  test('are all kept with --max-wals 0 and --max-snapshots 0, but for databases that are of no use any more', async () => {
    const bench = new Bench({ maxWals: 0, maxSnapshots: 0 });
    bench.snapshots.start();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(bench.done).toEqual(['purge databases below 0']);
    await bench.snapshots.stop();
  });
});
