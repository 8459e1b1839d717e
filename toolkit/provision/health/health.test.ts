import { describe, expect, it, vi } from 'vitest';
import type { Member, StatusResponse } from '../../../server/proto/gen/rpc.ts';
import { LabError } from '../../errors.ts';
import { localNode } from '../../lab/nodes.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Condition, waitFor } from './condition.ts';
import { healthConditions } from './conditions.ts';
import { formatLogLine, tellingLines } from './log-line.ts';
import { waitForCondition } from './mod.ts';

const nodes = [1, 2, 3].map((n) =>
  localNode({ name: `node${n}`, address: '127.0.0.1', clientPort: n, peerPort: n + 10 }, '/hosts'),
);
const member = (n: number): Member => ({
  ID: BigInt(n),
  name: `node${n}`,
  peerURLs: [`https://127.0.0.1:${n + 10}`],
  clientURLs: [],
  isLearner: false,
});
const answer = (change: Partial<StatusResponse> = {}) =>
  ({ leader: 1n, raftTerm: 2, errors: [], ...change }) as unknown as StatusResponse;

/** A healthy cluster, unless said otherwise. */
const view = (change: Partial<ClusterView> = {}): ClusterView => ({
  nodes,
  process: async () => ({ state: 'running' }),
  hasLostData: async () => false,
  tellingLog: async () => ['08:13:02.123 fatal boom error=no'],
  portProblem: async () => undefined,
  status: async () => answer(),
  members: async () => [member(1), member(2), member(3)],
  linearizableRead: async () => 7,
  hashKv: async () => ({ hash: 0xabc, compactRevision: -1 }),
  explain: async () => 'the certificate has expired',
  close: () => undefined,
  ...change,
});

/** @returns the shortfalls of one condition */
async function shortfalls(id: string, change: Partial<ClusterView>): Promise<readonly string[]> {
  const condition = healthConditions(view(change)).find((candidate) => candidate.id === id) as Condition;
  return (await condition.check()).map(({ node, reason }) => `${node}: ${reason}`);
}

describe('a healthy cluster', () => {
  it('meets every condition', async () => {
    for (const condition of healthConditions(view())) expect(await condition.check(), condition.id).toEqual([]);
  });

  it('is waited for longer where members have machines of their own', () => {
    const remote = nodes.map((node) => ({ ...node, host: { kind: 'ssh' } }) as unknown as (typeof nodes)[number]);
    const there = healthConditions(view({ nodes: remote }));
    for (const [i, here] of healthConditions(view()).entries()) {
      expect(there[i]?.deadlineMs).toBeGreaterThan(here.deadlineMs);
    }
  });

  it('has a process for every member', async () => {
    expect(await shortfalls('process-up', { process: async () => ({ state: 'stopped' }) })).toHaveLength(3);
    expect(await shortfalls('hash-equal', { process: async () => ({ state: 'frozen' }) })).toContain(
      'node1: the process is frozen',
    );
  });

  it('is not waited for when a process has ended: the end of its log says why', async () => {
    const ended = shortfalls('one-leader', {
      process: async (node) => ({ state: node.name === 'node2' ? 'exited' : 'running' }),
    });
    await expect(ended).rejects.toMatchObject({
      code: 'LAB_MEMBER_EXITED',
      message: 'node2 has ended by itself',
      details: ['08:13:02.123 fatal boom error=no'],
      advice: ['etcdlab logs node2', 'etcdlab up starts it again'],
    });
  });

  it.each([
    'fatal discovery failed error=member 8e9e05c52164694d has already been bootstrapped',
    'error cannot start error=/data/member/snap/db is damaged: page 7',
    'panic: walpb: crc mismatch',
    'fatal discovery failed error=the member has been permanently removed from the cluster',
  ])('has a member replaced whose log says: %s', async (line) => {
    const ended = shortfalls('one-leader', {
      process: async () => ({ state: 'exited' }),
      tellingLog: async () => [line],
    });
    await expect(ended).rejects.toMatchObject({
      advice: [expect.anything(), expect.stringMatching(/^etcdlab replace node1/)],
    });
  });

  it('has open ports', async () => {
    const portProblem = async (node: { name: string }) => (node.name === 'node3' ? 'nothing listens' : undefined);
    expect(await shortfalls('port-open', { portProblem })).toEqual(['node3: nothing listens']);
  });

  it('accepts our certificate, and shows one that we accept', async () => {
    const status = async () => Promise.reject(new Error('deadline'));
    expect((await shortfalls('tls-verified', { status }))[0]).toBe('node1: the certificate has expired');
  });

  it('lists all members, and no others, none of them a learner', async () => {
    const members = async () => [
      { ...member(1), isLearner: true },
      member(2),
      { ...member(9), name: '', peerURLs: ['https://10.0.0.9:2380'] },
    ];
    expect((await shortfalls('members-complete', { members }))[0]).toBe(
      'node1: node3 has not joined, it lists the unstarted 9 at https://10.0.0.9:2380, node1 is a learner still: etcdlab replace node1',
    );
  });

  it('has one leader, and all know it', async () => {
    const none = async () => answer({ leader: 0n });
    expect((await shortfalls('one-leader', { status: none }))[0]).toBe('node1: knows no leader');
    const split = async (node: { name: string }) => answer(node.name === 'node3' ? { leader: 3n, raftTerm: 5 } : {});
    expect(await shortfalls('one-leader', { status: split })).toEqual(['node3: follows 3 at term 5, others 1 at 2']);
    const alarmed = async () => answer({ errors: ['alarm:NOSPACE'] });
    expect((await shortfalls('one-leader', { status: alarmed }))[0]).toBe('node1: alarm:NOSPACE');
  });

  it('serves linearizable reads through every member', async () => {
    const linearizableRead = async () => Promise.reject(new Error('etcdserver: request timed out'));
    expect(await shortfalls('linearizable-read', { linearizableRead })).toHaveLength(3);
  });

  it('holds the same data everywhere, compared at a revision that all have', async () => {
    const asked: number[] = [];
    const change: Partial<ClusterView> = {
      linearizableRead: async (node) => (node.name === 'node2' ? 6 : 8),
      hashKv: async (node, revision) => {
        asked.push(revision);
        return { hash: node.name === 'node3' ? 1 : 2, compactRevision: -1 };
      },
    };
    expect(await shortfalls('hash-equal', change)).toEqual([
      'node3: HashKV at revision 6 is 00000001 (compacted at -1), that of node1 is 00000002 (compacted at -1)',
    ]);
    expect(asked).toEqual([6, 6, 6]);
  });
});

describe('waiting for a condition', () => {
  const condition = (check: Condition['check'], deadlineMs = 60_000): Condition => ({
    id: 'test',
    title: 'all is well',
    deadlineMs,
    check,
  });
  const notYet = [{ node: 'node1', reason: 'not yet' }];

  it('ends when it holds, and tells each reason once', async () => {
    const check = vi.fn<Condition['check']>().mockResolvedValue([]);
    check.mockResolvedValueOnce(notYet).mockResolvedValueOnce(notYet);
    check.mockResolvedValueOnce([{ node: 'node2', reason: 'nearly' }]);
    const reasons: string[] = [];
    await waitFor(condition(check), { pollMs: 1, onReason: (reason) => reasons.push(reason) });
    expect(reasons).toEqual(['node1: not yet', 'node2: nearly']);
  });

  it('ends at the deadline with the last reason, and the log of the member concerned', async () => {
    const waiting = waitForCondition(
      view(),
      condition(async () => notYet, 0),
      { pollMs: 1 },
    );
    await expect(waiting).rejects.toMatchObject({
      code: 'LAB_UNHEALTHY',
      message: 'not so after 0 s: all is well (node1: not yet)',
      details: ['the log of node1 says:', '08:13:02.123 fatal boom error=no'],
      advice: ['etcdlab status', 'etcdlab logs node1'],
    });
  });

  it('ends when it is interrupted', async () => {
    const controller = new AbortController();
    const options = { signal: controller.signal, onReason: () => controller.abort() };
    await expect(
      waitFor(
        condition(async () => notYet),
        options,
      ),
    ).rejects.toMatchObject({ code: 'LAB_INTERRUPTED' });
  });

  it('ends when the check says that waiting is in vain', async () => {
    const inVain = condition(async () => Promise.reject(new LabError('LAB_MEMBER_EXITED', 'gone')));
    await expect(waitFor(inVain)).rejects.toMatchObject({ code: 'LAB_MEMBER_EXITED' });
  });
});

describe('a log line', () => {
  it('is shortened if it is one of etcd, and left as it is otherwise', () => {
    const line =
      '{"level":"warn","ts":"2026-11-20T08:13:02.123456Z","caller":"a/b.go:1","msg":"slow","took":"3s","n":[1]}';
    expect(formatLogLine(line)).toBe('08:13:02.123 warn  slow took=3s n=[1]');
    for (const other of ['panic: boom', '{"a":1}', '{', 'null', '']) expect(formatLogLine(other)).toBe(other);
    expect(formatLogLine('x'.repeat(999))).toHaveLength(480);
  });

  it('is cut between sentences: half a piece of advice is worse than none', () => {
    const first = `${'x'.repeat(300)} is damaged.`;
    expect(formatLogLine(`${first} Remove it from the ${'y'.repeat(300)}`)).toBe(`${first} …`);
    const whole = `${first} Restore the member from a snapshot, or remove it from the cluster and add it again.`;
    expect(formatLogLine(whole)).toBe(whole);
  });
});

describe('the telling lines of a log', () => {
  const json = (level: string, time: string, msg: string) =>
    JSON.stringify({ level, ts: `2026-11-20T${time}.000000Z`, caller: 'x.go:1', msg });
  const since = new Date('2026-11-20T08:00:00Z');

  it('are those that say what went wrong, without the frames of a stack trace', () => {
    const log = [
      json('info', '08:00:01', 'starting'),
      json('fatal', '08:00:02', 'discovery failed'),
      'panic: boom',
      'goroutine 1 [running]:',
      '\tetcd.go:228 +0x17',
    ];
    expect(tellingLines(log, since, 8)).toEqual(['08:00:02.000 fatal discovery failed', 'panic: boom']);
  });

  it('are of the last run, not of one before it', () => {
    const log = [json('fatal', '07:59:00', 'old'), 'panic: old', json('info', '08:00:01', 'starting')];
    expect(tellingLines(log, since, 8)).toEqual(['08:00:01.000 info  starting']);
  });

  it('are the last lines if nothing went wrong, or if it is no log of etcd', () => {
    expect(tellingLines(['a', 'b', 'c'], since, 2)).toEqual(['b', 'c']);
    expect(tellingLines([], undefined, 2)).toEqual([]);
  });
});
