import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ConfState, HardState, Message, MessageType, Snapshot, SnapshotMetadata } from '../proto/gen/raft.ts';
import type { RawNode, Ready } from '../raft/mod.ts';
import { startNode } from '../raft/testing/node.ts';
import type { Snapshotter } from '../snap/mod.ts';
import type { Wal } from '../wal/mod.ts';
import { RaftDriver } from './raft-driver.ts';

const snapshot = Snapshot.create({
  metadata: SnapshotMetadata.create({ index: 7, term: 2, conf_state: ConfState.create({ voters: [1n] }) }),
});

function newReady(fields: Partial<Ready>): Ready {
  return {
    ...{ sequence: 1, entries: [], mustSync: true, messages: [], messagesAfterPersist: [], committedEntries: [] },
    ...{ readStates: [], hardState: HardState.create({ term: 2, commit: 7 }), ...fields },
  };
}

/** A driver whose raft has one snapshot to install, and whose state machine takes as long as it is told to. */
class Bench {
  readonly done: string[] = [];
  readonly driver: RaftDriver;
  readonly check = Promise.withResolvers<void>();
  readonly installed = Promise.withResolvers<void>();
  /** What raft does with a message, to where its log begins. */
  onStep: () => void = () => undefined;
  firstIndex = 8;
  private readonly readys: Ready[] = [newReady({ snapshot })];

  constructor() {
    const node = {
      status: () => startNode().status(),
      hasReady: () => this.readys.length > 0,
      ready: () => this.readys.shift(),
      persisted: () => undefined,
      firstIndex: () => this.firstIndex,
      step: () => this.onStep(),
      applied: (index: number) => this.done.push(`applied ${index}`),
    };
    const save = async (): Promise<void> => undefined;
    this.driver = new RaftDriver({
      node: node as unknown as RawNode,
      wal: { save, saveSnapshot: save, releaseTo: () => undefined } as unknown as Wal,
      snapshotter: { save } as unknown as Snapshotter,
      heartbeatMs: 100,
      hooks: {
        send: () => undefined,
        apply: () => undefined,
        checkSnapshot: () => this.check.promise,
        install: async () => {
          this.done.push('install begins');
          await this.installed.promise;
          this.done.push('install ends');
        },
        leaderChanged: () => undefined,
        ticked: () => undefined,
        collect: () => undefined,
        readIndex: () => undefined,
        fatal: (error) => this.done.push(error.message),
      },
    });
  }
}

/** Long enough for whatever does not wait for the bench. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await setImmediate();
};

test('stopping waits for a snapshot that is being put in its place, and raft is told of nothing after', async () => {
  const bench = new Bench();
  bench.driver.wake();
  await turns();
  bench.check.resolve();
  await turns();
  const stopped = bench.driver.stop().then(() => bench.done.push('stopped'));
  await turns();
  bench.installed.resolve();
  await stopped;
  expect(bench.done).toEqual(['install begins', 'install ends', 'stopped']);
});

test('a snapshot that is only being stored when the member stops is left for the next start', async () => {
  const bench = new Bench();
  bench.driver.wake();
  await turns();
  const stopped = bench.driver.stop().then(() => bench.done.push('stopped'));
  bench.check.resolve();
  await stopped;
  expect(bench.done).toEqual(['stopped']);
});

test('whoever waits for the installation under way goes on when it has ended', async () => {
  const bench = new Bench();
  await bench.driver.installation();
  bench.driver.wake();
  await turns();
  const waited = bench.driver.installation().then(() => bench.done.push('waited'));
  bench.check.resolve();
  await turns();
  bench.installed.resolve();
  await waited;
  expect(bench.done).toEqual(['install begins', 'install ends', 'applied 7', 'waited']);
});

describe('a snapshot that is offered to raft', () => {
  const message = Message.create({ type: MessageType.MsgSnap, snapshot });

  test('is to be installed when it takes the place of the log', () => {
    const bench = new Bench();
    bench.firstIndex = 3;
    bench.onStep = () => {
      bench.firstIndex = 8;
    };
    expect(bench.driver.offerSnapshot(message)).toBe(true);
  });

  test('is not wanted when the log began behind it before', () => {
    expect(new Bench().driver.offerSnapshot(message)).toBe(false);
  });
});
