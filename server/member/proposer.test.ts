import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { PutRequest } from '../proto/gen/rpc.ts';
import { ProposalDropped, TooManyUnapplied } from '../raft/mod.ts';
import { Proposer } from './proposer.ts';

const put = { put: PutRequest.create({ key: Buffer.from('k') }) };

describe('Proposer', () => {
  let log: InternalRaftRequest[];
  let hasLeader: boolean;
  let gap: number;
  let isFull: boolean;
  let proposer: Proposer;

  beforeEach(() => {
    vi.useFakeTimers();
    log = [];
    hasLeader = true;
    gap = 0;
    isFull = false;
    let id = 0n;
    proposer = new Proposer({
      nextId: () => ++id,
      propose: (data) => {
        if (!hasLeader) throw new ProposalDropped('no leader');
        if (isFull) throw new TooManyUnapplied(1e9);
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

  test('refuses at once what the leader has no room for, also when it had waited for a leader', async () => {
    isFull = true;
    await expect(proposer.propose(put)).rejects.toThrow('etcdserver: too many requests');
    hasLeader = false;
    const waiting = expect(proposer.propose(put)).rejects.toThrow('etcdserver: too many requests');
    hasLeader = true;
    proposer.retryParked();
    await waiting;
    expect(proposer.pendingCount).toBe(0);
  });

  test('refuses more while too many bytes wait for their result, and takes more when they have it', async () => {
    const data = Buffer.alloc(1_000_000);
    let id = 0n;
    const ids: bigint[] = [];
    const large = new Proposer({
      nextId: () => ++id,
      propose: () => ids.push(id),
      applyGap: () => 0,
      timeoutMs: 7000,
      maxRequestBytes: 1_500_000,
      timeoutError: () => new Error('timed out'),
    });
    const request = { put: PutRequest.create({ key: Buffer.from('k'), value: data }) };
    const results: Promise<unknown>[] = [];
    while (results.length < 134) results.push(large.propose(request));
    await expect(large.propose(request)).rejects.toThrow('etcdserver: too many requests');
    for (const each of ids) large.applied(each, {});
    await Promise.all(results);
    const next = large.propose(request);
    large.applied(id, {});
    await next;
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
