/** A database that a leader sends: what of it raft hears of, and what is left when it does not. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { check } from '../bolt/mod.ts';
import { Message, MessageType } from '../proto/gen/raft.ts';
import type { MemberConfig } from './config.ts';
import { ReceivedSnapshots } from './received-snapshots.ts';
import { BareMember, memberConfig, type SentSnapshot } from './testing/bare-member.ts';

const snapDir = '/srv/etcd/m1/member/snap';
const received = (index: number): string => `${snapDir}/${index.toString(16).padStart(16, '0')}.snap.db`;

let sent: SentSnapshot;
let index: number;
let fs: CrashFileSystem;
let member: BareMember;
/** What raft was asked, and what it says. */
let offered: number[];
let wants: boolean;
let commitIndex: number;
/** What the member cannot go on for. */
let fatal: Error[];

beforeEach(async () => {
  const leader = await BareMember.start(memberConfig(new CrashFileSystem()));
  for (let i = 0; i < 20; i++) await leader.put(`of the leader ${i}`);
  sent = await leader.send();
  await leader.close();
  index = sent.snapshot.metadata.index;
  fs = new CrashFileSystem();
  member = await BareMember.start(memberConfig(fs));
  offered = [];
  wants = true;
  fatal = [];
  commitIndex = 1;
});

function receiver(more: Partial<MemberConfig> = {}): ReceivedSnapshots {
  const { clusterId, snapshotter } = member.boot;
  return new ReceivedSnapshots({
    config: memberConfig(fs, more),
    clusterId,
    snapshotter,
    commitIndex: () => commitIndex,
    offer: ({ snapshot }) => {
      offered.push(snapshot?.metadata.index ?? 0);
      return wants;
    },
    fatal: (error) => fatal.push(error),
    log: silentLogger,
  });
}

function message(): Message {
  return Message.create({ type: MessageType.MsgSnap, from: 2n, to: 1n, term: 1, snapshot: sent.snapshot });
}

async function* chunks(of: readonly Uint8Array[] = sent.database): AsyncGenerator<Uint8Array> {
  yield* of;
}

/** The database with one byte changed, in a page that holds the tree. */
function damaged(): Uint8Array[] {
  const bytes = Buffer.concat(sent.database);
  const at = bytes.lastIndexOf('of the leader 7');
  const pageStart = at - (at % 4096);
  // The page's own number.
  bytes.writeUInt8(bytes.readUInt8(pageStart) ^ 0x40, pageStart);
  return [bytes];
}

const files = async (): Promise<string[]> => (await fs.list(snapDir)).filter((name) => name !== 'db');

describe('a received database', () => {
  test('is open, with its keys, before raft hears of it; the member’s own is as before', async () => {
    const snapshots = receiver();
    await snapshots.receive(message(), chunks());
    expect(offered).toEqual([index]);
    await snapshots.check(sent.snapshot);
    const { store, backend, appliedIndex } = snapshots.take(index);
    expect([store.keyCount, appliedIndex]).toEqual([20, index]);
    expect(member.keys()).toEqual([]);
    expect((await check(received(index), { fs })).errors).toEqual([]);
    await store.close();
    await backend.close();
  });

  test('that raft does not want any more leaves no file and no open one', async () => {
    wants = false;
    const snapshots = receiver();
    await snapshots.receive(message(), chunks());
    expect(offered).toEqual([index]);
    expect(await files()).toEqual([]);
    await expect(snapshots.check(sent.snapshot)).rejects.toThrow(`no database for the snapshot at index ${index}`);
  });

  test('that the log has overtaken is not read; raft still answers the leader', async () => {
    commitIndex = index;
    wants = false;
    const before = fs.steps.length;
    await receiver().receive(message(), chunks());
    expect(offered).toEqual([index]);
    expect(await files()).toEqual([]);
    const syncs = fs.steps
      .slice(before)
      .filter(({ operation, path }) => operation === 'datasync' && path.endsWith('.db'));
    expect(syncs).toEqual([]);
  });

  test.each([
    { title: 'damaged', what: damaged, reason: /cannot be used \(.*page \d+/s },
    { title: 'cut short', what: () => [Buffer.concat(sent.database).subarray(0, 20_000)], reason: /cannot be used/ },
    { title: 'no database', what: () => [Buffer.alloc(16_384, 7)], reason: /cannot be used/ },
    { title: 'empty', what: () => [], reason: /only|cannot be used/ },
  ])('that is $title is refused and removed, and raft does not hear of it', async ({ what, reason }) => {
    const snapshots = receiver();
    await expect(snapshots.receive(message(), chunks(what()))).rejects.toThrow(reason);
    expect([offered, await files()]).toEqual([[], []]);
    // The next one is welcome.
    await snapshots.receive(message(), chunks());
    expect(offered).toEqual([index]);
    await snapshots.close();
  });

  test('that is older than its snapshot says is refused', async () => {
    sent.snapshot.metadata.index += 5;
    await expect(receiver().receive(message(), chunks())).rejects.toThrow(`it holds the state at index ${index} only`);
    expect(await files()).toEqual([]);
  });

  test('of a cluster that this server is too old for is refused, and ends the member', async () => {
    const leader = await BareMember.start(memberConfig(new CrashFileSystem()));
    await leader.put('a');
    leader.boot.machine.cluster.setVersion('3.6.0');
    sent = await leader.send();
    await leader.close();
    const reason = 'invalid downgrade; server version is lower than determined cluster version';
    await expect(receiver().receive(message(), chunks())).rejects.toThrow(reason);
    expect(fatal.map(String)).toEqual([expect.stringContaining(reason)]);
    expect([offered, await files()]).toEqual([[], []]);
  });

  test('whose transfer breaks off, or finds no room, leaves nothing', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield sent.database[0] as Uint8Array;
      throw new Error('connection closed');
    }
    const snapshots = receiver();
    await expect(snapshots.receive(message(), broken())).rejects.toThrow('connection closed');
    expect(await files()).toEqual([]);
    await snapshots.receive(message(), chunks());
    expect(offered).toEqual([index]);
    await snapshots.close();
  });

  test('is refused while another one is received, and while that one waits to be installed', async () => {
    const snapshots = receiver();
    let goOn: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      await held;
      yield* sent.database;
    }
    const first = snapshots.receive(message(), slow());
    await expect(snapshots.receive(message(), chunks())).rejects.toThrow('another snapshot is being received');
    goOn();
    await first;
    await expect(snapshots.receive(message(), chunks())).rejects.toThrow('another snapshot is being received');
    expect(offered).toEqual([index]);
    await snapshots.close();
  });

  test('keeps its file while it is being installed, although it comes once more', async () => {
    const snapshots = receiver();
    await snapshots.receive(message(), chunks());
    const { store, backend } = snapshots.take(index);
    // Raft has it by now, and would not want it again.
    wants = false;
    commitIndex = index;
    await expect(snapshots.receive(message(), chunks())).rejects.toThrow('another snapshot is being received');
    expect(await fs.exists(received(index))).toBe(true);
    await backend.renameTo(`${snapDir}/db`);
    snapshots.installed(index);
    await snapshots.receive(message(), chunks());
    expect([offered, await files()]).toEqual([[index, index], []]);
    await store.close();
    await backend.close();
  });

  test.each([
    { title: 'before its end', isWhole: false },
    { title: 'when all of it is there', isWhole: true },
  ])('that is being received when the member stops is gone when it has stopped: $title', async ({ isWhole }) => {
    const snapshots = receiver();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield* sent.database;
      arrive();
      if (!isWhole) await new Promise(() => undefined);
    }
    const done: string[] = [];
    const receiving = snapshots.receive(message(), slow()).catch((error: Error) => done.push(error.message));
    await arrived;
    const closing = snapshots.close().then(() => done.push('closed'));
    await Promise.all([receiving, closing]);
    expect(done).toEqual(['the member is stopping', 'closed']);
    expect([offered, await files()]).toEqual([[], []]);
    await expect(snapshots.receive(message(), chunks())).rejects.toThrow('the member is stopping');
  });

  test('that somebody removes before it is installed is missed before anything is written about it', async () => {
    const snapshots = receiver();
    await snapshots.receive(message(), chunks());
    await fs.remove(received(index));
    const before = fs.steps.length;
    await expect(snapshots.check(sent.snapshot)).rejects.toThrow(`${received(index)} is missing`);
    expect(fs.steps.length).toBe(before);
    await snapshots.close().catch(() => undefined);
  });

  test('does not touch the tokens of the users before it is installed', async () => {
    const tokens = { enable: vi.fn(), disable: vi.fn() };
    const snapshots = receiver({ tokens: tokens as unknown as NonNullable<MemberConfig['tokens']> });
    await snapshots.receive(message(), chunks());
    expect(tokens.disable).not.toHaveBeenCalled();
    snapshots.take(index).resume();
    expect(tokens.disable).toHaveBeenCalledOnce();
  });
});
