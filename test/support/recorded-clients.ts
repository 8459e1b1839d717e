/** Clients that read and write a few keys without pause through members of their choice, and what they were answered. */
import { setTimeout as delay } from 'node:timers/promises';
import { EtcdClient, RpcError } from '../../server/client/mod.ts';
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  PutRequest,
  RangeRequest,
  RequestOp,
  type TxnRequest,
} from '../../server/proto/gen/rpc.ts';
import type { Answer, Call, Operation } from '../simulation/linearizability.ts';

/** A write that was acknowledged, at the revision that it was acknowledged with. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

export interface RecordedClientsOptions {
  readonly endpoints: readonly string[];
  readonly clients: number;
  readonly keys: readonly string[];
  /** In [0, 1); decides what is asked, and of whom. */
  readonly random: () => number;
  readonly timeoutMs: number;
  /** The longest pause between two calls of a client. */
  readonly pauseMs: number;
}

/** Nothing is deleted here. */
type Asked = Exclude<Call, { kind: 'delete' }>;

/** What an answer tells, besides itself. */
interface Answered {
  readonly answer: Answer;
  /** Of the write, if it was one that took place. */
  readonly revision?: number;
}

export class RecordedClients {
  /** Every call that may have reached a member, in no particular order. */
  readonly history: Operation[] = [];
  readonly acknowledged: Acknowledged[] = [];
  private readonly options: RecordedClientsOptions;
  private readonly workers: readonly Promise<void>[];
  private isRunning = true;

  constructor(options: RecordedClientsOptions) {
    this.options = options;
    this.workers = Array.from({ length: options.clients }, (_, i) => this.work(`client${i}`));
  }

  /** Reads every key through every member, and records that, too. @throws RpcError */
  async readAll(): Promise<void> {
    const { endpoints, keys } = this.options;
    const client = this.connect();
    try {
      for (const endpoint of endpoints) {
        for (const key of keys) await this.record('reader', client, endpoint, key, { kind: 'get' }, true);
      }
    } finally {
      client.close();
    }
  }

  /** Lets every client come to the end of its call. */
  async stop(): Promise<void> {
    this.isRunning = false;
    await Promise.all(this.workers);
  }

  private connect(): EtcdClient {
    const { endpoints, timeoutMs } = this.options;
    return new EtcdClient({ endpoints, dialTimeoutMs: 300, requestTimeoutMs: timeoutMs });
  }

  private async work(name: string): Promise<void> {
    const { endpoints, keys, random, pauseMs } = this.options;
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const client = this.connect();
    /** What this client believes that a key has: what it was told last. */
    const known = new Map<string, string | undefined>();
    try {
      for (let n = 0; this.isRunning; n++) {
        const key = pick(keys);
        const value = `${name}-${n}`;
        const kind = pick(['get', 'get', 'put', 'cas', 'cas'] as const);
        const call: Asked =
          kind === 'get' ? { kind } : kind === 'put' ? { kind, value } : { kind, value, expected: known.get(key) };
        const answer = await this.record(name, client, pick(endpoints), key, call, false);
        if (answer?.kind === 'get') known.set(key, answer.value);
        else if (answer?.kind === 'cas' && !answer.succeeded) known.set(key, answer.actual);
        else if (answer !== undefined && call.kind !== 'get') known.set(key, call.value);
        await delay(random() * pauseMs);
      }
    } finally {
      client.close();
    }
  }

  private async record(
    name: string,
    client: EtcdClient,
    endpoint: string,
    key: string,
    call: Asked,
    mustSucceed: boolean,
  ): Promise<Answer | undefined> {
    const invokedAt = performance.now();
    try {
      const { answer, revision } = await ask(client, endpoint, key, call);
      this.history.push({ client: name, key, call, invokedAt, returnedAt: performance.now(), answer });
      if (revision !== undefined && call.kind !== 'get') this.acknowledged.push({ key, value: call.value, revision });
      return answer;
    } catch (error) {
      if (mustSucceed || !(error instanceof RpcError)) throw error;
      // Whatever the reason, a write that was sent may take place: etcd's errors do not promise otherwise.
      if (!error.neverSent && call.kind !== 'get') this.history.push({ client: name, key, call, invokedAt });
      return undefined;
    }
  }
}

async function ask(client: EtcdClient, endpoint: string, key: string, call: Asked): Promise<Answered> {
  const where = { endpoint };
  const name = Buffer.from(key);
  if (call.kind === 'get') {
    const { kvs } = await client.range({ key: name }, where);
    return { answer: { kind: 'get', value: text(kvs[0]?.value) } };
  }
  if (call.kind === 'put') {
    const { header } = await client.put({ key: name, value: Buffer.from(call.value) }, where);
    return { answer: { kind: 'put' }, revision: header?.revision ?? 0 };
  }
  const { succeeded, header, responses } = await client.txn(compareAndSwap(name, call.expected, call.value), where);
  if (succeeded) return { answer: { kind: 'cas', succeeded }, revision: header?.revision ?? 0 };
  const actual = text(responses[0]?.response_range?.kvs[0]?.value);
  return { answer: { kind: 'cas', succeeded: false, actual } };
}

function compareAndSwap(key: Buffer, expected: string | undefined, value: string): Partial<TxnRequest> {
  const result = Compare_CompareResult.EQUAL;
  const compare =
    expected === undefined
      ? Compare.create({ key, result, target: Compare_CompareTarget.CREATE, create_revision: 0 })
      : Compare.create({ key, result, target: Compare_CompareTarget.VALUE, value: Buffer.from(expected) });
  return {
    compare: [compare],
    success: [RequestOp.create({ request_put: PutRequest.create({ key, value: Buffer.from(value) }) })],
    failure: [RequestOp.create({ request_range: RangeRequest.create({ key }) })],
  };
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}
