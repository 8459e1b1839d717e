import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { FrameEncoder } from './frame-encoder.ts';
import type { WalContents } from './replay.ts';
import { entries, entry, frames, plain } from './testing/log-model.ts';
import { Wal } from './wal.ts';

const metadata = { nodeId: 1n, clusterId: 2n };
const start = { index: 0, term: 0 };
const segmentSizeBytes = 16_384;
const path = '/wal/0000000000000000-0000000000000000.wal';
const sectorBytes = 512;

/** The bytes of a segment with two small entries and a last one over several sectors. */
async function segment(): Promise<{ bytes: Uint8Array; lastOffset: number; end: number }> {
  const fs = new CrashFileSystem();
  const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
  await wal.save({ term: 1, vote: 1n, commit: 0 }, entries(1, 2), true);
  await wal.save(undefined, [entry(3, 1, 1500)], true);
  await wal.close();
  const bytes = fs.contents(path);
  const last = frames(bytes).at(-1);
  return { bytes, lastOffset: last?.offset ?? 0, end: last?.end ?? 0 };
}

function holding(bytes: Uint8Array, name = path): CrashFileSystem {
  const fs = new CrashFileSystem();
  fs.seedFile(name, bytes);
  return fs;
}

/** Opens, appends entry 3 again with other data, and reads everything back. */
async function openAndGoOn(fs: CrashFileSystem) {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const opened = await Wal.open('/wal', start, { fs, segmentSizeBytes, onWarning });
  await opened.wal.save(undefined, [entry(3, 2, 30)], true);
  await opened.wal.close();
  const read = await Wal.read('/wal', start, { fs });
  expect(read.entries.map(({ Index, Term }) => [Index, Term])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
  ]);
  return { found: opened.entries.length, warnings };
}

describe('a record that was cut short', () => {
  test('by the end of the file is cut off, wherever it ends', async () => {
    const { bytes, lastOffset, end } = await segment();
    for (let length = lastOffset; length <= end; length++) {
      const fs = holding(bytes.slice(0, length));
      expect((await Wal.read('/wal', start, { fs })).entries).toHaveLength(length === end ? 3 : 2);
      const { found, warnings } = await openAndGoOn(fs);
      expect(found).toBe(length === end ? 3 : 2);
      const torn = length > lastOffset && length < end;
      expect(warnings).toHaveLength(torn ? 1 : 0);
      expect(await fs.exists(`${path}.broken`)).toBe(torn);
      if (torn) expect(fs.contents(`${path}.broken`)).toEqual(bytes.slice(0, length));
    }
  });

  test('by the loss of any of its sectors is cut off, and none of it shows later', async () => {
    const { bytes, lastOffset, end } = await segment();
    const first = Math.floor(lastOffset / sectorBytes);
    const sectors = Math.ceil(end / sectorBytes) - first;
    expect(sectors).toBeGreaterThanOrEqual(4);
    for (let lost = 1; lost < 2 ** sectors; lost++) {
      const torn = bytes.slice();
      for (let sector = 0; sector < sectors; sector++) {
        const from = Math.max(lastOffset, (first + sector) * sectorBytes);
        if (lost & (1 << sector)) torn.fill(0, from, Math.min(end, (first + sector + 1) * sectorBytes));
      }
      const fs = holding(torn);
      const { found } = await openAndGoOn(fs);
      expect(found).toBe(2);
      const behind = frames(fs.contents(path)).at(-1)?.end ?? 0;
      expect(
        fs
          .contents(path)
          .subarray(behind)
          .every((byte) => byte === 0),
      ).toBe(true);
    }
  });

  test('keeps its file’s shortened length, and is not mentioned again', async () => {
    const { bytes, lastOffset } = await segment();
    const fs = holding(bytes.slice(0, lastOffset + 100));
    await openAndGoOn(fs);
    const warnings: string[] = [];
    const opened = await Wal.open('/wal', start, { fs, onWarning: (message) => warnings.push(message) });
    await opened.wal.close();
    expect(warnings).toEqual([]);
    expect(fs.contents(path).length).toBe(frames(fs.contents(path)).at(-1)?.end);
  });

  test('behind its lost beginning leaves nothing, as soon as the log is open', async () => {
    const { bytes, lastOffset, end } = await segment();
    bytes.fill(0, lastOffset, lastOffset + 8);
    for (let seed = 0; seed < 20; seed++) {
      const fs = new CrashFileSystem({ seed });
      fs.seedFile(path, bytes);
      await Wal.open('/wal', start, { fs });
      const after = fs.reboot().contents(path);
      expect(after.length).toBe(bytes.length);
      expect(after.subarray(lastOffset, end).every((byte) => byte === 0)).toBe(true);
    }
  });

  test('is not repaired when the log is refused for another reason', async () => {
    const { bytes, lastOffset } = await segment();
    const fs = holding(bytes.slice(0, lastOffset + 100));
    const refused = { code: 'WAL_NO_SNAPSHOT' };
    await expect(Wal.open('/wal', { index: 2, term: 1 }, { fs })).rejects.toMatchObject(refused);
    expect(fs.steps).toEqual([]);
  });

  test('in a segment that is not the last is refused', async () => {
    const { bytes, lastOffset } = await segment();
    const fs = holding(bytes.slice(0, lastOffset + 100));
    fs.seedFile('/wal/0000000000000001-0000000000000004.wal', Buffer.alloc(64));
    const refused = { code: 'WAL_CORRUPT', path, offset: lastOffset };
    await expect(Wal.open('/wal', start, { fs })).rejects.toMatchObject(refused);
    await expect(Wal.read('/wal', start, { fs })).rejects.toMatchObject(refused);
    await expect(Wal.validSnapshots('/wal', { fs })).rejects.toMatchObject(refused);
  });
});

describe('a damaged record', () => {
  test('is refused with file and offset, whichever bit of its data or CRC has flipped', async () => {
    const { bytes } = await segment();
    const intact = plain(await Wal.read('/wal', start, { fs: holding(bytes) }));
    let harmless = 0;
    for (const { offset, end } of frames(bytes).slice(1, -1)) {
      // Behind length, type and the tag of the CRC.
      for (let at = offset + 11; at < end - 8; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = bytes.slice();
          damaged[at] = (damaged[at] as number) ^ (1 << bit);
          const fs = holding(damaged);
          const outcome = await Wal.read('/wal', start, { fs }).catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'WAL_CORRUPT', path, offset });
          else {
            expect(plain(outcome as WalContents)).toEqual(intact);
            harmless++;
          }
        }
      }
    }
    // A varint of five bytes has three bits that no 32-bit CRC needs.
    expect(harmless).toBeLessThanOrEqual(3 * frames(bytes).slice(1, -1).length);
  });

  test('is refused, too, as the last one, when no sector of it is missing', async () => {
    const { bytes, lastOffset } = await segment();
    bytes[lastOffset + 700] = (bytes[lastOffset + 700] as number) ^ 0x10;
    const refused = { code: 'WAL_CORRUPT', path, offset: lastOffset, message: expect.stringContaining('CRC') };
    await expect(Wal.open('/wal', start, { fs: holding(bytes) })).rejects.toMatchObject(refused);
  });

  test('of no known type is refused', async () => {
    const { bytes } = await segment();
    const { offset } = frames(bytes)[3] as { offset: number };
    bytes[offset + 9] = 9;
    const refused = { code: 'WAL_CORRUPT', path, offset, message: expect.stringContaining('9 is not a type') };
    await expect(Wal.open('/wal', start, { fs: holding(bytes) })).rejects.toMatchObject(refused);
  });

  test('with a length whose padding cannot be is refused', async () => {
    const { bytes } = await segment();
    const { offset } = frames(bytes)[3] as { offset: number };
    bytes[offset] = (bytes[offset] as number) ^ 1;
    const refused = { code: 'WAL_CORRUPT', path, offset, message: expect.stringContaining('length') };
    await expect(Wal.open('/wal', start, { fs: holding(bytes) })).rejects.toMatchObject(refused);
  });

  test.each([1, 0xffff, 0xffffff])('that claims %i times 4 GiB costs no memory', async (high) => {
    const { bytes } = await segment();
    const { offset } = frames(bytes)[3] as { offset: number };
    Buffer.from(bytes.buffer, bytes.byteOffset).writeUIntLE(high, offset + 4, 3);
    const before = process.memoryUsage().arrayBuffers;
    const read = await Wal.read('/wal', start, { fs: holding(bytes) });
    expect(read.entries).toHaveLength(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  test('whose data only are damaged, with a CRC to match, is refused', async () => {
    const { bytes } = await segment();
    const other = Buffer.from(bytes);
    const kept = frames(bytes)[2] as { end: number; record: { crc: number } };
    const encoder = new FrameEncoder(kept.record.crc);
    encoder.metadata(Buffer.from([0xff]));
    other.fill(0, kept.end);
    other.set(encoder.bytes(), kept.end);
    const refused = { code: 'WAL_CORRUPT', path, offset: kept.end };
    await expect(Wal.open('/wal', start, { fs: holding(other) })).rejects.toMatchObject(refused);
  });
});
