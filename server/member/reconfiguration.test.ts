import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { errLeaderChanged, errLearnerNotReady, errMemberNotFound, errTimeout } from '../errors/etcd-error.ts';
import { decodeContext, type Member, newMember } from '../membership/mod.ts';
import { type ConfChange, ConfChangeType } from '../proto/gen/raft.ts';
import { longAgo, ReconfigurationBench, timeoutMs } from './testing/reconfiguration-bench.ts';

const ids = (members: readonly Member[]): bigint[] => members.map(({ id }) => id);
const notEnough = 'etcdserver: re-configuration failed due to not enough started members';
const unhealthy = 'etcdserver: unhealthy cluster';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_500 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('adding a member', () => {
  test('gives it an id made of its sorted URLs and the second, and answers with all members', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const result = bench.reconfiguration.addMember(['http://z:1', 'http://a:1'], false);
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.log).toMatchObject([{ type: ConfChangeType.ConfChangeAddNode, id: 100n }]);
    expect(Buffer.from(bench.log[0]?.context ?? []).toString()).toMatch(
      /^\{"id":\d+,"peerURLs":\["http:\/\/a:1","http:\/\/z:1"\]\}$/,
    );
    bench.apply();
    const { member, members } = await result;
    // SHA-1 over http://a:1http://z:11700000000
    expect(member).toEqual(newMember({ id: 0xb0b51554e4b68671n, peerURLs: ['http://a:1', 'http://z:1'] }));
    expect(ids(members)).toEqual([1n, 2n, 3n, member.id]);
  });

  test('as a learner is another type of change, and says so in its context', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    const { member } = await bench.applied(bench.reconfiguration.addMember(['http://l:1'], true));
    expect(member.isLearner).toBe(true);
    expect(bench.cluster.member(member.id)?.isLearner).toBe(true);
  });

  test.each([[[]], [['m4:2380']], [['http://m4']], [['http://m4:1/path']], [['ftp://m4:1']]])(
    'with the URLs %j is refused before anything is proposed',
    async (urls) => {
      const bench = new ReconfigurationBench().withMembers(1n);
      const refused = 'etcdserver: given member URLs are invalid';
      await expect(bench.reconfiguration.addMember(urls, false)).rejects.toThrow(refused);
      await expect(bench.reconfiguration.updateMember(1n, urls)).rejects.toThrow(refused);
      expect(bench.log).toEqual([]);
    },
  );

  test('whose URL another has is refused when the change is applied', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    const result = bench.reconfiguration.addMember(['http://m1:2380'], false);
    await expect(bench.applied(result)).rejects.toThrow('etcdserver: Peer URLs already exists');
  });

  test('is refused while a voter has not started, except for a learner', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    bench.add(2n);
    bench.activeSince.set(2n, longAgo);
    await expect(bench.reconfiguration.addMember(['http://m4:1'], false)).rejects.toThrow(notEnough);
    await bench.applied(bench.reconfiguration.addMember(['http://m4:1'], true));
  });

  test.each([false, true])('is refused unless all voters are connected for 5 s (learner: %s)', async (isLearner) => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.activeSince.delete(3n);
    await expect(bench.reconfiguration.addMember(['http://m4:1'], isLearner)).rejects.toThrow(unhealthy);
    bench.activeSince.set(3n, Date.now() - 4999);
    await expect(bench.reconfiguration.addMember(['http://m4:1'], isLearner)).rejects.toThrow(unhealthy);
    vi.setSystemTime(Date.now() + 1);
    await bench.applied(bench.reconfiguration.addMember(['http://m4:1'], isLearner));
  });

  test('does not wait for a learner that is down', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.add(4n, true);
    await bench.applied(bench.reconfiguration.addMember(['http://m5:1'], false));
  });

  test('is not checked with --strict-reconfig-check=false', async () => {
    const bench = new ReconfigurationBench({ strict: false }).withMembers(1n);
    bench.add(2n);
    await bench.applied(bench.reconfiguration.addMember(['http://m4:1'], false));
  });
});

describe('removing a member', () => {
  test('answers with those that are left', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    expect(ids(await bench.applied(bench.reconfiguration.removeMember(3n)))).toEqual([1n, 2n]);
  });

  test('that leads has it hand over first, to the voter that is connected longest', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n, 4n);
    bench.activeSince
      .set(2n, longAgo + 2)
      .set(3n, longAgo + 1)
      .set(4n, longAgo + 3);
    const result = bench.reconfiguration.removeMember(1n);
    await vi.advanceTimersByTimeAsync(500);
    expect(bench.transfers).toEqual([3n]);
    expect(bench.log).toEqual([]);
    bench.lead = 3n;
    await vi.advanceTimersByTimeAsync(100);
    expect(ids(await bench.applied(result))).toEqual([2n, 3n, 4n]);
  });

  test('that leads is removed all the same when it does not hand over', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.lead = 3n;
    const result = bench.reconfiguration.removeMember(3n);
    await vi.advanceTimersByTimeAsync(1000);
    expect(bench.transfers).toEqual([1n]);
    expect(ids(await bench.applied(result))).toEqual([1n, 2n]);
  });

  test('that is down is allowed, for it is no part of the quorum that works', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.activeSince.delete(3n);
    expect(ids(await bench.applied(bench.reconfiguration.removeMember(3n)))).toEqual([1n, 2n]);
  });

  test.each([1n, 2n])('that works (%d) is refused while another is down', async (id) => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.activeSince.delete(3n);
    await expect(bench.reconfiguration.removeMember(id)).rejects.toThrow(unhealthy);
    expect(bench.log).toEqual([]);
  });

  test('is refused when the started ones that are left would be no quorum', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n);
    bench.add(3n);
    await expect(bench.reconfiguration.removeMember(2n)).rejects.toThrow(notEnough);
  });

  test('that is a learner is never refused', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.add(4n, true);
    bench.activeSince.delete(3n);
    expect(ids(await bench.applied(bench.reconfiguration.removeMember(4n)))).toEqual([1n, 2n, 3n]);
  });

  test('that is the last is refused, by the log even without the strict check', async () => {
    await expect(new ReconfigurationBench().withMembers(1n).reconfiguration.removeMember(1n)).rejects.toThrow(
      notEnough,
    );
    const bench = new ReconfigurationBench({ strict: false }).withMembers(1n);
    await expect(bench.applied(bench.reconfiguration.removeMember(1n))).rejects.toThrow(notEnough);
    expect(ids(bench.cluster.members())).toEqual([1n]);
  });

  test('that nobody knows, or that was removed before, is not found', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    await expect(bench.applied(bench.reconfiguration.removeMember(9n))).rejects.toThrow('member not found');
    await bench.applied(bench.reconfiguration.removeMember(3n));
    await expect(bench.applied(bench.reconfiguration.removeMember(3n))).rejects.toThrow('member not found');
  });
});

describe('updating a member', () => {
  test('changes its peer URLs and nothing else', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const members = await bench.applied(bench.reconfiguration.updateMember(2n, ['http://new:1']));
    expect(members[1]).toMatchObject({ id: 2n, name: 'm2', peerURLs: ['http://new:1'] });
  });

  test('that is a learner leaves it one', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    bench.add(2n, true);
    const members = await bench.applied(bench.reconfiguration.updateMember(2n, ['http://new:1']));
    expect(members[1]).toMatchObject({ peerURLs: ['http://new:1'], isLearner: true });
  });

  test('that nobody knows is refused when the change is applied', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    const result = bench.reconfiguration.updateMember(2n, ['http://new:1']);
    await expect(bench.applied(result)).rejects.toThrow('etcdserver: member not found');
  });
});

describe('promoting a learner', () => {
  const withLearner = (match: number): ReconfigurationBench => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.add(4n, true);
    bench.match.set(1n, 1000).set(4n, match);
    return bench;
  };

  test('that has nine tenths of the leader’s log makes it a voter', async () => {
    const bench = withLearner(900);
    const result = bench.reconfiguration.promoteMember(4n);
    await vi.advanceTimersByTimeAsync(0);
    expect(Buffer.from(bench.log[0]?.context ?? []).toString()).toBe('{"id":4,"peerURLs":null,"isPromote":true}');
    const members = await bench.applied(result);
    expect(members.find(({ id }) => id === 4n)).toMatchObject({ isLearner: false, peerURLs: ['http://m4:2380'] });
  });

  test('that has less is refused', async () => {
    const bench = withLearner(899);
    await expect(bench.reconfiguration.promoteMember(4n)).rejects.toThrow(
      'etcdserver: can only promote a learner member which is in sync with leader',
    );
  });

  test('is refused when the voters that have started would be no quorum with it', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    bench.add(2n);
    bench.add(3n);
    bench.add(4n, true);
    bench.match.set(1n, 10).set(4n, 10);
    await expect(bench.reconfiguration.promoteMember(4n)).rejects.toThrow(notEnough);
  });

  test('that is none, or that nobody knows, is refused when the change is applied', async () => {
    const bench = withLearner(1000);
    await expect(bench.applied(bench.reconfiguration.promoteMember(2n))).rejects.toThrow(
      /^etcdserver: can only promote a learner member$/,
    );
    await expect(bench.applied(bench.reconfiguration.promoteMember(9n))).rejects.toThrow('member not found');
  });

  test('is asked of the leader by a follower, at each of its URLs', async () => {
    const bench = withLearner(0);
    bench.lead = 2n;
    await bench.applied(bench.reconfiguration.updateMember(2n, ['http://m2:1', 'http://m2:2']));
    const asked: string[] = [];
    bench.promoteAt = async (url) => {
      asked.push(url);
      if (url.endsWith(':1')) throw new Error('connection refused');
      return [newMember({ id: 4n })];
    };
    expect(ids(await bench.reconfiguration.promoteMember(4n))).toEqual([4n]);
    expect(asked).toEqual(['http://m2:1', 'http://m2:2']);
    expect(bench.log).toEqual([]);
  });

  test.each([errLearnerNotReady, errMemberNotFound])('passes on what the leader refuses it for', async (refusal) => {
    const bench = withLearner(0);
    bench.lead = 2n;
    bench.promoteAt = () => Promise.reject(refusal());
    await expect(bench.reconfiguration.promoteMember(4n)).rejects.toThrow(refusal().message);
  });

  test('waits for a leader, and gives up in time', async () => {
    const bench = withLearner(1000);
    bench.lead = 0n;
    const late = expect(bench.reconfiguration.promoteMember(4n)).rejects.toThrow('etcdserver: request timed out');
    await vi.advanceTimersByTimeAsync(timeoutMs + 100);
    await late;
    const result = bench.reconfiguration.promoteMember(4n);
    await vi.advanceTimersByTimeAsync(500);
    bench.lead = 1n;
    await vi.advanceTimersByTimeAsync(100);
    bench.apply();
    expect((await result).find(({ id }) => id === 4n)?.isLearner).toBe(false);
  });

  test('on behalf of another member is refused by a member that does not lead', async () => {
    const bench = withLearner(1000);
    bench.lead = 2n;
    await expect(bench.reconfiguration.promoteHere(4n)).rejects.toThrow('etcdserver: not leader');
  });
});

describe('changes of the membership', () => {
  test('follow each other, for raft drops a second one', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const first = bench.reconfiguration.updateMember(2n, ['http://first:1']);
    const second = bench.reconfiguration.updateMember(3n, ['http://second:1']);
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.log.map(({ node_id }) => node_id)).toEqual([2n]);
    await bench.applied(first);
    await vi.advanceTimersByTimeAsync(0);
    expect(bench.log.map(({ node_id }) => node_id)).toEqual([3n]);
    await bench.applied(second);
  });

  test('are checked when their turn comes, with what those before them have changed', async () => {
    const bench = new ReconfigurationBench().withMembers(1n);
    const first = bench.reconfiguration.addMember(['http://m2:2380'], false);
    const second = bench.reconfiguration.addMember(['http://m3:2380'], false);
    second.catch(() => undefined);
    await bench.applied(first);
    await expect(second).rejects.toThrow(notEnough);
  });

  test('are proposed only when this member knows what the leader knows, and checked again then', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    let caughtUp = (): void => undefined;
    bench.catchUp = () =>
      new Promise((resolve) => {
        caughtUp = resolve;
      });
    const result = bench.reconfiguration.removeMember(2n);
    result.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1000);
    expect(bench.log).toEqual([]);
    bench.activeSince.delete(3n);
    caughtUp();
    await expect(result).rejects.toThrow(unhealthy);
    expect(bench.log).toEqual([]);
  });

  test('ask again when the leader changes meanwhile', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const answers = [() => Promise.reject(errLeaderChanged()), () => Promise.resolve()];
    bench.catchUp = () => (answers.shift() as () => Promise<void>)();
    expect(ids(await bench.applied(bench.reconfiguration.removeMember(3n)))).toEqual([1n, 2n]);
    bench.catchUp = () => Promise.reject(errTimeout());
    await expect(bench.reconfiguration.removeMember(2n)).rejects.toThrow('etcdserver: request timed out');
  });

  test('that are refused anyway do not wait for a leader', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.catchUp = () => new Promise(() => undefined);
    bench.activeSince.delete(3n);
    await expect(bench.reconfiguration.removeMember(2n)).rejects.toThrow(unhealthy);
  });

  test('that fail do not hold up those behind them', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const lost = expect(bench.reconfiguration.updateMember(2n, ['http://lost:1'])).rejects.toThrow('timed out');
    await vi.advanceTimersByTimeAsync(timeoutMs - 1000);
    const next = bench.reconfiguration.updateMember(3n, ['http://next:1']);
    await vi.advanceTimersByTimeAsync(1000);
    await lost;
    bench.log.splice(0, 1);
    expect((await bench.applied(next))[2]?.peerURLs).toEqual(['http://next:1']);
  });

  test('wait for a leader', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.hasLeader = false;
    const result = bench.reconfiguration.removeMember(3n);
    await vi.advanceTimersByTimeAsync(1000);
    bench.reconfiguration.retryParked();
    expect(bench.log).toEqual([]);
    bench.hasLeader = true;
    bench.reconfiguration.retryParked();
    expect(ids(await bench.applied(result))).toEqual([1n, 2n]);
  });

  test('are bounded in number', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const all = Array.from({ length: 64 }, () => bench.reconfiguration.removeMember(3n));
    for (const each of all) each.catch(() => undefined);
    await expect(bench.reconfiguration.removeMember(3n)).rejects.toThrow('etcdserver: too many requests');
  });

  test('that wait for something else when the member stops fail, too', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n);
    const moving = expect(bench.reconfiguration.moveLeader(2n)).rejects.toThrow('etcdserver: server stopped');
    bench.lead = 0n;
    const promoting = expect(bench.reconfiguration.promoteMember(2n)).rejects.toThrow('etcdserver: server stopped');
    await vi.advanceTimersByTimeAsync(50);
    bench.reconfiguration.stop();
    await Promise.all([moving, promoting]);
  });

  test('fail when the member stops, and are refused afterwards', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const waiting = [1, 2].map(() => expect(bench.reconfiguration.removeMember(3n)).rejects.toThrow('server stopped'));
    await vi.advanceTimersByTimeAsync(0);
    bench.reconfiguration.stop();
    await Promise.all(waiting);
    await expect(bench.reconfiguration.removeMember(3n)).rejects.toThrow('etcdserver: server stopped');
  });

  test('carry what upstream reads', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    void bench.reconfiguration.updateMember(2n, ['http://b:1', 'http://a:1']).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    const { type, context = new Uint8Array() } = bench.log[0] as ConfChange;
    expect(type).toBe(ConfChangeType.ConfChangeUpdateNode);
    expect(decodeContext(context).member.peerURLs).toEqual(['http://a:1', 'http://b:1']);
    expect(Buffer.from(context).toString()).toBe('{"id":2,"peerURLs":["http://a:1","http://b:1"]}');
  });
});
