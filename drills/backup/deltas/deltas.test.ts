import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Event, Event_EventType, KeyValue } from '../../../server/proto/gen/kv.ts';
import { activeName, describeChain, listChains, markDisproved, readSegments } from './chain.ts';
import { ChainWriter, type ReceivedRevision } from './chain-writer.ts';
import { Continuity } from './continuity.ts';
import { decodeEntry, type Entry, encodeEntry } from './entry.ts';
import { readSegment } from './segment.ts';

const sha256 = 'ab'.repeat(32);
const chain = {
  id: '20261120-081500-cafe',
  clusterId: 'cafe',
  base: { backup: '20261120-081500', sha256, revision: 10 },
  fromMs: 1000,
};

/** One put of a key named after the revision. */
function received(revision: number, value = 'v'): ReceivedRevision {
  const kv = KeyValue.create({ key: Buffer.from(`k${revision}`), value: Buffer.from(value), mod_revision: revision });
  return { revision, events: [Event.encode({ type: Event_EventType.PUT, kv })] };
}
const rows = (from: number, to: number): ReceivedRevision[] =>
  Array.from({ length: to - from + 1 }, (_, i) => received(from + i));

const uint = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const entries: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant('revision' as const),
    revision: uint,
    atMs: uint,
    isLate: fc.boolean(),
    events: fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('lease' as const),
    id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ttlSeconds: uint,
  }),
  fc.record({ kind: fc.constant('mark' as const), revision: uint, atMs: uint }),
  fc.record({ kind: fc.constant('seal' as const), lastRevision: uint, lastAtMs: uint, sha256: hex }),
  fc.record({ kind: fc.constant('header' as const), json: fc.string() }),
);
/** Events as plain arrays, whatever kind of buffer they are views of. */
const plain = (entry: Entry | undefined) =>
  entry?.kind === 'revision' ? { ...entry, events: entry.events.map((event) => [...event]) } : entry;

describe('an entry', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(entries, fc.nat(20), (entry, offset) => {
        const bytes = Buffer.concat([Buffer.alloc(offset), encodeEntry(entry)]);
        const found = decodeEntry(bytes, offset);
        expect(plain(found?.entry)).toEqual(plain(entry));
        expect(found?.end).toBe(bytes.length);
      }),
    );
  });

  test('with a bit changed, or cut off, is none', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(7), (entry, at, bit) => {
        const bytes = encodeEntry(entry);
        const position = at % bytes.length;
        expect(decodeEntry(bytes.subarray(0, position), 0)).toBeUndefined();
        bytes[position] = (bytes[position] as number) ^ (1 << bit);
        expect(decodeEntry(bytes, 0)).toBeUndefined();
      }),
    );
  });
});

describe('a history', () => {
  test('comes out the same, however often and in whatever pieces its sources overlap', () => {
    const history = rows(11, 60);
    const pieces = fc.array(fc.tuple(fc.nat(49), fc.nat(20)), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, (cuts) => {
        const continuity = new Continuity(10);
        const taken: number[] = [];
        const take = (part: ReceivedRevision[]): void => {
          for (const each of part) if (continuity.accept(each)) taken.push(each.revision);
        };
        // Each source begins somewhere in what is known already, or right behind it.
        for (const [start, length] of cuts) take(history.slice(Math.min(start, taken.length), start + length));
        take(history.slice(0));
        expect(taken).toEqual(history.map(({ revision }) => revision));
      }),
    );
  });

  test('does not take a revision twice with different contents, nor one after a hole; it says which', () => {
    const continuity = new Continuity(10);
    for (const each of rows(11, 20)) continuity.accept(each);
    expect(() => continuity.accept(received(15, 'other'))).toThrow('revision 15 is there with another content');
    expect(() => continuity.accept(received(23))).toThrow('revisions 21 to 22 are missing');
    expect(continuity.lastRevision).toBe(20);
  });
});

describe('a chain on disk', () => {
  let folder: string;
  let writer: ChainWriter;
  const own = (): string => path.join(folder, chain.id);
  const open = async (): Promise<ChainWriter> => (await ChainWriter.open(own())) as ChainWriter;
  const record = (to: number, from = writer.lastRevision + 1) =>
    writer.record(rows(from, to), { atMs: 2000 + to, isLate: false });
  const revisions = async (): Promise<number[]> => {
    const described = await describeChain(own());
    const found: number[] = [];
    for await (const segment of readSegments(described?.segments ?? []))
      for (const entry of segment.entries) if (entry.kind === 'revision') found.push(entry.revision);
    return found;
  };
  const upTo = (last: number): number[] => rows(11, last).map(({ revision }) => revision);

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
    writer = await ChainWriter.create(folder, chain);
  });
  afterEach(async () => {
    await writer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is written, sealed, opened again and read as one history', async () => {
    expect(await record(15)).toBe(5);
    await writer.seal();
    // Nothing was recorded since: no empty segment comes of it.
    await writer.seal();
    await record(20);
    await writer.close();
    writer = await open();
    expect(writer).toMatchObject({ lastRevision: 20, lastAtMs: 2020, baseRevision: 10, clusterId: 'cafe' });
    await record(25);
    expect(readdirSync(own()).sort()).toEqual(['00000001.delta', activeName]);
    expect(await revisions()).toEqual(upTo(25));
    expect(await listChains(folder)).toMatchObject([
      { id: chain.id, fromRevision: 11, lastRevision: 25, fromMs: 1000, lastAtMs: 2025 },
    ]);
  });

  test('takes what it has already once more without doubling it, also after it was opened again', async () => {
    await record(20);
    expect(await record(22, 18)).toBe(2);
    await writer.close();
    writer = await open();
    expect(await record(23, 20)).toBe(1);
    await expect(writer.record([received(23, 'other')], { atMs: 0, isLate: false })).rejects.toThrow('revision 23');
    expect(await revisions()).toEqual(upTo(23));
  });

  test('remembers leases, and moments at which it lacked nothing', async () => {
    await writer.recordLeases(new Map([[-5n, 60]]));
    await record(11);
    await writer.mark(11, 9000);
    await writer.mark(10, 9999);
    await writer.close();
    writer = await open();
    expect([...writer.leases]).toEqual([-5n]);
    expect(writer.lastAtMs).toBe(9000);
    // A clock that was set back.
    await record(12);
    expect((await listChains(folder))[0]?.lastAtMs).toBe(9000);
  });

  test('cut off anywhere, holds what was whole, and goes on from there', async () => {
    await record(13);
    await record(16);
    await writer.close();
    const file = path.join(own(), activeName);
    const whole = readFileSync(file);
    const headerEnd = decodeEntry(whole, 0)?.end as number;
    for (let size = headerEnd; size <= whole.length; size += 7) {
      writeFileSync(file, whole);
      truncateSync(file, size);
      const kept = readSegment(whole.subarray(0, size), file).lastRevision;
      expect(await revisions()).toEqual(upTo(kept));
      writer = await open();
      expect(writer.lastRevision).toBe(kept);
      await record(17);
      await writer.close();
      expect(await revisions()).toEqual(upTo(17));
    }
  });

  test('is read without a hole while its writer seals', async () => {
    let durable = 10;
    const sealed = async (to: number): Promise<void> => {
      while (durable < to) {
        await record(durable + 1);
        await writer.seal();
        durable++;
      }
    };
    // Enough that reading takes longer than sealing.
    await sealed(40);
    let isWriting = true;
    const writing = sealed(70).finally(() => {
      isWriting = false;
    });
    while (isWriting) {
      const before = durable;
      expect((await describeChain(own()))?.lastRevision).toBeGreaterThanOrEqual(before);
    }
    await writing;
  });

  test('with marks alone is sealed only when that is asked for', async () => {
    await writer.mark(10, 2000);
    await writer.sealChanges();
    expect(readdirSync(own())).toEqual([activeName]);
    await record(11);
    await writer.sealChanges();
    expect(readdirSync(own())).toEqual(['00000001.delta']);
    await writer.mark(11, 20_000);
    await writer.seal();
    expect(readdirSync(own())).toEqual(['00000001.delta', '00000002.delta']);
  });

  test('is closed when all that was asked for before is done, and takes nothing after', async () => {
    const [, , late] = await Promise.allSettled([record(11), writer.close(), record(12, 12)]);
    expect(late).toMatchObject({ status: 'rejected' });
    expect(await revisions()).toEqual([11]);
  });

  test('that was disproved says so to whoever reads it', async () => {
    await markDisproved(own(), 'it leads elsewhere');
    expect(await describeChain(own())).toMatchObject({ disproved: 'it leads elsewhere' });
  });

  test('with garbage at its end, keeps that aside and goes on', async () => {
    await record(13);
    await writer.close();
    const file = path.join(own(), activeName);
    const before = readFileSync(file);
    writeFileSync(file, Buffer.concat([before, Buffer.from('garbage behind the end')]));
    writer = await open();
    expect(readFileSync(path.join(own(), 'cut-off'), 'utf8')).toBe('garbage behind the end');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('whose writer ended between the seal and the new name gets the name', async () => {
    await record(13);
    await writer.seal();
    await writer.close();
    const sealed = readFileSync(path.join(own(), '00000001.delta'));
    rmSync(path.join(own(), '00000001.delta'));
    writeFileSync(path.join(own(), activeName), sealed);
    expect(await revisions()).toEqual(upTo(13));
    writer = await open();
    expect(readdirSync(own())).toEqual(['00000001.delta']);
    await record(14);
    expect(await revisions()).toEqual(upTo(14));
  });

  test('in which any byte of a sealed segment was changed is refused when it is read', async () => {
    await record(13);
    await writer.seal();
    await writer.close();
    const file = path.join(own(), '00000001.delta');
    const sound = readFileSync(file);
    for (let at = 0; at < sound.length; at++) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] as number) ^ 0x10;
      expect(() => readSegment(bytes, file, true), `byte ${at}`).toThrow(/00000001.delta is damaged at byte \d+/);
    }
    for (const size of [0, 9, sound.length - 1]) {
      expect(() => readSegment(sound.subarray(0, size), file, true)).toThrow('is damaged');
    }
    expect(() => readSegment(Buffer.concat([sound, sound]), file)).toThrow('something follows the seal');
  });

  test('that lacks a segment, or has another one in its place, is refused', async () => {
    for (const to of [13, 15, 17]) {
      await record(to);
      await writer.seal();
    }
    await writer.close();
    const [first, second, third] = [1, 2, 3].map((n) => path.join(own(), `0000000${n}.delta`)) as [
      string,
      string,
      string,
    ];
    const sound = readFileSync(second);
    rmSync(second);
    await expect(describeChain(own())).rejects.toThrow(
      /00000003.delta does not go on where segment 1 ends: it is segment 3/,
    );
    // What is before it can be restored all the same.
    const told: string[] = [];
    const [upToFirst] = await listChains(folder, ({ message }) => told.push(message));
    expect([upToFirst?.lastRevision, told.length]).toEqual([13, 1]);
    await expect(ChainWriter.open(own())).rejects.toThrow('00000003.delta does not go on');
    writeFileSync(second, readFileSync(third));
    await expect(describeChain(own())).rejects.toThrow(/00000002.delta does not go on where segment 1 ends/);
    writeFileSync(second, sound);
    // The oldest may be pruned.
    rmSync(first);
    expect(await describeChain(own())).toMatchObject({ fromRevision: 14, lastRevision: 17 });
  });
});
