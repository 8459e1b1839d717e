/**
 * The judgement: compares what each member shows with what was recorded. Pure, complete and not optional: a reading
 * that is missing or failed is a failed check, never a skipped one.
 */
import type { Check } from './check.ts';
import { checkMember } from './check-member.ts';
import type { KeyDifference } from './compare.ts';
import { isFailure, type Observation, type Recovery, type Reference } from './evidence.ts';
import { describeCompaction, hex } from './words.ts';

export interface Verdict {
  passed: boolean;
  checks: Check[];
  /** Keys that differ from the reference, by member; empty for a member whose keys all match. */
  differences: Record<string, KeyDifference[]>;
}

/**
 * @param observations one for each member that the restored cluster must have
 */
export function verify(reference: Reference, recovery: Recovery, observations: readonly Observation[]): Verdict {
  const members = observations.map((each) => ({ ...checkMember(reference, each, observations), name: each.member }));
  const isComparedAmongThem = reference.outcome !== 'restored' || reference.hashKv === undefined;
  const checks = [
    healthyAgain(recovery),
    everyMemberObserved(reference, observations),
    memberIds(observations),
    clusterId(reference, observations),
    oneLeader(observations),
    ...(isComparedAmongThem ? [membersAgree(observations)] : []),
    ...members.flatMap((member) => member.checks),
  ];
  const differences = Object.fromEntries(members.map((member) => [member.name, member.differences]));
  return { passed: checks.every((check) => check.passed), checks, differences };
}

function everyMemberObserved(reference: Reference, observations: readonly Observation[]): Check {
  const expected = reference.members.map((member) => member.name).sort();
  const observed = observations.map((observation) => observation.member).sort();
  return {
    name: 'every-member',
    passed: expected.length > 0 && expected.join() === observed.join(),
    expected: `members ${expected.join(', ')}`,
    observed: `members ${observed.join(', ') || 'none'}`,
  };
}

function healthyAgain({ problem }: Recovery): Check {
  return {
    name: 'healthy',
    passed: problem === undefined,
    expected: 'all members serve after the recovery',
    observed: problem ?? 'they do',
  };
}

/** Members that were restored without their names all take the same ID: each is a cluster of its own. */
function memberIds(observations: readonly Observation[]): Check {
  const ids = observations.map(({ status }) => (isFailure(status) ? status.failure : hex(status.memberId)));
  return {
    name: 'member-ids',
    passed:
      observations.length > 0 &&
      observations.every(({ status }) => !isFailure(status)) &&
      new Set(ids).size === observations.length,
    expected: 'an ID of its own for each member',
    observed: ids.join(', ') || 'nothing',
  };
}

/** All members at one revision: etcd's own health check says nothing of members that have diverged. */
function membersAgree(observations: readonly Observation[]): Check {
  const hashes = observations.map(({ latestHash }) =>
    latestHash === undefined || isFailure(latestHash)
      ? (latestHash?.failure ?? 'nothing was read')
      : `HashKV ${latestHash.hash} at revision ${latestHash.revision}, ${describeCompaction(latestHash.compactRevision)}`,
  );
  const readable = observations.every(({ latestHash }) => latestHash !== undefined && !isFailure(latestHash));
  const distinct = [...new Set(hashes)];
  return {
    name: 'members-agree',
    passed: readable && distinct.length === 1,
    expected: 'the same HashKV on all members, at a revision that all have',
    observed: distinct.join('; ') || 'nothing',
  };
}

/** A restored cluster that kept its id would let a member of the old one join it. */
function clusterId(reference: Reference, observations: readonly Observation[]): Check {
  const ids = observations.map(({ status }) => (isFailure(status) ? status.failure : hex(status.clusterId)));
  const distinct = [...new Set(ids)];
  const readable = observations.every(({ status }) => !isFailure(status));
  const old = hex(reference.clusterId);
  const isKept = reference.outcome === 'kept';
  return {
    name: 'cluster-id',
    passed: readable && distinct.length === 1 && (distinct[0] === old) === isKept,
    expected: `one cluster ID on all members, ${isKept ? `still ${old}` : `other than the old ${old}`}`,
    observed: distinct.join(', ') || 'nothing',
  };
}

function oneLeader(observations: readonly Observation[]): Check {
  const leaders = observations.map(({ status }) => (isFailure(status) ? status.failure : hex(status.leader)));
  const distinct = [...new Set(leaders)];
  const memberIds = observations.flatMap(({ status }) => (isFailure(status) ? [] : [hex(status.memberId)]));
  return {
    name: 'one-leader',
    passed: distinct.length === 1 && memberIds.includes(distinct[0] as string),
    expected: 'the same leader on all members, and it is one of them',
    observed: distinct.map((leader) => (leader === '0' ? 'no leader' : leader)).join(', ') || 'nothing',
  };
}
