/** Which of a member's own checks and compactions take place, when, and on whom. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { errCompacted } from '../errors/etcd-error.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { AlarmRequest_AlarmAction, AlarmType } from '../proto/gen/rpc.ts';
import type { Replica } from './replica.ts';
import { Upkeep, type UpkeepConfig } from './upkeep.ts';

const minuteMs = 60_000;
const localId = 0xan;

/** A replica alone in its cluster, as far as upkeep looks at it. */
class FakeReplica {
  readonly id = localId;
  readonly clusterId = 0xcn;
  lead = localId;
  revision = 10;
  /** Given one after the other; the last again and again. */
  hashes = [7];
  hashed = 0;
  /** Of every hash, while it is set. */
  failure: Error | undefined;
  raised: { memberID: bigint; alarm: number }[] = [];
  compactionsLookedAt = 0;
  proposed: Partial<InternalRaftRequest>[] = [];
  answer: () => Promise<{ error?: Error }> = async () => ({});

  asReplica(): Replica {
    const fake = {
      id: this.id,
      clusterId: this.clusterId,
      cluster: { members: () => [{ id: localId, peerURLs: ['http://127.0.0.1:1'] }] },
      hashes: { kv: async () => this.hash() },
      reads: { wait: async () => {} },
      proposer: {
        propose: (request: Partial<InternalRaftRequest>) => {
          this.proposed.push(request);
          return this.answer();
        },
      },
      machine: {
        alarms: { list: (alarm: number) => this.raised.filter((each) => each.alarm === alarm) },
        store: {
          currentRevision: this.revision,
          compactionHashes: () => {
            this.compactionsLookedAt++;
            return [];
          },
        },
      },
    };
    return Object.defineProperty(fake, 'lead', { get: () => this.lead }) as unknown as Replica;
  }

  private hash() {
    if (this.failure !== undefined) throw this.failure;
    this.hashed++;
    const hash = this.hashes.length > 1 ? (this.hashes.shift() as number) : (this.hashes[0] as number);
    return { hash, currentRevision: this.revision, compactRevision: 5 };
  }
}

let replica: FakeReplica;
let clock: ManualClock;
let lines: LogRecord[];
let upkeep: Upkeep | undefined;

beforeEach(() => {
  replica = new FakeReplica();
  clock = new ManualClock();
  lines = [];
});

afterEach(() => upkeep?.stop());

const nothing: UpkeepConfig = {
  initialCorruptCheck: false,
  corruptCheckTimeMs: 0,
  compactHashCheckTimeMs: 0,
  autoCompaction: { mode: 'periodic', retention: 0 },
};

function start(config: Partial<UpkeepConfig>): Upkeep {
  const log = new Logger({ enabled: () => true, write: (line) => lines.push(line) }, 'test');
  upkeep = new Upkeep(replica.asReplica(), { ...nothing, ...config }, { electionMs: 1000, log }, clock);
  upkeep.start();
  return upkeep;
}

const warnings = (): (string | undefined)[] =>
  lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ fields }) => fields?.error as string);

describe('comparing all data', () => {
  test('takes place on the leader alone, each interval, from the start until the stop', async () => {
    const running = start({ corruptCheckTimeMs: minuteMs });
    await clock.advance(3 * minuteMs);
    // Before and after the others are asked.
    expect(replica.hashed).toBe(6);
    replica.lead = 0xbn;
    await clock.advance(3 * minuteMs);
    expect(replica.hashed).toBe(6);
    replica.lead = localId;
    await clock.advance(minuteMs);
    expect(replica.hashed).toBe(8);
    running.stop();
    await clock.advance(10 * minuteMs);
    expect(replica.hashed).toBe(8);
  });

  test('never takes place with an interval of 0, nor does any other check', async () => {
    start({});
    await clock.advance(1000 * minuteMs);
    expect([replica.hashed, replica.compactionsLookedAt, replica.proposed]).toEqual([0, 0, []]);
  });

  test('that finds damage raises the CORRUPT alarm, once', async () => {
    start({ corruptCheckTimeMs: minuteMs });
    replica.hashes = [7, 8, 7, 8, 7, 8];
    await clock.advance(minuteMs);
    const alarm = { action: AlarmRequest_AlarmAction.ACTIVATE, memberID: localId, alarm: AlarmType.CORRUPT };
    expect(replica.proposed).toEqual([{ alarm }]);
    replica.raised = [{ memberID: localId, alarm: AlarmType.CORRUPT }];
    await clock.advance(2 * minuteMs);
    expect(replica.proposed.length).toBe(1);
  });

  test('goes on when the alarm cannot be raised, and when the check fails, and says so', async () => {
    start({ corruptCheckTimeMs: minuteMs });
    replica.hashes = [7, 8, 7];
    replica.answer = () => Promise.reject(new Error('no leader'));
    await clock.advance(minuteMs);
    expect(warnings()).toContain('no leader');
    const failure = new Error('database damaged');
    replica.failure = failure;
    await clock.advance(minuteMs);
    expect(warnings()).toContain('database damaged');
    replica.failure = undefined;
    const { hashed } = replica;
    await clock.advance(minuteMs);
    expect(replica.hashed).toBe(hashed + 2);
  });
});

test('hashes of compactions are compared each interval, on the leader alone', async () => {
  start({ compactHashCheckTimeMs: minuteMs });
  await clock.advance(2 * minuteMs);
  replica.lead = 0xbn;
  await clock.advance(2 * minuteMs);
  expect(replica.compactionsLookedAt).toBe(2);
});

describe('before the start', () => {
  test('data is compared only if that is wanted', async () => {
    await start({}).beforeStart();
    expect(replica.hashed).toBe(0);
    await start({ initialCorruptCheck: true }).beforeStart();
    expect(replica.hashed).toBe(1);
  });
});

describe('automatic compaction', () => {
  const autoCompaction = { mode: 'revision', retention: 3 } as const;

  test('is proposed through the log, on the leader alone', async () => {
    start({ autoCompaction });
    await clock.advance(5 * minuteMs);
    expect(replica.proposed).toEqual([{ compaction: { revision: 7, physical: false } }]);
  });

  test('that others have done already is no failure; any other error is told', async () => {
    start({ autoCompaction });
    replica.answer = async () => ({ error: errCompacted() });
    await clock.advance(5 * minuteMs);
    expect(warnings()).toEqual([]);
    replica.answer = async () => ({ error: new Error('too many requests') });
    start({ autoCompaction });
    await clock.advance(5 * minuteMs);
    expect(warnings()).toContain('too many requests');
  });
});
