/** Stories of a cluster, told as observations one after the other, and what the board makes of them. */
import { describe, expect, test } from 'vitest';
import { advance, type Change, type Memory } from './changes.ts';
import type { Counters, MemberAnswer, NodeObservation, Observation, RosterEntry, Silence } from './observation.ts';

const roster: readonly RosterEntry[] = [1, 2, 3].map((n) => ({
  memberId: `m${n}`,
  name: `node${n}`,
  isLearner: false,
}));

function up(n: number, said: Partial<MemberAnswer> = {}, counters?: Partial<Counters>): NodeObservation {
  const answer: MemberAnswer = {
    memberId: `m${n}`,
    clusterId: 'c1',
    leaderId: 'm1',
    isLearner: false,
    version: '3.5.30',
    term: 2,
    committedIndex: 100,
    appliedIndex: 100,
    revision: 50,
    dbSizeBytes: 1,
    dbInUseBytes: 1,
    alarms: [],
    ...said,
  };
  return { node: `node${n}`, answer, ...(counters !== undefined && { counters: counted(counters) }) };
}

function counted(counters: Partial<Counters>): Counters {
  const none = { atMs: 1, startedAtSeconds: 10, puts: 0, dbQuotaBytes: 0, snapshotsSaved: 0, snapshotsReceived: 0 };
  return { ...none, fsync: [], ...counters };
}

function leaderless(n: number): NodeObservation {
  const { answer, ...rest } = up(n);
  const { leaderId: _, ...said } = answer as MemberAnswer;
  return { ...rest, answer: said };
}

function down(n: number, kind: Silence['kind'] = 'exited'): NodeObservation {
  return { node: `node${n}`, silence: { kind } };
}

function at(...nodes: NodeObservation[]): Observation {
  return { atMs: 0, nodes, roster };
}

const calm = at(up(1), up(2), up(3));

/** @returns what has happened at each of them; nothing can have at the first */
function tell(...story: Observation[]): Change[][] {
  let memory: Memory | undefined;
  return story.map((seen) => {
    const step = advance(memory, seen);
    memory = step.memory;
    return [...step.changes];
  });
}

describe('at the first time and when all stays as it is', () => {
  test('nothing has happened', () => {
    expect(tell(calm, calm, calm)).toEqual([[], [], []]);
  });

  test('what is wrong from the start is no event', () => {
    expect(tell(at(down(1), leaderless(2), leaderless(3)))).toEqual([[]]);
  });
});

describe('leaders', () => {
  const elected = (n: number, term: number): Partial<MemberAnswer> => ({ leaderId: `m${n}`, term });

  test('one that dies, the time without one, and the next', () => {
    const story = tell(
      calm,
      at(down(1), up(2), up(3)),
      at(down(1), leaderless(2), leaderless(3)),
      at(down(1), up(2, elected(2, 3)), up(3, elected(2, 3))),
    );
    expect(story).toEqual([
      [],
      [{ kind: 'member-down', member: 'node1', why: 'exited' }],
      [{ kind: 'leader-lost' }],
      [{ kind: 'leader-elected', member: 'node2', term: 3 }],
    ]);
  });

  test('the same one, elected once more, is told with its new term', () => {
    const [, changes] = tell(calm, at(up(1, { term: 4 }), up(2, { term: 4 }), up(3, { term: 4 })));
    expect(changes).toEqual([{ kind: 'leader-elected', member: 'node1', term: 4 }]);
  });

  test('one that was cut off and has not heard of the next is not taken for it', () => {
    const next = [up(2, elected(2, 3)), up(3, elected(2, 3))];
    const story = tell(calm, at(up(1), ...next), at(up(1), down(2), down(3)), at(up(1), ...next));
    expect(story[1]).toEqual([{ kind: 'leader-elected', member: 'node2', term: 3 }]);
    expect(story.flat().filter(({ kind }) => kind.startsWith('leader-'))).toHaveLength(1);
  });

  test('a leader that misses one question is still the leader', () => {
    expect(tell(calm, at(down(1, 'silent'), up(2), up(3)), calm)).toEqual([[], [], []]);
  });
});

describe('members', () => {
  test('a silence without a known reason counts from the second time on', () => {
    const silent = at(up(1), up(2), down(3, 'silent'));
    expect(tell(calm, silent, silent, silent, calm)).toEqual([
      [],
      [],
      [{ kind: 'member-down', member: 'node3', why: 'silent' }],
      [],
      [{ kind: 'member-up', member: 'node3' }],
    ]);
  });

  test.each(['stopped', 'exited', 'frozen', 'unreachable'] as const)('%s counts at once', (why) => {
    expect(tell(calm, at(up(1), up(2), down(3, why)))[1]).toEqual([{ kind: 'member-down', member: 'node3', why }]);
  });

  test('a restart between two looks is seen by the start of the process', () => {
    const started = (startedAtSeconds: number, atMs: number) => at(up(1), up(2), up(3, {}, { startedAtSeconds, atMs }));
    expect(tell(started(10, 1), started(20, 2), started(20, 3))).toEqual([
      [],
      [{ kind: 'member-restarted', member: 'node3' }],
      [],
    ]);
  });

  test('a return that was told is not told again as a restart, even if its counters come later', () => {
    const before = at(up(1), up(2), up(3, {}, { startedAtSeconds: 10, atMs: 1 }));
    const after = at(up(1), up(2), up(3, {}, { startedAtSeconds: 20, atMs: 4 }));
    const story = tell(before, at(up(1), up(2), down(3)), before, after, after);
    expect(story.slice(2)).toEqual([[{ kind: 'member-up', member: 'node3' }], [], []]);
  });

  test('a learner that is added, promoted, and a member that is removed', () => {
    const withFourth = (isLearner: boolean): Observation => ({
      ...calm,
      roster: [...roster, { memberId: 'm4', name: 'guest', isLearner }],
    });
    const without = { ...calm, roster: withFourth(false).roster?.filter(({ memberId }) => memberId !== 'm3') ?? [] };
    expect(tell(calm, withFourth(true), withFourth(false), without)).toEqual([
      [],
      [{ kind: 'learner-added', member: 'guest' }],
      [{ kind: 'learner-promoted', member: 'guest' }],
      [{ kind: 'member-removed', member: 'node3' }],
    ]);
  });

  test('a member list that nobody could tell is no empty one', () => {
    const { roster: _, ...unlisted } = calm;
    expect(tell(calm, unlisted, calm)).toEqual([[], [], []]);
  });
});

describe('alarms, snapshots, certificates', () => {
  test('an alarm is told once, and once that it is cleared', () => {
    const alarms = [{ memberId: 'm2', type: 'NOSPACE' as const }];
    const alarmed = at(up(1, { alarms }), up(2), up(3));
    expect(tell(calm, alarmed, alarmed, calm)).toEqual([
      [],
      [{ kind: 'alarm-raised', member: 'node2', alarm: 'NOSPACE' }],
      [],
      [{ kind: 'alarm-cleared', member: 'node2', alarm: 'NOSPACE' }],
    ]);
  });

  test('an alarm does not end because nobody answers', () => {
    const alarmed = at(up(1, { alarms: [{ memberId: 'm2', type: 'CORRUPT' }] }), up(2), up(3));
    expect(
      tell(alarmed, at(down(1), down(2), down(3)), alarmed)
        .flat()
        .map(({ kind }) => kind),
    ).not.toContain('alarm-cleared');
  });

  test('a snapshot that was taken, also by the first call after a restart', () => {
    const saved = (snapshotsSaved: number, startedAtSeconds: number) =>
      at(up(1, {}, { snapshotsSaved, startedAtSeconds }), up(2), up(3));
    const [, first, restarted] = tell(saved(3, 10), saved(4, 10), saved(1, 20));
    expect(first).toEqual([{ kind: 'snapshot-saved', member: 'node1' }]);
    expect(restarted).toContainEqual({ kind: 'snapshot-saved', member: 'node1' });
  });

  test('a certificate with another serial number', () => {
    const serves = (serial: string) => at(up(1, {}, { certificate: { serial, endsAtMs: 0 } }), up(2), up(3));
    expect(tell(serves('a'), serves('a'), serves('b'))).toEqual([
      [],
      [],
      [{ kind: 'certificate-replaced', member: 'node1' }],
    ]);
  });
});

describe('restored clusters', () => {
  const restored = (clusterId: string, revision: number): Observation => ({
    ...at(...[1, 2, 3].map((n) => up(n, { clusterId, revision, term: 1, memberId: `n${n}`, leaderId: 'n1' }))),
    roster: [1, 2, 3].map((n) => ({ memberId: `n${n}`, name: `node${n}`, isLearner: false })),
  });

  test('another cluster, with its revision further back, and no word of its members', () => {
    expect(tell(calm, restored('c2', 20))[1]).toEqual([
      { kind: 'cluster-replaced', clusterId: 'c2' },
      { kind: 'leader-elected', member: 'node1', term: 1 },
      { kind: 'revision-back', from: 50, to: 20 },
    ]);
  });

  test('a revision that is back is told once', () => {
    expect(tell(calm, restored('c2', 20), restored('c2', 20), restored('c2', 21)).slice(2)).toEqual([[], []]);
  });

  test('a follower that is behind does not set the revision back', () => {
    const behind = at(down(1, 'silent'), up(2, { revision: 40, appliedIndex: 90 }), down(3, 'silent'));
    expect(
      tell(calm, behind, calm)
        .flat()
        .map(({ kind }) => kind),
    ).not.toContain('revision-back');
  });
});
