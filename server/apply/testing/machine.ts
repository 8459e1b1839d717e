/** Short ways to write requests down in tests. */
import { AuthStore, hashSync, SimpleTokens } from '../../auth/mod.ts';
import { MemoryBackend } from '../../backend/testing/memory-backend.ts';
import { EtcdError } from '../../errors/etcd-error.ts';
import { Lessor } from '../../lease/mod.ts';
import { MvccStore } from '../../mvcc/mod.ts';
import { InternalRaftRequest } from '../../proto/gen/raft_internal.ts';
import {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  type PutResponse,
  RangeRequest,
  RequestOp,
  TxnRequest,
  type TxnResponse,
} from '../../proto/gen/rpc.ts';
import { AlarmStore, Applier, type ApplierParts, type ApplyResult, Quota } from '../mod.ts';

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1');

export function put(key: string, value = '', rest: Partial<PutRequest> = {}): PutRequest {
  return PutRequest.create({ key: bytes(key), value: bytes(value), ...rest });
}

export function range(key: string, end = '', rest: Partial<RangeRequest> = {}): RangeRequest {
  return RangeRequest.create({ key: bytes(key), range_end: bytes(end), ...rest });
}

export function deletion(key: string, end = '', rest: Partial<DeleteRangeRequest> = {}): DeleteRangeRequest {
  return DeleteRangeRequest.create({ key: bytes(key), range_end: bytes(end), ...rest });
}

export function compare(key: string, rest: Partial<Compare> = {}): Compare {
  return Compare.create({ key: bytes(key), ...rest });
}

export function txn(success: RequestOp[], failure: RequestOp[] = [], conditions: Compare[] = []): TxnRequest {
  return TxnRequest.create({ compare: conditions, success, failure });
}

/** An operation of a transaction. */
export const op = {
  put: (...args: Parameters<typeof put>) => RequestOp.create({ request_put: put(...args) }),
  range: (...args: Parameters<typeof range>) => RequestOp.create({ request_range: range(...args) }),
  deletion: (...args: Parameters<typeof deletion>) => RequestOp.create({ request_delete_range: deletion(...args) }),
  txn: (...args: Parameters<typeof txn>) => RequestOp.create({ request_txn: txn(...args) }),
};

/** A state machine on a fresh backend, on a clock that stands still. Lease 7 is the one that exists. */
export class Machine {
  readonly backend = new MemoryBackend();
  nowMs = 0;
  readonly lessor = new Lessor({ backend: this.backend, now: () => this.nowMs, minTtlSeconds: 2 });
  readonly store = new MvccStore(this.backend, {
    onChange: (_, events) => this.lessor.keysChanged(events),
    onRestore: (key, lease) => this.lessor.restoreKey(key, lease),
  });
  readonly alarms = new AlarmStore(this.backend);
  readonly tokens = new SimpleTokens(300_000, () => this.nowMs);
  readonly auth = new AuthStore({
    backend: this.backend,
    tokens: this.tokens,
    hashNow: (password) => hashSync(password, 4),
  });
  /** Of the entries that `apply` stands for. */
  appliedIndex = 0;
  readonly applier: Applier;
  readonly membershipCalls: unknown[] = [];

  constructor(parts: Partial<ApplierParts> = {}) {
    const record = (request: unknown) => this.membershipCalls.push(request);
    this.store.restore();
    this.alarms.restore();
    this.auth.restore();
    this.lessor.grant(7n, 100);
    this.applier = new Applier({
      store: this.store,
      alarms: this.alarms,
      quota: new Quota(0, () => this.backend.sizeBytes()),
      membership: { setClusterVersion: record, setMemberAttributes: record, setDowngradeInfo: record },
      leases: this.lessor,
      auth: this.auth,
      ...parts,
    });
  }

  apply(request: Partial<InternalRaftRequest>): ApplyResult {
    return this.applier.apply(InternalRaftRequest.create(request), this.appliedIndex++);
  }

  /** Applies a request that must succeed. */
  put(...args: Parameters<typeof put>): PutResponse {
    return this.succeed({ put: put(...args) }) as PutResponse;
  }

  txn(request: TxnRequest): TxnResponse {
    return this.succeed({ txn: request }) as TxnResponse;
  }

  succeed(request: Partial<InternalRaftRequest>): unknown {
    const { response, error } = this.apply(request);
    if (error !== undefined) throw error;
    return response;
  }

  value(key: string): string | undefined {
    return text(this.store.range(bytes(key), bytes('')).kvs[0]?.value);
  }
}

/** The text with which `act` refuses; undefined when it does not. */
export function refusal(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof EtcdError) return error.message.replace('etcdserver: ', '');
    throw error;
  }
}
