import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { PutRequest } from '../proto/gen/rpc.ts';
import { ProposalDropped } from '../raft/mod.ts';
import { Proposer } from './proposer.ts';

const put = { put: PutRequest.create({ key: Buffer.from('k') }) };

describe('Proposer', () => {
  let log: InternalRaftRequest[];
  let hasLeader: boolean;
  let gap: number;
  let proposer: Proposer;

  beforeEach(() => {
    vi.useFakeTimers();
    log = [];
    hasLeader = true;
    gap = 0;
    let id = 0n;
    proposer = new Proposer({
      nextId: () => ++id,
      propose: (data) => {
        if (!hasLeader) throw new ProposalDropped('no leader');
        log.push(InternalRaftRequest.decode(data));
      },
      applyGap: () => gap,
      timeoutMs: 7000,
      maxRequestBytes: 1000,
      timeoutError: (startedMs) => new Error(`timed out, started ${startedMs}`),
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const onlyId = (): bigint => log[0]?.header?.ID as bigint;

  test('answers with what applying its own entry came to', async () => {
    const result = proposer.propose(put);
    const other = proposer.propose(put);
    proposer.applied(log[1]?.header?.ID as bigint, {});
    await other;
    const mine = { response: { header: undefined, prev_kv: undefined } };
    proposer.applied(onlyId(), mine);
    expect(await result).toBe(mine);
    expect(proposer.pendingCount).toBe(0);
  });

  test('waits for a leader, and proposes once there is one', async () => {
    hasLeader = false;
    const result = proposer.propose(put);
    proposer.retryParked();
    expect(log).toHaveLength(0);
    hasLeader = true;
    proposer.retryParked();
    expect(log).toHaveLength(1);
    proposer.applied(onlyId(), {});
    await result;
  });

  test('does not propose for a caller that has given up waiting for a leader', async () => {
    hasLeader = false;
    const result = expect(proposer.propose(put)).rejects.toThrow('timed out');
    await vi.advanceTimersByTimeAsync(7000);
    await result;
    hasLeader = true;
    proposer.retryParked();
    expect(log).toHaveLength(0);
    expect(proposer.failed).toBe(1);
  });

  test('does not wait for a leader when it is told not to: what is true now need not be later', async () => {
    hasLeader = false;
    await expect(proposer.propose(put, false)).rejects.toThrow(ProposalDropped);
    hasLeader = true;
    proposer.retryParked();
    expect(log).toHaveLength(0);
  });

  test('refuses a request that is too large, before it reaches the log', async () => {
    const large = { put: PutRequest.create({ key: Buffer.from('k'), value: Buffer.alloc(1000) }) };
    await expect(proposer.propose(large)).rejects.toThrow('etcdserver: request is too large');
    expect(log).toHaveLength(0);
  });

  test('refuses more while too much is committed and not applied', async () => {
    gap = 5001;
    await expect(proposer.propose(put)).rejects.toThrow('etcdserver: too many requests');
    gap = 5000;
    void proposer.propose(put);
    expect(log).toHaveLength(1);
  });

  test('fails what waits when it stops, and what comes after', async () => {
    const waiting = expect(proposer.propose(put)).rejects.toThrow('etcdserver: server stopped');
    proposer.stop();
    await waiting;
    await expect(proposer.propose(put)).rejects.toThrow('etcdserver: server stopped');
  });

  test('ignores the result of a request that is not its own', () => {
    expect(() => proposer.applied(99n, {})).not.toThrow();
  });
});
