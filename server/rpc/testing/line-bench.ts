/** A member's keys and watches in memory, as far as waiting in line needs them. Lease 7 exists, as do those granted. */

import { applyRange } from '../../apply/mod.ts';
import { Machine } from '../../apply/testing/machine.ts';
import { MemoryBackend } from '../../backend/testing/memory-backend.ts';
import type { EtcdMember } from '../../member/etcd-member.ts';
import { MvccStore } from '../../mvcc/mod.ts';
import { WatchHub } from '../../mvcc/watch/mod.ts';
import { type RangeResponse, ResponseHeader } from '../../proto/gen/rpc.ts';
import type { LineMember } from '../line-store.ts';

export class LineBench implements LineMember {
  readonly store = new MvccStore(new MemoryBackend(), {
    onChange: (revision, events) => this.watches.changed(revision, events),
  });
  readonly watches = new WatchHub(this.store, { defer: setImmediate });
  readonly machine = new Machine({ store: this.store });
  /** What reads fail with, once set. */
  readFailure: Error | undefined;

  constructor() {
    this.store.restore();
  }

  range: LineMember['range'] = async (request) => {
    if (this.readFailure !== undefined) throw this.readFailure;
    return this.stamped(applyRange(this.store, request));
  };

  put: EtcdMember['put'] = async (request) => this.apply({ put: request });
  deleteRange: LineMember['deleteRange'] = async (request) => this.apply({ delete_range: request });
  txn: LineMember['txn'] = async (request) => this.apply({ txn: request });
  leaseGrant: LineMember['leaseGrant'] = async ({ TTL }) => this.apply({ lease_grant: { ID: 99n, TTL } });

  authorizeWatch: LineMember['authorizeWatch'] = async () => {};

  header(): ResponseHeader {
    return ResponseHeader.create({ revision: this.store.currentRevision });
  }

  /** The keys that there are, in order. */
  keys(): string[] {
    const all: RangeResponse = applyRange(this.store, {
      ...{ key: Buffer.of(0), range_end: Buffer.of(0), limit: 0, revision: 0, sort_order: 0, sort_target: 0 },
      ...{ serializable: true, keys_only: true, count_only: false },
      ...{ min_mod_revision: 0, max_mod_revision: 0, min_create_revision: 0, max_create_revision: 0 },
    });
    return all.kvs.map(({ key }) => Buffer.from(key).toString());
  }

  private apply<T>(request: Parameters<Machine['succeed']>[0]): T {
    return this.stamped(this.machine.succeed(request) as { header?: ResponseHeader }) as T;
  }

  private stamped<T extends { header?: ResponseHeader | undefined }>(response: T): T {
    response.header ??= this.header();
    return response;
  }
}
