/** A database that was damaged on its way from the leader: it is refused, or the member has a state that it can work with. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../../server/base/logger.ts';
import { CrashFileSystem } from '../../../server/base/testing/crash-file-system.ts';
import { ReceivedSnapshots } from '../../../server/member/received-snapshots.ts';
import { BareMember, memberConfig, type SentSnapshot } from '../../../server/member/testing/bare-member.ts';
import { Message, MessageType } from '../../../server/proto/gen/raft.ts';
import { type Damage, damaged, damages, fuzzRuns, withinMemory } from './damage.ts';

const memoryLimitBytes = 5 * 1024 * 1024;
const snapDir = '/srv/etcd/m1/member/snap';

let sent: SentSnapshot;
let database: Buffer;
beforeAll(async () => {
  const leader = await BareMember.start(memberConfig(new CrashFileSystem()));
  for (let i = 0; i < 40; i++) await leader.put(`key ${i}`);
  sent = await leader.send();
  database = Buffer.concat(sent.database);
  await leader.close();
});

/** Half of the changes go to the heads of pages and to what is at their start, where they matter most. */
function intoPages(changes: readonly Damage[]): Damage[] {
  return changes.map((change, i) => {
    if (i % 2 === 0 || change.kind === 'cut') return change;
    const position = Math.floor(change.at * database.length);
    return { ...change, at: (position - (position % 4096) + (position % 64)) / database.length };
  });
}

test(
  'is refused and removed, or opened and of use',
  async () => {
    const counts = { refused: 0, opened: 0 };
    const property = fc.asyncProperty(damages, async (changes) => {
      const fs = new CrashFileSystem();
      const config = memberConfig(fs);
      const { boot } = await BareMember.start(config);
      const { clusterId, snapshotter } = boot;
      const received = new ReceivedSnapshots({
        ...{ config, clusterId, snapshotter, log: silentLogger },
        commitIndex: () => 1,
        offer: () => true,
        fatal: () => undefined,
      });
      const message = Message.create({ type: MessageType.MsgSnap, from: 2n, to: boot.id, snapshot: sent.snapshot });
      try {
        await received.receive(message, Readable.from([damaged(database, intoPages(changes))]));
      } catch (error) {
        expect((error as Error).message).toMatch(/^the database of the snapshot at index \d+ cannot be used \(.+\)/);
        expect((await fs.list(snapDir)).filter((name) => name !== 'db')).toEqual([]);
        counts.refused++;
        return;
      }
      const machine = received.take(sent.snapshot.metadata.index);
      machine.store.hashKv(0);
      await machine.store.close();
      await machine.backend.close();
      counts.opened++;
    });
    await withinMemory(memoryLimitBytes, () => fc.assert(property, { numRuns: Math.ceil(fuzzRuns / 3) }));
    expect(Math.min(counts.refused, counts.opened)).toBeGreaterThan(0);
  },
  30_000 + 30 * fuzzRuns,
);
