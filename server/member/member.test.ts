import { describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { PutRequest, RangeRequest, RequestOp, TxnRequest, TxnResponse } from '../proto/gen/rpc.ts';
import { Member } from './member.ts';
import type { Replica } from './replica.ts';

/** No more of a replica than what hashes are answered from; its store has moved on since they were taken. */
function member(identify: () => Promise<undefined>): Member {
  const replica = {
    ...{ id: 1n, clusterId: 2n, driver: { term: 3 }, gatekeeper: { identify } },
    machine: { auth: { enabled: false }, store: { currentRevision: 9 } },
    hashes: {
      database: async () => ({ hash: 77, currentRevision: 5 }),
      kv: async () => ({ hash: 78, compactRevision: 4, currentRevision: 6 }),
    },
  };
  return new Member(replica as unknown as Replica, { maxTxnOps: 128, log: silentLogger });
}

describe('the header of a hash', () => {
  test('has the revision of the moment that the hash is of', async () => {
    const answering = member(async () => undefined);
    expect(await answering.hash()).toMatchObject({ hash: 77, header: { revision: 5, raft_term: 3 } });
    expect(await answering.hashKv(0)).toMatchObject({ hash: 78, compact_revision: 4, header: { revision: 6 } });
  });
});

describe('when a maintenance method cannot tell who asks', () => {
  const failing = (error: EtcdError) =>
    member(async () => {
      throw error;
    });

  test('because this member is behind, the client is told to try again', async () => {
    const error = new EtcdError(Code.Unavailable, 'etcdserver: request timed out');
    const behind = failing(error);
    const asked = [behind.hash(), behind.hashKv(0), behind.defragment(), behind.snapshot()];
    for (const refusal of await Promise.allSettled(asked))
      expect(refusal).toEqual({ status: 'rejected', reason: error });
  });

  test('because the token is not valid, it says so in the words of upstream’s auth store', async () => {
    const stranger = failing(new EtcdError(Code.Unauthenticated, 'etcdserver: invalid auth token'));
    await expect(stranger.hash()).rejects.toMatchObject({ code: Code.Unknown, message: 'auth: invalid auth token' });
  });
});

describe('a transaction that a range forbids', () => {
  const denied = new EtcdError(Code.PermissionDenied, 'etcdserver: permission denied');
  const put = RequestOp.create({ request_put: PutRequest.create({ key: Buffer.from('a') }) });
  const range = (revision: number) =>
    RequestOp.create({ request_range: RangeRequest.create({ key: Buffer.from('b'), revision }) });

  /** A member that says so to every check, or only until it has caught up with the others. */
  function asked(isBehind: boolean) {
    const did: string[] = [];
    const checkTxn = (): void => {
      did.push('check');
      if (!isBehind || !did.includes('catch up')) throw denied;
    };
    const replica = {
      ...{ id: 1n, clusterId: 2n, driver: { term: 3 }, gatekeeper: { identify: async () => undefined } },
      machine: {
        auth: { enabled: true },
        quota: { admits: () => true },
        store: { currentRevision: 9 },
        applier: { checkTxn },
      },
      reads: { wait: async () => did.push('catch up') },
      proposer: {
        propose: async () => {
          did.push('propose');
          return { response: TxnResponse.create() };
        },
      },
    };
    const member = new Member(replica as unknown as Replica, { maxTxnOps: 128, log: silentLogger });
    return { did, txn: (...success: RequestOp[]) => member.txn(TxnRequest.create({ success })) };
  }

  test('does not come into the log', async () => {
    for (const revision of [0, 7]) {
      const { txn, did } = asked(false);
      await expect(txn(put, range(revision))).rejects.toBe(denied);
      expect(did).not.toContain('propose');
    }
  });

  test('is forbidden only by a member that knows all there is', async () => {
    for (const revision of [0, 7]) {
      const { txn, did } = asked(true);
      await txn(put, range(revision));
      expect(did.slice(-3)).toEqual(['catch up', 'check', 'propose']);
    }
  });

  test('is forbidden for what is wrong with it as a whole first', async () => {
    const { txn, did } = asked(false);
    await expect(txn(put, put, range(7))).rejects.toThrow('duplicate key given in txn request');
    expect(did).toEqual([]);
  });

  test('is not looked for in one without ranges', async () => {
    const { txn, did } = asked(false);
    await txn(put);
    expect(did).toEqual(['propose']);
  });
});
