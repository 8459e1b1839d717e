/** What the page shows of what was seen. */
import { describe, expect, test } from 'vitest';
import { advance, type Memory } from './changes.ts';
import type { Counters, MemberAnswer, NodeObservation, Observation, RosterEntry } from './observation.ts';
import { Rates } from './rates.ts';
import { type LabView, viewOf } from './view.ts';

const roster: readonly RosterEntry[] = [1, 2, 3].map((n) => ({
  memberId: `m${n}`,
  name: `node${n}`,
  isLearner: false,
}));

function up(n: number, said: Partial<MemberAnswer> = {}, counters?: Counters): NodeObservation {
  const answer: MemberAnswer = {
    ...{ memberId: `m${n}`, clusterId: 'c', leaderId: 'm1', isLearner: false, version: '3.5.30', term: 2 },
    ...{ committedIndex: 100, appliedIndex: 100, revision: 50, dbSizeBytes: 1, dbInUseBytes: 1, alarms: [] },
    ...said,
  };
  return { node: `node${n}`, answer, ...(counters !== undefined && { counters }) };
}

function down(n: number, kind: 'exited' | 'silent' = 'exited'): NodeObservation {
  return { node: `node${n}`, silence: { kind } };
}

/** @returns the view after the last of these looks */
function show(...looks: (NodeObservation[] | Observation)[]): LabView {
  let memory: Memory | undefined;
  let observation: Observation | undefined;
  const rates = new Rates();
  for (const look of looks) {
    observation = Array.isArray(look) ? { atMs: 0, nodes: look, roster } : look;
    memory = advance(memory, observation).memory;
    rates.take(observation.nodes);
  }
  const certificates = [{ name: 'server-node1', status: 'ok' as const, names: [], notAfter: new Date(1000) }];
  const learner = { passed: 0, solved: 0 };
  return viewOf({ ...{ name: 'seat1', observation, memory, rates, certificates, learner }, isMissing: false });
}

describe('the health of a cluster', () => {
  const calm = [up(1), up(2), up(3)];
  const leaderless = (n: number): NodeObservation => {
    const { leaderId: _, ...answer } = up(n).answer as MemberAnswer;
    return { node: `node${n}`, answer };
  };

  test.each<[LabView['health'], NodeObservation[][]]>([
    ['starting', []],
    ['healthy', [calm]],
    ['healthy', [calm, [up(1), up(2), down(3, 'silent')]]],
    ['healthy', [calm, [down(1, 'silent'), up(2), up(3)]]],
    ['impaired', [calm, [up(1), up(2), down(3)]]],
    ['impaired', [[up(1, { alarms: [{ memberId: 'm2', type: 'NOSPACE' }] }), up(2), up(3)]]],
    ['leaderless', [calm, [down(1), up(2), up(3)]]],
    ['leaderless', [[down(1), leaderless(2), leaderless(3)]]],
    ['leaderless', [[down(1), down(2), leaderless(3)]]],
    ['down', [calm, [down(1), down(2), down(3)]]],
  ])('%s', (health, looks) => {
    expect(show(...looks).health).toBe(health);
  });
});

describe('members', () => {
  test('roles, and how far each is behind the leader', () => {
    const { members, leader } = show([up(1), up(2, { appliedIndex: 70 }), up(3, { isLearner: true })]);
    expect(leader).toBe('node1');
    expect(members.map(({ role, behind }) => [role, behind])).toEqual([
      ['leader', 0],
      ['follower', 30],
      ['learner', 0],
    ]);
  });

  test('one that misses a question is late, then down', () => {
    const silent = [up(1), up(2), down(3, 'silent')];
    expect(show(silent).members[2]?.state).toBe('late');
    expect(show(silent, silent).members[2]).toMatchObject({ state: 'down', silence: { kind: 'silent' } });
  });

  test('one that was added by hand is listed', () => {
    const guest = { memberId: 'm9', name: '', isLearner: true };
    const nodes = [up(1), up(2), up(3)];
    expect(show({ atMs: 0, nodes, roster: [...roster, guest] }).members[3]).toEqual({
      ...{ name: 'm9', state: 'listed', role: 'learner', alarms: [] },
    });
  });

  test('an alarm stands at the member that raised it', () => {
    const { members, alarms } = show([up(1, { alarms: [{ memberId: 'm2', type: 'CORRUPT' }] }), up(2), up(3)]);
    expect(members.map((member) => member.alarms)).toEqual([[], ['CORRUPT'], []]);
    expect(alarms).toEqual([{ member: 'node2', type: 'CORRUPT' }]);
  });

  test('the certificate that is served counts, not the one in the folder', () => {
    const none = { atMs: 1, startedAtSeconds: 1, puts: 0, dbQuotaBytes: 0, snapshotsSaved: 0, snapshotsReceived: 0 };
    const counters = { ...none, fsync: [], certificate: { serial: 'a', endsAtMs: 77 } };
    expect(show([up(1)]).members[0]?.certificateEndsAtMs).toBe(1000);
    expect(show([up(1, {}, counters)]).members[0]?.certificateEndsAtMs).toBe(77);
  });
});

describe('the rate of keys', () => {
  const counted = (atMs: number, puts: number, startedAtSeconds = 1): NodeObservation[] => [
    up(
      1,
      {},
      {
        ...{ atMs, startedAtSeconds, puts, dbQuotaBytes: 0, snapshotsSaved: 0, snapshotsReceived: 0, fsync: [] },
      },
    ),
  ];

  test('is between two readings; the same reading twice is one', () => {
    expect(show(counted(1000, 10), counted(3000, 50), counted(3000, 50)).keysPerSecond).toEqual([20]);
  });

  test('a member that has restarted counts anew', () => {
    expect(show(counted(1000, 10), counted(2000, 3, 2), counted(3000, 8, 2)).keysPerSecond).toEqual([5]);
  });

  test('no more is kept than the curve shows', () => {
    const looks = Array.from({ length: 300 }, (_, i) => counted(1000 * i, i * i));
    const { keysPerSecond } = show(...looks);
    expect(keysPerSecond).toHaveLength(90);
    expect(keysPerSecond.at(-1)).toBe(299 ** 2 - 298 ** 2);
  });
});
