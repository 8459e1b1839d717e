/**
 * The proof that mvcc/ and apply/ are etcd's state machine: one seeded sequence of requests goes to an upstream server
 * and through Applier, and every response, error, revision and HashKV must be the same.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fsp from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AlarmStore, Applier, admit, applyRange, applyTxn, isReadOnlyTxn, Quota } from '../../server/apply/mod.ts';
import { AuthStore, NoTokens } from '../../server/auth/mod.ts';
import { MemoryBackend } from '../../server/backend/testing/memory-backend.ts';
import { EtcdError } from '../../server/errors/etcd-error.ts';
import { Lessor } from '../../server/lease/mod.ts';
import { MvccStore } from '../../server/mvcc/mod.ts';
import { InternalRaftRequest } from '../../server/proto/gen/raft_internal.ts';
import {
  AlarmResponse,
  CompactionResponse,
  DeleteRangeResponse,
  HashKVRequest,
  HashKVResponse,
  KVService,
  LeaseGrantRequest,
  LeaseService,
  MaintenanceService,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
} from '../../server/proto/gen/rpc.ts';
import type { MethodDefinition, ProtoCodec } from '../../server/proto/wire.ts';
import { cornerCases, lease, randomRequest, type Step } from './mvcc-requests.ts';

const upstream = process.env.ETCDLAB_UPSTREAM;
const startupDeadlineMs = 15_000;
const callDeadlineMs = 10_000;

/** One upstream member on a directory of its own. */
class Upstream {
  private readonly directory: string;
  private readonly clientPort: number;
  private readonly peerPort: number;
  private child: ChildProcess | undefined;
  private client: Client | undefined;

  private constructor(directory: string, clientPort: number, peerPort: number) {
    this.directory = directory;
    this.clientPort = clientPort;
    this.peerPort = peerPort;
  }

  static async create(): Promise<Upstream> {
    const directory = await fsp.mkdtemp(path.join(os.tmpdir(), 'etcdlab-mvcc-'));
    const server = new Upstream(directory, await freePort(), await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const clientUrl = `http://127.0.0.1:${this.clientPort}`;
    const peerUrl = `http://127.0.0.1:${this.peerPort}`;
    const args = ['--data-dir', path.join(this.directory, 'data'), '--log-level', 'error', '--max-txn-ops', '16'];
    args.push('--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl);
    args.push('--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl);
    args.push('--initial-cluster', `default=${peerUrl}`);
    this.child = spawn(path.join(upstream as string, 'etcd'), args, { stdio: 'ignore' });
    this.client = new Client(`127.0.0.1:${this.clientPort}`, credentials.createInsecure());
    const deadline = Date.now() + startupDeadlineMs;
    for (;;) {
      const answer = await this.call(KVService.Range, RangeRequest.create({ key: Buffer.from('ready') }));
      if ('response' in answer) return;
      if (Date.now() > deadline) throw new Error(`upstream did not start: ${answer.error}`);
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    this.client?.close();
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(callDeadlineMs) });
    child.kill('SIGTERM');
    await exited;
  }

  async destroy(): Promise<void> {
    await this.stop();
    await fsp.rm(this.directory, { recursive: true, force: true });
  }

  call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Answer<Response>> {
    return new Promise((resolve) => {
      this.client?.makeUnaryRequest(
        method.path,
        (message: Request) => Buffer.from(method.request.encode(message)),
        (bytes: Buffer) => method.response.decode(bytes),
        request,
        { deadline: Date.now() + callDeadlineMs },
        (error: ServiceError | null, response?: Response) => {
          if (response === undefined) resolve({ error: `${error?.code} ${error?.details}` });
          else resolve({ response });
        },
      );
    });
  }
}

type Answer<Response> = { response: Response } | { error: string };

/** The same requests through this repository's state machine, as a member would take them. */
class Ours {
  readonly backend = new MemoryBackend();
  private leases = this.openLessor();
  store = this.openStore();
  /** The compaction that a restart took up. */
  private resumed: Promise<void> | undefined;
  private readonly limits = { quota: new Quota(0, () => this.backend.sizeBytes()), maxTxnOps: 16 };
  private applier = this.open();

  async restart(): Promise<void> {
    await this.store.close();
    this.leases = this.openLessor();
    this.store = this.openStore();
    this.applier = this.open();
    await this.resumed;
  }

  async run(step: Step): Promise<Answer<unknown>> {
    try {
      if (step.put ?? step.txn ?? step.range ?? step.delete_range) admit(step, this.limits);
      if (step.range !== undefined) return { response: applyRange(this.store, step.range) };
      if (step.txn !== undefined && isReadOnlyTxn(step.txn)) {
        return { response: applyTxn(this.store, step.txn, this.leases) };
      }
      const { response, error, compacted } = this.applier.apply(InternalRaftRequest.create(step), 0);
      if (error !== undefined) throw error;
      await compacted;
      return { response };
    } catch (error) {
      if (error instanceof EtcdError) return { error: `${error.code} ${error.message}` };
      throw error;
    }
  }

  hashKv(revision: number): Answer<HashKVResponse> {
    try {
      const { hash, compactRevision, currentRevision } = this.store.hashKv(revision);
      const header = ResponseHeader.create({ revision: currentRevision });
      return { response: HashKVResponse.create({ header, hash, compact_revision: compactRevision }) };
    } catch (error) {
      if (error instanceof EtcdError) return { error: `${error.code} ${error.message}` };
      throw error;
    }
  }

  private openLessor(): Lessor {
    const lessor = new Lessor({ backend: this.backend, now: () => 0, minTtlSeconds: 2 });
    lessor.restore();
    if (!lessor.exists(lease)) lessor.grant(lease, 100_000);
    return lessor;
  }

  private openStore(): MvccStore {
    const { backend, leases } = this;
    return new MvccStore(backend, {
      onChange: (_, events) => leases.keysChanged(events),
      onRestore: (key, id) => leases.restoreKey(key, id),
    });
  }

  private open(): Applier {
    const alarms = new AlarmStore(this.backend);
    alarms.restore();
    this.resumed = this.store.restore().compaction;
    const ignore = () => {};
    const membership = { setClusterVersion: ignore, setMemberAttributes: ignore, setDowngradeInfo: ignore };
    const auth = new AuthStore({ backend: this.backend, tokens: new NoTokens(), hashNow: String });
    auth.restore();
    return new Applier({ store: this.store, alarms, quota: this.limits.quota, membership, leases: this.leases, auth });
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What of an answer must agree: all but ids and term. Both sides go through the wire format. */
function comparable<T>(answer: Answer<T>, codec: ProtoCodec<T>): unknown {
  if ('error' in answer) return answer;
  const response = codec.decode(codec.encode(answer.response)) as T & { header?: ResponseHeader };
  if (response.header !== undefined) response.header = ResponseHeader.create({ revision: response.header.revision });
  return JSON.parse(
    JSON.stringify(response, (_, value) => {
      if (typeof value === 'bigint') return String(value);
      return value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value;
    }),
  );
}

function describeStep(step: Step): string {
  return JSON.stringify(step, (_, value) => {
    if (typeof value === 'bigint') return String(value);
    return value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value;
  });
}

async function runBoth(theirs: Upstream, ours: Ours, step: Step): Promise<[unknown, unknown]> {
  async function both<Q, R>(method: MethodDefinition<Q, R>, request: Q, codec: ProtoCodec<R>) {
    const [expected, got] = [await theirs.call(method, request), await ours.run(step)];
    return [comparable(expected, codec), comparable(got as Answer<R>, codec)] as [unknown, unknown];
  }
  if (step.range) return both(KVService.Range, step.range, RangeResponse);
  if (step.put) return both(KVService.Put, step.put, PutResponse);
  if (step.delete_range) return both(KVService.DeleteRange, step.delete_range, DeleteRangeResponse);
  if (step.txn) return both(KVService.Txn, step.txn, TxnResponse);
  if (step.compaction) return both(KVService.Compact, step.compaction, CompactionResponse);
  if (step.alarm) return both(MaintenanceService.Alarm, step.alarm, AlarmResponse);
  throw new Error('a step without a request');
}

async function expectSameHash(theirs: Upstream, ours: Ours, revision: number, context: string): Promise<void> {
  const expected = await theirs.call(MaintenanceService.HashKV, HashKVRequest.create({ revision }));
  const got = ours.hashKv(revision);
  expect(comparable(got, HashKVResponse), context).toEqual(comparable(expected, HashKVResponse));
}

test.runIf(process.env.CI !== undefined && upstream === undefined)('CI names the upstream binaries', () => {
  expect.unreachable('set ETCDLAB_UPSTREAM to the folder of the upstream binaries');
});

describe.skipIf(upstream === undefined)('the state machine answers as upstream does', () => {
  let theirs: Upstream;
  let ours: Ours;

  beforeEach(async () => {
    theirs = await Upstream.create();
    ours = new Ours();
    await theirs.call(LeaseService.LeaseGrant, LeaseGrantRequest.create({ ID: lease, TTL: 100_000 }));
  });

  afterEach(async () => {
    await theirs?.destroy();
  });

  test('in corners that chance does not reach', async () => {
    for (const step of cornerCases) {
      const [expected, got] = await runBoth(theirs, ours, step);
      expect(got, describeStep(step)).toEqual(expected);
      await expectSameHash(theirs, ours, 0, describeStep(step));
    }
  });

  test.each([1, 2, 3])('whatever is asked, and after a restart (seed %i)', async (seed) => {
    const random = mulberry32(seed);
    for (let i = 0; i < 500; i++) {
      const step = randomRequest(random, ours.store.currentRevision, ours.store.compactRevision);
      const context = `seed ${seed}, step ${i}: ${describeStep(step)}`;
      const [expected, got] = await runBoth(theirs, ours, step);
      expect(got, context).toEqual(expected);
      await expectSameHash(theirs, ours, 0, context);
      await expectSameHash(theirs, ours, Math.floor(random() * (ours.store.currentRevision + 2)), context);
    }
    await theirs.stop();
    await theirs.start();
    await ours.restart();
    for (let revision = 0; revision <= ours.store.currentRevision + 1; revision++) {
      await expectSameHash(theirs, ours, revision, `seed ${seed}, after the restart, revision ${revision}`);
    }
  });
});

/** A small generator of numbers in [0, 1) that a seed reproduces. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
