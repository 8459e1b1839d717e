/**
 * Database files go both ways: upstream's tools accept and hash what we write, we read what a running upstream has
 * left behind, and upstream goes on from a file that we have written to.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fsp from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bucketNames } from '../../server/backend/backend.ts';
import { BoltBackend } from '../../server/backend/bolt-backend.ts';
import { BoltDatabase, type CheckResult, check, DatabaseDigest, writeDatabase } from '../../server/bolt/mod.ts';
import { EtcdClient } from '../../server/client/mod.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';
import { freePorts } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const startupDeadlineMs = 15_000;
const stopDeadlineMs = 10_000;
const trailerBytes = 32;

let directory: string;
const servers: UpstreamServer[] = [];
beforeEach(async () => {
  directory = await fsp.mkdtemp(path.join(os.tmpdir(), 'etcdlab-bolt-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  await fsp.rm(directory, { recursive: true, force: true });
});

/** One upstream member on `directory`/data. */
class UpstreamServer {
  readonly databasePath = path.join(directory, 'data', 'member', 'snap', 'db');
  readonly client: EtcdClient;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, client: EtcdClient) {
    this.child = child;
    this.client = client;
  }

  static async start(): Promise<UpstreamServer> {
    const [clientPort, peerPort] = await freePorts(2);
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
    const args = ['--data-dir', path.join(directory, 'data'), '--log-level', 'error', '--max-txn-ops', '1000'];
    args.push('--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl);
    args.push('--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl);
    args.push('--initial-cluster', `default=${peerUrl}`);
    const child = spawn(upstreamExecutables().etcd, args, { stdio: 'ignore' });
    const client = new EtcdClient({ endpoints: [clientUrl], requestTimeoutMs: 10_000 });
    const server = new UpstreamServer(child, client);
    servers.push(server);
    const deadline = Date.now() + startupDeadlineMs;
    for (;;) {
      try {
        await client.range({ key: Buffer.from('ready') }, { timeoutMs: 1000 });
        return server;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(50);
      }
    }
  }

  async stop(): Promise<void> {
    this.client.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit', { signal: AbortSignal.timeout(stopDeadlineMs) });
    this.child.kill('SIGTERM');
    await exited;
  }

  /** Puts keys `from <= i < to` in transactions of 500. */
  async fill(from: number, to: number, valueOf: (i: number) => Buffer): Promise<void> {
    for (let start = from; start < to; start += 500) {
      const success = Array.from({ length: Math.min(500, to - start) }, (_, i) => ({
        request_put: {
          key: keyOf(start + i),
          value: valueOf(start + i),
          lease: 0n,
          prev_kv: false,
          ignore_value: false,
          ignore_lease: false,
        },
      }));
      await this.client.txn({ success });
    }
  }

  async delete(from: number, to: number): Promise<void> {
    await this.client.deleteRange({ key: keyOf(from), range_end: keyOf(to) });
  }

  /** Compacts at the current revision and waits for the deletions. */
  async compact(): Promise<void> {
    const { header } = await this.client.range({ key: Buffer.from('x') });
    await this.client.compact({ revision: header?.revision ?? 0, physical: true });
  }
}

function keyOf(i: number): Buffer {
  return Buffer.from(`key/${String(i).padStart(6, '0')}`);
}

function revisionKey(main: number, sub = 0): Buffer {
  const key = Buffer.alloc(17, '_');
  key.writeBigUInt64BE(BigInt(main), 0);
  key.writeBigUInt64BE(BigInt(sub), 9);
  return key;
}

interface Status {
  hash: number;
  revision: number;
  totalKey: number;
  totalSize: number;
}

/** Fails when upstream's consistency check does. */
async function upstreamStatus(file: string): Promise<Status> {
  const { etcdutl } = upstreamExecutables();
  const { stdout } = await promisify(execFile)(etcdutl, ['snapshot', 'status', file, '-w', 'json']);
  return JSON.parse(stdout);
}

/** Writes a snapshot file as `etcdctl snapshot save` does. */
async function saveSnapshot(backend: BoltBackend, file: string): Promise<number> {
  const snapshot = await backend.snapshot();
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.chunks()) chunks.push(chunk);
  snapshot.close();
  const body = Buffer.concat(chunks);
  await fsp.writeFile(file, Buffer.concat([body, createHash('sha256').update(body).digest()]));
  return body.length;
}

async function hashOf(file: string, sizeBytes?: number): Promise<number> {
  const digest = new DatabaseDigest();
  const size = sizeBytes === undefined ? {} : { sizeBytes };
  const database = await BoltDatabase.open(file, { readOnly: true, visitor: digest, ...size });
  await database.close();
  return digest.hash;
}

const sound = { errors: [], warnings: [] } satisfies Partial<CheckResult>;

describe.skipIf(!haveUpstream())('database files', () => {
  test('that we write are accepted and hashed alike by upstream, fresh, worn, and defragmented', async () => {
    const backend = await BoltBackend.open(path.join(directory, 'db'));
    const file = path.join(directory, 'snapshot.db');
    const compare = async () => {
      const sizeBytes = await saveSnapshot(backend, file);
      expect(await upstreamStatus(file)).toMatchObject({ hash: await backend.hash(), totalSize: sizeBytes });
      return sizeBytes;
    };
    await compare();
    for (let i = 2; i < 30_000; i++) {
      backend.put('key', revisionKey(i), Buffer.alloc(i % 401, 'v'));
      backend.put('lease', Buffer.from(`lease ${(i * 7919) % 6000}`), Buffer.alloc(i % 33));
      if (i % 600 === 0) backend.put('authUsers', Buffer.from(`user ${i}`), Buffer.alloc(i % 13_000, 'u'));
    }
    await compare();
    for (let i = 2; i < 25_000; i++) if (i % 7 !== 0) backend.delete('key', revisionKey(i));
    for (let i = 0; i < 6000; i += 2) backend.delete('lease', Buffer.from(`lease ${i}`));
    const worn = await compare();
    await backend.defragment();
    expect(await compare()).toBeLessThan(worn);
    await backend.close();
  });

  test('that the bulk writer writes are accepted and hashed alike by upstream', async () => {
    const file = path.join(directory, 'bulk.db');
    const pairs = Array.from({ length: 20_000 }, (_, i): [Buffer, Buffer] => [
      revisionKey(i + 2),
      Buffer.alloc(i % 1000 === 0 ? 10_000 : i % 90),
    ]);
    await writeDatabase(
      file,
      bucketNames.map((name) => ({ name, pairs: name === 'key' ? pairs : [] })),
    );
    expect(await upstreamStatus(file)).toMatchObject({ hash: await hashOf(file), revision: 20_001, totalKey: 20_000 });
  });

  test('of a real member, after deletions and compactions, pass our check and have the same hash', async () => {
    const server = await UpstreamServer.start();
    for (let round = 0; round < 4; round++) {
      await server.fill(0, 4000, (i) => Buffer.alloc((i * 37 + round) % 300, 'v'));
      await server.delete(round * 500, round * 900 + 700);
      await server.client.put({ key: keyOf(9000 + round), value: Buffer.alloc(100_000 * (round + 1), 'large') });
      await server.compact();
    }
    const live = path.join(directory, 'saved.db');
    await promisify(execFile)(upstreamExecutables().etcdctl, [
      `--endpoints=${server.client.endpoints[0]}`,
      'snapshot',
      'save',
      live,
    ]);
    await server.stop();
    for (const file of [live, server.databasePath]) {
      const sizeBytes = (await fsp.stat(file)).size - (file === live ? trailerBytes : 0);
      const result = await check(file, { sizeBytes });
      expect(result).toMatchObject(sound);
      expect(result.pages.overflow).toBeGreaterThan(50);
      expect(result.pages.free).toBeGreaterThan(50);
      expect((await upstreamStatus(file)).hash).toBe(await hashOf(file, sizeBytes));
    }
  });

  test('of a real member that we have written to serve that member again', async () => {
    let server = await UpstreamServer.start();
    await server.fill(0, 3000, () => Buffer.from('upstream'));
    const before = (await server.client.range({ key: keyOf(0) })).header?.revision ?? 0;
    await server.stop();

    const backend = await BoltBackend.open(server.databasePath);
    const ours = 6000;
    for (let i = 0; i < ours; i++) {
      const revision = before + 1 + i;
      const record = KeyValue.create({
        key: keyOf(10_000 + i),
        value: Buffer.from(`ours ${i}`),
        create_revision: revision,
        mod_revision: revision,
        version: 1,
      });
      backend.put('key', revisionKey(revision), KeyValue.encode(record));
      if (i % 1000 === 999) await backend.commit();
    }
    await backend.close();

    server = await UpstreamServer.start();
    const { kvs, header } = await server.client.range({ key: keyOf(10_000), range_end: keyOf(20_000) });
    expect(kvs.length).toBe(ours);
    expect(Buffer.from(kvs[77]?.value ?? []).toString()).toBe('ours 77');
    expect(header?.revision).toBe(before + ours);
    // Upstream now empties and joins pages of ours, and splits others.
    await server.delete(10_100, 15_900);
    await server.fill(0, 3000, (i) => Buffer.alloc(i % 200, 'again'));
    await server.compact();
    await server.stop();
    expect(await check(server.databasePath)).toMatchObject(sound);
    expect((await upstreamStatus(server.databasePath)).hash).toBe(await hashOf(server.databasePath));
  });
});
