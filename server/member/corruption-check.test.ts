import { beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { errFutureRevision } from '../errors/etcd-error.ts';
import type { HashKvResult, KvHash } from '../mvcc/mod.ts';
import { CorruptionCheck, CorruptionError, type PeerHash } from './corruption-check.ts';

const localId = 0xan;

/** A member and what the others would answer. */
class Scene {
  local: HashKvResult = { hash: 7, compactRevision: 3, currentRevision: 10 };
  compactions: KvHash[] = [];
  /** What a peer answers for a revision; by default what the local member would. */
  peers = new Map<bigint, (revision: number) => PeerHash['answer']>();
  asked: number[] = [];
  raised: bigint[] = [];
  lines: LogRecord[] = [];
  /** Runs while the check waits for the cluster. */
  meanwhile: () => void = () => {};
  readonly check = new CorruptionCheck({
    localId,
    hashKv: async () => this.local,
    compactionHashes: () => this.compactions,
    askPeers: async (revision) => {
      this.asked.push(revision);
      return [...this.peers].map(([id, answer]) => ({ id, answer: answer(revision) }));
    },
    readBarrier: async () => this.meanwhile(),
    raiseCorrupt: (id) => this.raised.push(id),
    log: new Logger({ enabled: () => true, write: (line) => this.lines.push(line) }, 'test'),
  });

  peer(id: bigint, answer: { revision?: number; hash?: number; compactRevision?: number } | Error): void {
    const { currentRevision: revision, hash, compactRevision } = this.local;
    this.peers.set(id, () => (answer instanceof Error ? answer : { revision, hash, compactRevision, ...answer }));
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe('before a member starts', () => {
  test('it compares with the others at the revision that it has', async () => {
    scene.peer(0xbn, { revision: 25 });
    scene.peer(0xcn, {});
    await scene.check.atStart();
    expect(scene.asked).toEqual([10]);
    expect(scene.raised).toEqual([]);
  });

  test('it refuses to start when one has another hash, and names that one', async () => {
    scene.peer(0xbn, {});
    scene.peer(0xcn, { hash: 8 });
    const refused = scene.check.atStart();
    await expect(refused).rejects.toThrow(CorruptionError);
    await expect(refused).rejects.toThrow(
      'a found data inconsistency with peers: at revision 10 its keys are not those of c.',
    );
    expect(scene.raised).toEqual([]);
  });

  test.each<[string, Parameters<Scene['peer']>[1]]>([
    ['does not answer', new Error('connection refused')],
    ['has not come so far', errFutureRevision()],
    ['has compacted to another revision', { hash: 8, compactRevision: 5 }],
  ])('it starts, with a warning, when another %s', async (_title, answer) => {
    scene.peer(0xbn, answer);
    await scene.check.atStart();
    expect(scene.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('from time to time, the leader', () => {
  test('is content when all followers have its hash', async () => {
    scene.peer(0xbn, {});
    scene.peer(0xcn, { revision: 9 });
    await scene.check.now();
    expect(scene.raised).toEqual([]);
    expect(scene.lines.at(-1)).toMatchObject({ level: 'info', fields: { 'number-of-peers-checked': 2 } });
  });

  test('blames the follower that differs', async () => {
    scene.peer(0xbn, {});
    scene.peer(0xcn, { hash: 8 });
    await scene.check.now();
    expect(scene.raised).toEqual([0xcn]);
  });

  test('blames itself when all followers agree on something else', async () => {
    scene.peer(0xbn, { hash: 8 });
    scene.peer(0xcn, { hash: 8 });
    await scene.check.now();
    expect(scene.raised).toEqual([localId]);
  });

  test('blames nobody in particular, with member id 0, when there is no majority', async () => {
    scene.peer(0xbn, { hash: 8 });
    await scene.check.now();
    expect(scene.raised).toEqual([0n]);
  });

  test('passes over followers that are behind, silent, or compacted to another revision', async () => {
    scene.peer(0xbn, errFutureRevision());
    scene.peer(0xcn, new Error('connection refused'));
    scene.peer(0xdn, { hash: 8, compactRevision: 2 });
    await scene.check.now();
    expect(scene.raised).toEqual([]);
  });

  test('blames itself when its hash changes although nothing was written', async () => {
    scene.peer(0xbn, {});
    scene.meanwhile = () => {
      scene.local = { ...scene.local, hash: 8 };
    };
    await scene.check.now();
    expect(scene.raised).toEqual([localId]);
  });

  test.each([
    ['written', { currentRevision: 11 }],
    ['compacted', { compactRevision: 4 }],
  ])('expects another hash once something was %s', async (_title, change) => {
    scene.peer(0xbn, {});
    scene.meanwhile = () => {
      scene.local = { ...scene.local, ...change, hash: 8 };
    };
    await scene.check.now();
    expect(scene.raised).toEqual([]);
  });

  test.each([
    ['revision', { revision: 12 }],
    ['compact revision', { compactRevision: 4 }],
  ])('blames a follower whose %s is ahead of its own, even after it has asked the cluster', async (_title, answer) => {
    scene.peer(0xbn, answer);
    await scene.check.now();
    expect(scene.raised).toEqual([0xbn]);
  });

  test('does not blame a follower that is ahead of what the leader had when it began', async () => {
    scene.peer(0xbn, { revision: 12 });
    scene.meanwhile = () => {
      scene.local = { ...scene.local, currentRevision: 12, hash: 8 };
    };
    await scene.check.now();
    expect(scene.raised).toEqual([]);
  });
});

describe('after compactions, the leader', () => {
  const at = (revision: number, hash: number): KvHash => ({ revision, hash, compactRevision: revision - 10 });

  beforeEach(() => {
    scene.compactions = [at(20, 120), at(30, 130), at(40, 140)];
  });

  /** A peer with the same hashes but for some revisions. */
  function peerWith(id: bigint, others: Record<number, PeerHash['answer']> = {}): void {
    scene.peers.set(id, (revision) => {
      const { hash, compactRevision } = scene.compactions.find((each) => each.revision === revision) as KvHash;
      return others[revision] ?? { revision: 50, hash, compactRevision };
    });
  }

  test('compares the newest, and no older one when all members have it', async () => {
    peerWith(0xbn);
    peerWith(0xcn);
    await scene.check.afterCompactions();
    expect(scene.asked).toEqual([40]);
    expect(scene.raised).toEqual([]);
  });

  test('compares none twice', async () => {
    peerWith(0xbn);
    await scene.check.afterCompactions();
    scene.compactions.push(at(50, 150));
    await scene.check.afterCompactions();
    await scene.check.afterCompactions();
    expect(scene.asked).toEqual([40, 50]);
  });

  test('goes back to older ones until all members could be compared, and tries again next time', async () => {
    peerWith(0xbn);
    peerWith(0xcn, { 40: errFutureRevision(), 30: { revision: 50, hash: 1, compactRevision: 30 } });
    await scene.check.afterCompactions();
    expect(scene.asked).toEqual([40, 30, 20]);
    expect(scene.raised).toEqual([]);
    await scene.check.afterCompactions();
    expect(scene.asked).toEqual([40, 30, 20, 40, 30]);
  });

  test('blames every member that is not of the majority', async () => {
    const wrong = (hash: number) => ({ 40: { revision: 50, hash, compactRevision: 30 } });
    peerWith(0xbn, wrong(1));
    peerWith(0xcn);
    peerWith(0xdn, wrong(2));
    peerWith(0xen);
    await scene.check.afterCompactions();
    expect(scene.raised).toEqual([0xbn, 0xdn]);
    expect(scene.asked).toEqual([40]);
  });

  test('blames member id 0 without a majority', async () => {
    peerWith(0xbn, { 40: { revision: 50, hash: 1, compactRevision: 30 } });
    await scene.check.afterCompactions();
    expect(scene.raised).toEqual([0n]);
  });

  test('does nothing without a compaction', async () => {
    scene.compactions = [];
    peerWith(0xbn);
    await scene.check.afterCompactions();
    expect(scene.asked).toEqual([]);
  });
});
