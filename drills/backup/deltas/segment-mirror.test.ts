import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Event, Event_EventType, KeyValue } from '../../../server/proto/gen/kv.ts';
import { FolderStore } from '../stores/folder-store.ts';
import { markDisproved, readDisproof } from './chain.ts';
import { ChainWriter } from './chain-writer.ts';
import { SegmentMirror, type SegmentMirrorOptions } from './segment-mirror.ts';

const chain = {
  id: '20261120-081500-cafe',
  clusterId: 'cafe',
  base: { backup: '20261120-081500', sha256: 'ab'.repeat(32), revision: 10 },
  fromMs: 1000,
};
let root: string;
let writer: ChainWriter;
const place = (...parts: string[]): string => path.join(root, ...parts);

beforeEach(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  mkdirSync(place('store'));
  writer = await ChainWriter.create(place('here'), chain);
  for (const revision of [11, 12, 13]) await record(revision);
});
afterEach(async () => {
  await writer.close();
  rmSync(root, { recursive: true, force: true });
});

/** One revision, in a segment of its own unless told otherwise. */
async function record(revision: number, isSealed = true): Promise<void> {
  const kv = KeyValue.create({ key: Buffer.from('k'), value: Buffer.from('a secret value'), mod_revision: revision });
  const events = [Event.encode({ type: Event_EventType.PUT, kv })];
  await writer.record([{ revision, events }], { atMs: revision, isLate: false });
  if (isSealed) await writer.seal();
}

function mirror(change: Partial<SegmentMirrorOptions> = {}): SegmentMirror {
  const { signal } = new AbortController();
  const store = new FolderStore(place('store'));
  const keys = { recipient: undefined, identity: undefined };
  return new SegmentMirror({ store, lab: 'lab', scratch: place('scratch'), ...keys, signal, ...change });
}
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(place(folder, chain.id))
      .sort()
      .map((name) => [name, readFileSync(place(folder, chain.id, name), 'hex')]),
  );
const stored = (): string[] => readdirSync(place('store', 'lab', 'deltas', chain.id)).sort();

test('what is sealed is stored once, and comes back byte for byte', async () => {
  await record(14, false);
  expect(await mirror().push(place('here'))).toBe(3);
  expect(await mirror().push(place('here'))).toBe(0);
  expect(await mirror().pull(place('there'))).toBe(3);
  const { 'active.delta': _, ...sealed } = contents('here');
  expect(contents('there')).toEqual(sealed);
  expect(await mirror().pull(place('there'))).toBe(0);
  expect(readdirSync(place('scratch'))).toEqual([]);
});

test('encrypted, it shows no value, and comes back to whoever has the key', async () => {
  const identity = await generateX25519Identity();
  await mirror({ recipient: await identityToRecipient(identity) }).push(place('here'));
  for (const name of stored()) {
    expect(name).toMatch(/^0000000\d-[0-9a-f]{64}\.delta\.zst\.age$/);
    expect(readFileSync(place('store', 'lab', 'deltas', chain.id, name)).includes('a secret value')).toBe(false);
  }
  await expect(mirror().pull(place('there'))).rejects.toThrow('nobody says where the secret key is');
  await mirror({ identity }).pull(place('there'));
  expect(contents('there')).toEqual(contents('here'));
});

test('one that was changed in the store is refused, and nothing of it is left', async () => {
  await mirror().push(place('here'));
  const [first, second] = stored().map((name) => place('store', 'lab', 'deltas', chain.id, name)) as [string, string];
  writeFileSync(second, readFileSync(first));
  await expect(mirror().pull(place('there'))).rejects.toThrow(/the SHA-256 is/);
  expect(readdirSync(place('there', chain.id))).toEqual(['00000001.delta']);
});

test('what is before one that is damaged is fetched for whoever wants to know of it and go on', async () => {
  await mirror().push(place('here'));
  const second = place('store', 'lab', 'deltas', chain.id, stored()[1] as string);
  writeFileSync(second, 'damaged');
  const told: string[] = [];
  expect(await mirror().pull(place('there'), ({ message }) => told.push(message))).toBe(1);
  expect(told).toEqual([expect.stringContaining('cannot be read')]);
});

test('two writers that went on with one chain are found out', async () => {
  await mirror().push(place('here'));
  const [, second] = stored() as [string, string];
  const other = second.replace(/-[0-9a-f]{64}/, `-${'f'.repeat(64)}`);
  writeFileSync(place('store', 'lab', 'deltas', chain.id, other), 'what another one wrote');
  await expect(mirror().pull(place('there'))).rejects.toThrow('segment 2 is there twice');
});

test('what is pruned here goes there', async () => {
  await mirror().push(place('here'));
  await mirror().remove([place('here', chain.id, '00000001.delta')]);
  expect(stored().map((name) => name.slice(0, 8))).toEqual(['00000002', '00000003']);
  await mirror().remove([place('here', chain.id)]);
  expect(await mirror().pull(place('there'))).toBe(0);
});

test('what was pruned here does not come back from a store that has it still', async () => {
  await mirror().push(place('here'));
  rmSync(place('here', chain.id, '00000001.delta'));
  rmSync(place('here', chain.id, '00000003.delta'));
  expect(await mirror().pull(place('here'))).toBe(1);
  expect(Object.keys(contents('here'))).toEqual(['00000002.delta', '00000003.delta']);
});

test('a writer that comes second stores nothing, and learns of it; other chains are stored', async () => {
  await mirror().push(place('here'));
  const before = stored();
  writeFileSync(place('here', chain.id, '00000002.delta'), 'what this one wrote');
  await record(14);
  await expect(mirror().push(place('here'))).rejects.toThrow('segment 2 is there twice');
  const other = await ChainWriter.create(place('here'), { ...chain, id: '20261120-091500-cafe' });
  await other.record([{ revision: 11, events: [] }], { atMs: 11, isLate: false });
  await other.seal();
  await other.close();
  const forked: string[] = [];
  expect(await mirror().push(place('here'), (id) => forked.push(id))).toBe(1);
  expect(forked).toEqual([chain.id]);
  expect(stored()).toEqual(before);
});

test('a chain that was fetched by half is known as such until the rest has come', async () => {
  await mirror().push(place('here'));
  const third = place('store', 'lab', 'deltas', chain.id, stored()[2] as string);
  const sound = readFileSync(third);
  writeFileSync(third, 'damaged');
  const half = mirror();
  await expect(half.pull(place('there'))).rejects.toThrow('cannot be read');
  expect([...half.incomplete]).toEqual([chain.id]);
  writeFileSync(third, sound);
  expect(await half.pull(place('there'))).toBe(1);
  expect([...half.incomplete]).toEqual([]);
});

test('what has disproved a chain is stored once, encrypted as the rest, and comes back', async () => {
  const identity = await generateX25519Identity();
  const keys = { recipient: await identityToRecipient(identity), identity };
  await mirror(keys).push(place('here'));
  await markDisproved(place('here', chain.id), 'HashKV 1 instead of 2');
  for (let n = 0; n < 2; n++) await mirror(keys).push(place('here'));
  expect(stored().filter((name) => name.startsWith('disproved-'))).toEqual([
    expect.stringMatching(/^disproved-[0-9a-f]{64}\.zst\.age$/),
  ]);
  await mirror(keys).pull(place('there'));
  expect(await readDisproof(place('there', chain.id))).toBe('HashKV 1 instead of 2');
});

test('a machine that has the segments already learns that they are disproved', async () => {
  await mirror().push(place('here'));
  await mirror().pull(place('there'));
  await markDisproved(place('here', chain.id), 'HashKV 1 instead of 2');
  await mirror().push(place('here'));
  expect(await mirror().pull(place('there'))).toBe(0);
  expect(await readDisproof(place('there', chain.id))).toBe('HashKV 1 instead of 2');
});

test('the word against a chain goes when the chain goes', async () => {
  await markDisproved(place('here', chain.id), 'HashKV 1 instead of 2');
  await mirror().push(place('here'));
  await mirror().remove([place('here', chain.id)]);
  expect(readdirSync(place('store'), { recursive: true }).filter((name) => /disproved/.test(String(name)))).toEqual([]);
});
