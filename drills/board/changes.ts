/**
 * From what was seen before and what is seen now to what has happened. Pure: no clock, no network, so that every
 * story can be told by a test.
 */
import {
  type AlarmType,
  type Counters,
  leaderAmong,
  type MemberAnswer,
  mostInformed,
  type NodeObservation,
  type Observation,
  type RosterEntry,
  type Silence,
} from './observation.ts';

/** What has happened. A member is named as in lab.yaml, else by its own name, else by its id. */
export type Change =
  | { readonly kind: 'leader-elected'; readonly member: string; readonly term: number }
  | { readonly kind: 'leader-lost' }
  | { readonly kind: 'member-down'; readonly member: string; readonly why: Silence['kind'] }
  | { readonly kind: 'member-up' | 'member-restarted'; readonly member: string }
  | { readonly kind: 'alarm-raised' | 'alarm-cleared'; readonly member: string; readonly alarm: AlarmType }
  | { readonly kind: 'member-added' | 'learner-added'; readonly member: string }
  | { readonly kind: 'learner-promoted' | 'member-removed'; readonly member: string }
  | { readonly kind: 'snapshot-saved' | 'snapshot-received'; readonly member: string }
  | { readonly kind: 'revision-back'; readonly from: number; readonly to: number }
  | { readonly kind: 'cluster-replaced'; readonly clusterId: string }
  | { readonly kind: 'certificate-replaced'; readonly member: string };

/** How often a member may fail to answer, for no reason that is known, before it counts as down: it may be busy. */
const missesUntilDown = 2;

interface NodeMemory {
  readonly misses: number;
  readonly isDown: boolean;
  /** It was down, and nothing has been counted since: a restart that shows in its counters has been told. */
  readonly isReturnTold: boolean;
  readonly memberId?: string | undefined;
  readonly counters?: Counters | undefined;
  readonly why?: Silence['kind'] | undefined;
}

interface KnownAlarm {
  readonly member: string;
  readonly type: AlarmType;
}

/** All that is remembered of a cluster: as much as it has members and alarms. */
export interface Memory {
  /** By name in lab.yaml. */
  readonly nodes: ReadonlyMap<string, NodeMemory>;
  /** By member id. */
  readonly roster: ReadonlyMap<string, RosterEntry>;
  readonly alarms: ReadonlyMap<string, KnownAlarm>;
  /** The last one that was seen, until all who answer know of none. */
  readonly leader?: { readonly memberId: string; readonly term: number } | undefined;
  readonly clusterId?: string | undefined;
  readonly term: number;
  readonly revision: number;
}

const nothing: Memory = { nodes: new Map(), roster: new Map(), alarms: new Map(), term: 0, revision: 0 };

/**
 * @param before undefined at the first time: then all is new, and nothing has happened
 * @returns what to remember, and what has happened since, in an order in which it can be told
 */
export function advance(
  before: Memory | undefined,
  seen: Observation,
): { readonly memory: Memory; readonly changes: readonly Change[] } {
  const memory = remember(before ?? nothing, seen);
  return { memory, changes: before === undefined ? [] : compare(before, memory) };
}

function remember(known: Memory, { nodes: seen, roster: entries }: Observation): Memory {
  const nodes = new Map(seen.map((node) => [node.node, rememberNode(known.nodes.get(node.node), node)]));
  const roster = entries === undefined ? known.roster : new Map(entries.map((entry) => [entry.memberId, entry]));
  const memory = { ...known, nodes, roster };
  const word = mostInformed(seen);
  if (word === undefined) return memory;
  const { clusterId, term } = word;
  const isNew = clusterId !== known.clusterId;
  // One who was cut off may go on believing that it leads.
  const leads = leaderAmong(seen) === word && (isNew || term >= known.term);
  return {
    ...memory,
    alarms: alarmsOf(word, memory),
    leader: leads ? { memberId: word.memberId, term } : hasNoLeader(seen) ? undefined : known.leader,
    clusterId,
    term: isNew ? term : Math.max(term, known.term),
    // Only a leader's revision may lie below what was seen: anybody else is merely behind.
    revision: leads || isNew ? word.revision : Math.max(known.revision, word.revision),
  };
}

/** Followers may go on naming a leader that is gone, until they hold an election. */
function hasNoLeader(seen: readonly NodeObservation[]): boolean {
  return seen.every(({ answer }) => answer?.leaderId === undefined);
}

function rememberNode(known: NodeMemory | undefined, { answer, silence, counters }: NodeObservation): NodeMemory {
  const misses = answer === undefined ? (known?.misses ?? 0) + 1 : 0;
  const isCertain = silence !== undefined && silence.kind !== 'silent';
  const isDown = answer === undefined && (isCertain || misses >= missesUntilDown);
  const isCounted = counters !== undefined && counters.atMs !== known?.counters?.atMs;
  return {
    misses,
    isDown,
    isReturnTold: isDown || (known?.isReturnTold === true && !isCounted),
    memberId: answer?.memberId ?? known?.memberId,
    counters: counters ?? known?.counters,
    why: silence?.kind,
  };
}

function alarmsOf(word: MemberAnswer, memory: Memory): Memory['alarms'] {
  return new Map(
    word.alarms.map(({ memberId, type }) => [`${memberId} ${type}`, { member: nameIn(memory, memberId), type }]),
  );
}

function nameIn({ nodes, roster }: Memory, memberId: string): string {
  for (const [name, node] of nodes) if (node.memberId === memberId) return name;
  return roster.get(memberId)?.name || memberId;
}

function compare(before: Memory, now: Memory): Change[] {
  const isReplaced = before.clusterId !== undefined && before.clusterId !== now.clusterId;
  return [
    ...(isReplaced ? [{ kind: 'cluster-replaced', clusterId: now.clusterId ?? '' } as const] : []),
    ...[...now.nodes].flatMap(([name, node]) => nodeChanges(name, before.nodes.get(name), node)),
    ...leaderChanges(before, now),
    ...(now.revision < before.revision
      ? [{ kind: 'revision-back', from: before.revision, to: now.revision } as const]
      : []),
    // Of a new cluster all members are new, which says nothing.
    ...(isReplaced || before.roster.size === 0 ? [] : rosterChanges(before, now)),
    ...alarmChanges(before.alarms, now.alarms),
  ];
}

function nodeChanges(member: string, before: NodeMemory | undefined, now: NodeMemory): Change[] {
  if (before === undefined) return [];
  const changes: Change[] = [];
  if (now.isDown && !before.isDown) changes.push({ kind: 'member-down', member, why: now.why ?? 'silent' });
  if (!now.isDown && before.isDown) changes.push({ kind: 'member-up', member });
  return [...changes, ...counterChanges(member, before, now)];
}

function counterChanges(member: string, { counters: before, isReturnTold }: NodeMemory, now: NodeMemory): Change[] {
  const { counters } = now;
  if (before === undefined || counters === undefined) return [];
  const changes: Change[] = [];
  const isRestarted = counters.startedAtSeconds > before.startedAtSeconds;
  if (isRestarted && !isReturnTold) changes.push({ kind: 'member-restarted', member });
  const hasGrown = (count: (of: Counters) => number) => count(counters) > (isRestarted ? 0 : count(before));
  if (hasGrown((of) => of.snapshotsSaved)) changes.push({ kind: 'snapshot-saved', member });
  if (hasGrown((of) => of.snapshotsReceived)) changes.push({ kind: 'snapshot-received', member });
  const [old, present] = [before.certificate, counters.certificate];
  if (old !== undefined && present !== undefined && old.serial !== present.serial) {
    changes.push({ kind: 'certificate-replaced', member });
  }
  return changes;
}

function leaderChanges(before: Memory, now: Memory): Change[] {
  const { leader } = now;
  if (leader === undefined) return before.leader === undefined ? [] : [{ kind: 'leader-lost' }];
  const isSame = before.leader?.memberId === leader.memberId && before.leader.term === leader.term;
  return isSame ? [] : [{ kind: 'leader-elected', member: nameIn(now, leader.memberId), term: leader.term }];
}

function rosterChanges(before: Memory, now: Memory): Change[] {
  const changes: Change[] = [];
  for (const [memberId, { isLearner }] of now.roster) {
    const known = before.roster.get(memberId);
    const member = nameIn(now, memberId);
    if (known === undefined) changes.push({ kind: isLearner ? 'learner-added' : 'member-added', member });
    else if (known.isLearner && !isLearner) changes.push({ kind: 'learner-promoted', member });
  }
  for (const memberId of before.roster.keys()) {
    if (!now.roster.has(memberId)) changes.push({ kind: 'member-removed', member: nameIn(before, memberId) });
  }
  return changes;
}

function alarmChanges(before: Memory['alarms'], now: Memory['alarms']): Change[] {
  const raised = [...now].filter(([key]) => !before.has(key));
  const cleared = [...before].filter(([key]) => !now.has(key));
  return [
    ...raised.map(([, { member, type }]) => ({ kind: 'alarm-raised', member, alarm: type }) as const),
    ...cleared.map(([, { member, type }]) => ({ kind: 'alarm-cleared', member, alarm: type }) as const),
  ];
}
