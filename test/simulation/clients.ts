/** Clients of a simulated cluster: each does one call after the other, at any member, and writes down what it was told. */
import type { Member } from '../../server/member/member.ts';
import {
  CompactionRequest,
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../server/proto/gen/rpc.ts';
import type { Prng } from '../../server/raft/testing/prng.ts';
import type { SimulatedHost } from './host.ts';
import type { Answer, Call, Operation } from './linearizability.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A write that was acknowledged, and the revision that it was acknowledged with. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

interface Told {
  readonly answer: Answer;
  /** Of a write that took place. */
  readonly revision?: number | undefined;
}

export interface ClientsOptions {
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly hosts: () => readonly SimulatedHost[];
  readonly clients: number;
  readonly keys: number;
  /** Mean pause of a client between two calls. */
  readonly pauseMs: number;
  /** How long a client waits for an answer. */
  readonly patienceMs: number;
  readonly log: (text: string) => void;
}

export class Clients {
  readonly history: Operation[] = [];
  readonly acknowledged: Acknowledged[] = [];
  readonly counts = { calls: 0, answered: 0, refused: 0, unanswered: 0, compactions: 0 };
  private readonly options: ClientsOptions;
  private readonly latest = new Map<string, string | undefined>();
  private moment = 0;
  private serial = 0;
  private underWay = 0;
  private stopped = false;

  constructor(options: ClientsOptions) {
    this.options = options;
  }

  start(): void {
    for (let i = 1; i <= this.options.clients; i++) this.pause(() => this.next(`client${i}`));
    this.pause(() => this.compact());
  }

  /** No call begins any more; those under way come to their end. */
  stop(): void {
    this.stopped = true;
  }

  get isIdle(): boolean {
    return this.underWay === 0;
  }

  get keys(): string[] {
    return Array.from({ length: this.options.keys }, (_, i) => `key${i}`);
  }

  /** Reads a key at that member, as part of the history. @throws Error when there is no answer */
  async read(client: string, host: SimulatedHost, key: string): Promise<void> {
    const call: Call = { kind: 'get' };
    const invokedAt = this.moment++;
    const { answer } = await ask(host.member as Member, key, call);
    this.history.push({ client, key, call, invokedAt, returnedAt: this.moment++, answer });
  }

  private pause(then: () => void): void {
    const { time, prng, pauseMs } = this.options;
    time.after(-Math.log(1 - prng.next()) * pauseMs, undefined, () => {
      if (!this.stopped) then();
    });
  }

  private next(client: string): void {
    const { prng, time, patienceMs } = this.options;
    const host = this.pickHost();
    if (host === undefined) {
      this.pause(() => this.next(client));
      return;
    }
    const key = prng.pick(this.keys) as string;
    const call = this.draw(key);
    const invokedAt = this.moment++;
    this.counts.calls++;
    this.underWay++;
    let isOpen = true;
    const end = (told: Told | undefined): void => {
      if (!isOpen) return;
      isOpen = false;
      this.underWay--;
      this.record(client, key, call, invokedAt, told);
      this.pause(() => this.next(client));
    };
    time.after(patienceMs, undefined, () => {
      if (isOpen) this.counts.unanswered++;
      end(undefined);
    });
    this.options.log(`${client} ${describe(key, call)} at ${host.name}`);
    const { member } = host as { member: Member };
    const asked = new Promise<Told>((resolve, reject) => {
      time.whenAwake(host.owner, () => void ask(member, key, call).then(resolve, reject));
    });
    asked.then(
      (told) => {
        if (isOpen) this.counts.answered++;
        end(told);
      },
      (error: Error) => {
        if (isOpen) this.counts.refused++;
        this.options.log(`${client} is told: ${error.message}`);
        end(undefined);
      },
    );
  }

  private draw(key: string): Call {
    const { prng } = this.options;
    const value = `v${++this.serial}`;
    const drawn = prng.next();
    if (drawn < 0.4) return { kind: 'put', value };
    if (drawn < 0.7) return { kind: 'get' };
    if (drawn < 0.78) return { kind: 'delete' };
    // Mostly what the key is believed to have, or the swap would never be done.
    return { kind: 'cas', expected: prng.chance(0.9) ? this.latest.get(key) : undefined, value };
  }

  /** A call without an answer may have been done, now or later; a get without one says nothing. */
  private record(client: string, key: string, call: Call, invokedAt: number, told: Told | undefined): void {
    if (told === undefined) {
      if (call.kind !== 'get') this.history.push({ client, key, call, invokedAt });
      return;
    }
    const { answer, revision } = told;
    this.history.push({ client, key, call, invokedAt, returnedAt: this.moment++, answer });
    this.options.log(`${client} is told: ${describe(key, call)} ${JSON.stringify(answer)}`);
    if (answer.kind === 'get') this.latest.set(key, answer.value);
    else if (answer.kind === 'cas' && !answer.succeeded) this.latest.set(key, answer.actual);
    else this.latest.set(key, 'value' in call ? call.value : undefined);
    if (revision !== undefined && 'value' in call) this.acknowledged.push({ key, value: call.value, revision });
  }

  /** Makes the past unreadable, now and then. */
  private compact(): void {
    const { prng, time } = this.options;
    const host = this.pickHost();
    const store = host?.replica?.machine.store;
    if (host?.member !== undefined && store !== undefined && prng.chance(0.3)) {
      const revision = store.currentRevision - prng.int(20);
      if (revision > Math.max(0, store.compactRevision)) {
        time.enter(host.owner);
        this.counts.compactions++;
        this.options.log(`compaction at ${revision} asked of ${host.name}`);
        host.member.compact(CompactionRequest.create({ revision })).catch(() => undefined);
      }
    }
    this.pause(() => this.compact());
  }

  private pickHost(): SimulatedHost | undefined {
    return this.options.prng.pick(this.options.hosts().filter((host) => host.member !== undefined));
  }
}

async function ask(member: Member, key: string, call: Call): Promise<Told> {
  const name = Buffer.from(key);
  switch (call.kind) {
    case 'get': {
      const { kvs } = await member.range(RangeRequest.create({ key: name }));
      return { answer: { kind: 'get', value: text(kvs[0]?.value) } };
    }
    case 'put': {
      const { header } = await member.put(PutRequest.create({ key: name, value: Buffer.from(call.value) }));
      return { answer: { kind: 'put' }, revision: header?.revision };
    }
    case 'delete':
      await member.deleteRange(DeleteRangeRequest.create({ key: name }));
      return { answer: { kind: 'delete' } };
    case 'cas': {
      const { succeeded, header, responses } = await member.txn(compareAndSwap(name, call.expected, call.value));
      if (succeeded) return { answer: { kind: 'cas', succeeded }, revision: header?.revision };
      const actual = text(responses[0]?.response_range?.kvs[0]?.value);
      return { answer: { kind: 'cas', succeeded: false, actual } };
    }
  }
}

function compareAndSwap(key: Uint8Array, expected: string | undefined, value: string): TxnRequest {
  const result = Compare_CompareResult.EQUAL;
  const compare =
    expected === undefined
      ? Compare.create({ key, result, target: Compare_CompareTarget.VERSION, version: 0 })
      : Compare.create({ key, result, target: Compare_CompareTarget.VALUE, value: Buffer.from(expected) });
  const put = PutRequest.create({ key, value: Buffer.from(value) });
  return TxnRequest.create({
    compare: [compare],
    success: [RequestOp.create({ request_put: put })],
    failure: [RequestOp.create({ request_range: RangeRequest.create({ key }) })],
  });
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}

function describe(key: string, call: Call): string {
  switch (call.kind) {
    case 'put':
      return `puts ${call.value} into ${key}`;
    case 'cas':
      return `swaps ${call.expected ?? 'nothing'} for ${call.value} in ${key}`;
    case 'get':
      return `gets ${key}`;
    case 'delete':
      return `deletes ${key}`;
  }
}
