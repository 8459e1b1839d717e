/**
 * The proof that our watches are etcd's: one seeded sequence of watches and writes goes to an upstream server and to
 * ours, step by step, and each client stream must be told the same. How events are spread over messages is free.
 */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { eventText } from '../../server/mvcc/watch/testing/watch-bench.ts';
import {
  CompactionRequest,
  DeleteRangeRequest,
  KVService,
  PutRequest,
  RequestOp,
  TxnRequest,
  WatchCancelRequest,
  WatchCreateRequest,
  type WatchCreateRequest_FilterType,
  WatchProgressRequest,
  WatchRequest,
  type WatchResponse,
  WatchService,
} from '../../server/proto/gen/rpc.ts';
import type { MethodDefinition } from '../../server/proto/wire.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const streams = 2;
const agreementDeadlineMs = 10_000;

/** What one stream was told, by watch; `-1` is what is told of no watch. */
type Transcript = Record<string, string[]>;

class Side {
  readonly cluster: TestCluster;
  private readonly client: Client;
  private calls: ClientDuplexStream<WatchRequest, WatchResponse>[] = [];
  private transcripts: Transcript[] = [];
  private failures: string[] = [];
  /** Requests to create a watch that have not been answered. */
  unanswered = 0;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.client = new Client(new URL(cluster.member(0).clientUrl).host, credentials.createInsecure());
  }

  open(): void {
    const { path, request, response } = WatchService.Watch;
    this.failures = [];
    this.unanswered = 0;
    this.transcripts = Array.from({ length: streams }, () => ({}));
    this.calls = this.transcripts.map((transcript) => {
      const call = this.client.makeBidiStreamRequest(
        path,
        (message: WatchRequest) => Buffer.from(request.encode(message)),
        (bytes: Buffer) => response.decode(bytes),
      );
      call.on('data', (message: WatchResponse) => {
        if (message.created) this.unanswered--;
        note(transcript, message);
      });
      const { failures } = this;
      call.on('error', (error) => failures.push(error.message));
      return call;
    });
  }

  send(stream: number, request: Partial<WatchRequest>): void {
    if (request.create_request !== undefined) this.unanswered++;
    this.calls[stream]?.write(WatchRequest.create(request));
  }

  async write<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<string> {
    return new Promise((resolve) =>
      this.client.makeUnaryRequest(
        method.path,
        (message: Request) => Buffer.from(method.request.encode(message)),
        (bytes: Buffer) => method.response.decode(bytes),
        request,
        (error) => resolve(error === null ? '' : error.details),
      ),
    );
  }

  /** Waits until every watch has been handed its history. */
  async synced(): Promise<void> {
    for (const deadline = Date.now() + agreementDeadlineMs; ; await pause()) {
      const response = await fetch(`${this.cluster.member(0).clientUrl}/metrics`);
      if (/^etcd_debugging_mvcc_slow_watcher_total 0$/m.test(await response.text())) return;
      if (Date.now() > deadline) throw new Error('watches are not caught up');
    }
  }

  state(): { transcripts: Transcript[]; failures: string[] } {
    return { transcripts: this.transcripts, failures: this.failures };
  }

  endStreams(): void {
    for (const call of this.calls) {
      call.removeAllListeners('error').on('error', () => {});
      call.cancel();
    }
  }

  async close(): Promise<void> {
    this.client.close();
    await this.cluster.close();
  }
}

/** Adds a message to what a stream was told. */
function note(transcript: Transcript, { header, watch_id, created, canceled, ...rest }: WatchResponse): void {
  const told: string[] = [];
  if (created || canceled) {
    told.push(
      `${created ? 'created ' : ''}${canceled ? 'canceled ' : ''}at ${header?.revision}, ` +
        `compacted ${rest.compact_revision}, reason "${rest.cancel_reason}"`,
    );
  } else if (rest.events.length === 0) {
    told.push(`progress ${header?.revision}`);
  }
  for (const event of rest.events) told.push(eventText(event));
  transcript[String(watch_id)] = [...(transcript[String(watch_id)] ?? []), ...told];
}

let upstream: Side;
let ours: Side;

beforeAll(async () => {
  if (!haveUpstream()) return;
  const flags = ['--unsafe-no-fsync'];
  upstream = new Side(await TestCluster.start(upstreamExecutables(), { members: 1, flags }));
  ours = new Side(await TestCluster.start(await ensureBuilt(), { members: 1, flags }));
});

afterAll(() => Promise.all([upstream?.close(), ours?.close()]));

/** Waits until both were told the same, and fails with the difference when that does not come to be. */
async function agreement(step: string): Promise<void> {
  const deadline = Date.now() + agreementDeadlineMs;
  for (;;) {
    const [expected, found] = [upstream.state(), ours.state()];
    const isAnswered = upstream.unanswered + ours.unanswered === 0;
    if (isAnswered && JSON.stringify(found) === JSON.stringify(expected)) return;
    if (Date.now() > deadline) expect(found, `after ${step}`).toEqual(expected);
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

/** A small generator of numbers: the same seed, the same sequence. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const keys = ['a', 'a\0', 'ab', 'b', 'c', 'ca'];
const ends = ['', '', 'b', 'ca', 'd', 'a', '\0'];
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Plays one sequence of steps on both sides. */
class Play {
  private readonly below: (limit: number) => number;
  private revision: number;
  private compacted: number;
  /** Streams in which a watch was ended by a compaction: upstream never again tells progress on them. */
  private readonly spoilt = new Set<number>();

  constructor(seed: number, revision: number, compacted: number) {
    this.below = random(seed);
    this.revision = revision;
    this.compacted = compacted;
  }

  async run(steps: number): Promise<{ revision: number; compacted: number }> {
    for (const side of [upstream, ours]) side.open();
    for (let step = 0; step < steps; step++) await agreement(`step ${step}: ${await this.step()}`);
    for (const side of [upstream, ours]) side.endStreams();
    return { revision: this.revision, compacted: this.compacted };
  }

  private async step(): Promise<string> {
    const kind = this.below(20);
    const stream = this.below(streams);
    if (kind < 6) return this.create(stream);
    if (kind < 7) return this.both(stream, { cancel_request: WatchCancelRequest.create({ watch_id: this.id() }) });
    if (kind < 9) {
      if (this.spoilt.has(stream)) return 'nothing';
      await Promise.all([upstream.synced(), ours.synced()]);
      return this.both(stream, { progress_request: WatchProgressRequest.create() });
    }
    if (kind < 10) return this.compact();
    return this.change();
  }

  private create(stream: number): string {
    // Around the current revision, and now and then before the last compaction.
    const past = this.revision - this.below(12);
    const choices = [0, 0, past, past, this.revision + 1 + this.below(3), this.compacted - 1, this.compacted, -1];
    const start_revision = choices[this.below(choices.length)] as number;
    if (start_revision > 0 && start_revision < this.compacted) this.spoilt.add(stream);
    const filters = [[], [], [0], [1], [0, 1]][this.below(5)] as WatchCreateRequest_FilterType[];
    const create_request = WatchCreateRequest.create({
      ...{ key: bytes(this.key()), range_end: bytes(ends[this.below(ends.length)] as string), start_revision, filters },
      ...{
        prev_kv: this.below(2) === 0,
        watch_id: this.below(3) === 0 ? this.id() : 0n,
        fragment: this.below(4) === 0,
      },
    });
    return this.both(stream, { create_request });
  }

  private both(stream: number, request: Partial<WatchRequest>): string {
    // Requests are served in order: when the one behind has been refused, this one has been served.
    const behind = { create_request: WatchCreateRequest.create({ key: bytes('b'), range_end: bytes('a') }) };
    for (const side of [upstream, ours]) {
      side.send(stream, request);
      side.send(stream, behind);
    }
    return `${stream}: ${JSON.stringify(request, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`;
  }

  private async change(): Promise<string> {
    const key = bytes(this.key());
    const value = Buffer.from(`value ${this.below(1000)}`);
    switch (this.below(4)) {
      case 0: {
        const range_end = bytes(this.below(2) === 0 ? '' : (ends[this.below(ends.length)] as string));
        return this.writeBoth(KVService.DeleteRange, DeleteRangeRequest.create({ key, range_end }));
      }
      case 1: {
        const chosen = keys.filter(() => this.below(2) === 0);
        const success = chosen.map((each) =>
          this.below(3) === 0
            ? RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key: bytes(each) }) })
            : RequestOp.create({ request_put: PutRequest.create({ key: bytes(each), value }) }),
        );
        return this.writeBoth(KVService.Txn, TxnRequest.create({ success }));
      }
      default:
        return this.writeBoth(KVService.Put, PutRequest.create({ key, value }));
    }
  }

  private async compact(): Promise<string> {
    const revision = this.compacted + 1 + this.below(Math.max(this.revision - this.compacted, 1));
    if (revision > this.revision - 4) return 'nothing';
    this.compacted = revision;
    // One that is still on its way through history would be ended or not, as it comes.
    await Promise.all([upstream.synced(), ours.synced()]);
    return this.writeBoth(KVService.Compact, CompactionRequest.create({ revision }));
  }

  private async writeBoth<Request, Response extends { header?: { revision: number } | undefined }>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<string> {
    const [expected, found] = await Promise.all([upstream.write(method, request), ours.write(method, request)]);
    expect(found).toBe(expected);
    const client = ours.cluster.client();
    this.revision = (await client.range({ key: bytes('none') })).header?.revision ?? 0;
    client.close();
    return `${method.path} at ${this.revision}`;
  }

  private key(): string {
    return keys[this.below(keys.length)] as string;
  }

  private id(): bigint {
    return BigInt(this.below(6));
  }
}

describe.runIf(haveUpstream())('one sequence of watches and writes', () => {
  let at = { revision: 1, compacted: 0 };

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'tells the clients of both servers the same: seed %d',
    async (seed) => {
      at = await new Play(seed, at.revision, at.compacted).run(120);
    },
  );
});
