/**
 * How long the event loop stands still while a large database is hashed, copied, defragmented, compacted or opened beside
 * a running member: heartbeats go out at no other time, and elections begin after a second without them.
 *
 * `node bench/event-loop.ts [--keys 1000000]` prints, for each, the longest turns of
 * the event loop and what it took in all, in processor time of the thread.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bucketNames } from '../server/backend/backend.ts';
import { BoltBackend } from '../server/backend/bolt-backend.ts';
import { inSlices } from '../server/base/slices.ts';
import { writeDatabase } from '../server/bolt/mod.ts';
import { MvccStore } from '../server/mvcc/mod.ts';
import { encodeRevision } from '../server/mvcc/revision.ts';
import { KeyValue } from '../server/proto/gen/kv.ts';

const valueBytes = 100;
const putsPerTurn = 20;

const { values } = parseArgs({ options: { keys: { type: 'string', default: '1000000' } } });
const keys = Number(values.keys);
if (!Number.isSafeInteger(keys) || keys < 1) throw new Error('--keys takes a whole number from 1 on');

const nameOf = (i: number): Buffer => Buffer.from(`/registry/pods/namespace/${String(i).padStart(8, '0')}`);

function* records(): Generator<[Uint8Array, Uint8Array]> {
  for (let i = 0; i < keys; i++) {
    const revision = i + 2;
    const record = { create_revision: revision, mod_revision: revision, version: 1 };
    const kv = KeyValue.create({ key: nameOf(i), value: Buffer.alloc(valueBytes, i), ...record });
    yield [encodeRevision(revision, 0), KeyValue.encode(kv)];
  }
}

/** Processor time of this thread: what other processes do on the machine does not count. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const turns: number[] = [];
  let isOver = false;
  let lastMs = threadMs();
  const turn = (): void => {
    const nowMs = threadMs();
    turns.push(nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const beforeMs = threadMs();
  await work();
  const tookMs = threadMs() - beforeMs;
  isOver = true;
  turns.sort((one, other) => other - one);
  const over10Ms = turns.filter((turnMs) => turnMs > 10).length;
  const [longest, tenth] = [turns[0], turns[9]].map((turnMs = 0) => turnMs.toFixed(1).padStart(8));
  console.log(
    `${name.padEnd(34)}${longest} ms${tenth} ms${String(over10Ms).padStart(8)}${tookMs.toFixed(0).padStart(9)} ms`,
  );
}

const directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-bench-'));
try {
  const file = path.join(directory, 'db');
  await writeDatabase(
    file,
    bucketNames.map((name) => ({ name, pairs: name === 'key' ? records() : [] })),
  );
  console.log(`${String(keys).padEnd(32)} longest turn  10th longest  over 10 ms  in all`);

  let backend = undefined as unknown as BoltBackend;
  let store = undefined as unknown as MvccStore;
  await measure('open a received database', async () => {
    backend = await BoltBackend.open(file);
    store = new MvccStore(backend);
    await inSlices(store.restoreSteps());
    store.resume();
  });
  let puts = 0;
  let isWriting = true;
  const write = async (): Promise<void> => {
    while (isWriting) {
      for (let i = 0; i < putsPerTurn; i++, puts++) {
        const txn = store.beginWrite();
        txn.put(nameOf((puts * 7919) % keys), Buffer.alloc(valueBytes, puts), 0n);
        txn.end();
      }
      await delay(1);
    }
  };
  await measure('nothing, for comparison', () => delay(2000));
  const writing = write();
  await measure('puts alone', () => delay(2000));
  await measure('HashKV, with puts', () => store.hashKvInSlices(0));
  await measure('Hash, with puts', () => backend.hash());
  await measure('snapshot stream, with puts', async () => {
    const snapshot = await backend.snapshot();
    const hash = createHash('sha256');
    for await (const chunk of snapshot.chunks()) hash.update(chunk);
    snapshot.close();
  });
  await measure('defragmentation, with puts', async () => {
    await backend.defragment();
    await backend.commit();
  });
  await measure('compaction, with puts', () => store.compact(store.currentRevision).done);
  isWriting = false;
  await writing;
  await store.close();
  await backend.close();
} finally {
  await rm(directory, { recursive: true });
}
