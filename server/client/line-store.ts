/** A cluster as a store of waiting lines: locks and elections that live through a change of members and connections. */
import type { LineStore } from '../concurrency/mod.ts';
import { Code } from '../errors/etcd-error.ts';
import type { EtcdClient } from './etcd-client.ts';
import { RpcError } from './rpc-error.ts';

/** What waiting in line takes of a client. */
export type LineClient = Pick<EtcdClient, 'range' | 'txn' | 'resumingWatch'>;

export function clientLineStore(client: LineClient): LineStore {
  return {
    range: (request) => client.range(request),
    txn: (request) => client.txn(request),
    async *watch({ key, end, startRevision }, signal) {
      const watch = client.resumingWatch({ key, range_end: end, start_revision: startRevision }, { signal });
      for await (const { events, canceled, compact_revision, cancel_reason } of watch) {
        if (canceled && compact_revision === 0) throw new RpcError(Code.Unknown, cancel_reason);
        if (canceled) return;
        if (events.length > 0) yield { events };
      }
    },
  };
}
