/**
 * The judgement: compares what each member shows with what was recorded. Pure, complete and not optional: a reading
 * that is missing or failed is a failed check, never a skipped one.
 */
import { compareKeySpaces, type KeyDifference } from './compare.ts';
import {
  type Failure,
  isFailure,
  type MemberIdentity,
  type Observation,
  type Recovery,
  type Reference,
} from './evidence.ts';
import { printableKey } from './key-space.ts';
import { compareLeases } from './leases.ts';
import { compareLiveKeys, type LiveKeys } from './live-keys.ts';

export interface Check {
  /** Stable name for programs, such as `hash-kv`. */
  name: string;
  /** The member that was checked; undefined for a check of all members together. */
  member?: string;
  passed: boolean;
  /** What had to be true. */
  expected: string;
  /** What was seen. */
  observed: string;
}

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
  const differences: Record<string, KeyDifference[]> = {};
  const checks = [
    healthyAgain(recovery),
    everyMemberObserved(reference, observations),
    memberIds(observations),
    clusterId(reference, observations),
    oneLeader(observations),
    ...(reference.outcome === 'restored' ? [] : [membersAgree(observations)]),
    ...observations.flatMap((observation) => checkMember(reference, observation, observations, differences)),
  ];
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

function checkMember(
  reference: Reference,
  observation: Observation,
  all: readonly Observation[],
  differences: Record<string, KeyDifference[]>,
): Check[] {
  const { member } = observation;
  const check = <T>(
    name: string,
    expected: string,
    reading: T | Failure,
    judge: (value: T) => { passed: boolean; observed: string },
  ): Check => ({
    name,
    member,
    expected,
    ...(isFailure(reading) ? { passed: false, observed: reading.failure } : judge(reading)),
  });

  const { keys } = observation;
  differences[member] = isFailure(keys) ? [] : compareKeySpaces(reference.keys, keys);
  const differing = differences[member];
  const others = all.map((other) => other.member).filter((name) => name !== member);

  const isRestored = reference.outcome === 'restored';
  const nothingRead: Failure = { failure: 'nothing was read' };
  return [
    ...(reference.snapshotSha256 === undefined
      ? []
      : [
          check(
            'snapshot-bytes',
            `restored from SHA-256 ${reference.snapshotSha256}`,
            observation.snapshotSha256 ?? nothingRead,
            (digest) => ({ passed: digest === reference.snapshotSha256, observed: digest }),
          ),
        ]),
    ...(reference.outcome === 'kept' ? [memberIdentity(reference, observation)] : []),
    check('member-list', describeMembers(reference.members), observation.members, (members) => ({
      passed: describeMembers(members) === describeMembers(reference.members) && distinctIds(members),
      observed: describeMembers(members),
    })),
    check('no-alarm', 'no error or alarm', observation.status, ({ errors }) => ({
      passed: errors.length === 0,
      observed: errors.join('; ') || 'none',
    })),
    isRestored
      ? check('revision', `revision ${reference.revision}`, observation.status, ({ revision }) => ({
          passed: revision === reference.revision,
          observed: `revision ${revision}`,
        }))
      : check('revision', `revision ${reference.lastRevision} or later`, observation.status, ({ revision }) => ({
          passed: revision >= reference.lastRevision,
          observed: `revision ${revision}`,
        })),
    ...(reference.hashKv === undefined
      ? []
      : [
          check(
            'hash-kv',
            `HashKV ${reference.hashKv} at revision ${reference.revision}, ${describeCompaction(reference.compactRevision)}`,
            observation.hashKv,
            ({ hash, compactRevision }) => ({
              passed: hash === reference.hashKv && compactRevision === reference.compactRevision,
              observed: `HashKV ${hash}, ${describeCompaction(compactRevision)}`,
            }),
          ),
        ]),
    check(
      'keys',
      `${reference.keys.size} keys with value, version, revisions and lease as recorded`,
      keys,
      (found) => ({
        passed: differing.length === 0 && found.size === reference.keys.size,
        observed: differing.length === 0 ? `${found.size} keys, all equal` : describeDifferences(differing, found.size),
      }),
    ),
    ...checkLeases(reference, observation),
    check('canaries', `${reference.canaries.length} canary keys from before the snapshot`, keys, (found) => {
      const missing = reference.canaries.filter((key) => !found.has(key));
      return {
        passed: reference.canaries.length > 0 && missing.length === 0,
        observed: missing.length === 0 ? 'all present' : `missing: ${listKeys(missing)}`,
      };
    }),
    ...(isRestored
      ? [
          check(
            'later-writes',
            `none of the ${reference.laterKeys.length} keys written after the snapshot`,
            keys,
            (found) => {
              const present = reference.laterKeys.filter((key) => found.has(key));
              return {
                passed: reference.laterKeys.length > 0 && present.length === 0,
                observed: present.length === 0 ? 'none present' : `present: ${listKeys(present)}`,
              };
            },
          ),
        ]
      : [
          check(
            'acknowledged-writes',
            `the ${reference.live?.keys.size ?? 0} keys of the data set, each with the last value that was acknowledged`,
            observation.live ?? nothingRead,
            (found) => judgeLiveKeys(reference, found),
          ),
        ]),
    check(
      'linearizable-write',
      `a write through ${member} is read through ${others.join(', ') || member}`,
      observation.linearizableWrite,
      ({ revision, readBy }) => ({
        passed: revision > reference.revision && others.every((name) => readBy.includes(name)),
        observed: `written at revision ${revision}, read through ${readBy.join(', ') || 'no other member'}`,
      }),
    ),
  ];
}

/** A member keeps its id; one that was removed and joined anew must not come back under the old one. */
function memberIdentity(reference: Reference, { member, status }: Observation): Check {
  const isReplaced = reference.replaced.includes(member);
  const old = reference.memberIds[member];
  const seen = isFailure(status) ? undefined : status.memberId;
  return {
    name: 'member-identity',
    member,
    passed: old !== undefined && seen !== undefined && (seen === old) !== isReplaced,
    expected: isReplaced ? `another ID than ${hex(old ?? 0n)}, which was removed` : `still ID ${hex(old ?? 0n)}`,
    observed: isFailure(status) ? status.failure : `ID ${hex(status.memberId)}`,
  };
}

function judgeLiveKeys({ live }: Reference, found: LiveKeys): { passed: boolean; observed: string } {
  const expected: LiveKeys = live?.keys ?? new Map();
  const { missing, unexpected, changed } = compareLiveKeys(expected, found);
  const parts = Object.entries({ missing, unexpected, changed }).filter(([, names]) => names.length > 0);
  return {
    passed: expected.size > 0 && parts.length === 0,
    observed:
      parts.length === 0
        ? `${found.size} keys, all as acknowledged`
        : parts.map(([what, names]) => `${names.length} ${what}: ${listKeys(names)}`).join('; '),
  };
}

/** Of a cluster without leases there is nothing to check. */
function checkLeases({ keys, leases, live }: Reference, { leases: found, member }: Observation): Check[] {
  if (leases === undefined) return [];
  const expected = `${leases.certain.length} leases with the times that were granted, and with their keys`;
  const check = { name: 'leases', member, expected };
  if (found === undefined || isFailure(found)) {
    return [{ ...check, passed: false, observed: found?.failure ?? 'nothing was read' }];
  }
  const wrong = compareLeases(leases, live?.all ?? keys, found);
  const observed = wrong.length === 0 ? `${found.length} leases, all as recorded` : shorten(wrong);
  return [{ ...check, passed: wrong.length === 0, observed }];
}

/** etcd says -1 for a store that was never compacted. */
export function describeCompaction(revision: number): string {
  return revision < 0 ? 'never compacted' : `compacted at ${revision}`;
}

function distinctIds(members: readonly MemberIdentity[]): boolean {
  return new Set(members.map((member) => member.id)).size === members.length;
}

function describeMembers(members: readonly Omit<MemberIdentity, 'id'>[]): string {
  const lines = members.map(
    ({ name, peerURLs, clientURLs, isLearner }) =>
      `${name || 'unstarted'} ${[...peerURLs].sort().join('|')} ${[...clientURLs].sort().join('|')}${isLearner ? ' learner' : ''}`,
  );
  return lines.sort().join('; ') || 'no members';
}

function describeDifferences(differences: readonly KeyDifference[], found: number): string {
  const count = (kind: KeyDifference['kind']): number => differences.filter((each) => each.kind === kind).length;
  const parts = (['missing', 'unexpected', 'changed'] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => {
      const names = differences
        .filter((each) => each.kind === kind)
        .map((each) => printableKey(each.key) + (each.fields.length > 0 ? ` (${each.fields.join(', ')})` : ''));
      return `${count(kind)} ${kind}: ${shorten(names)}`;
    });
  return `${found} keys; ${parts.join('; ')}`;
}

function listKeys(keys: readonly string[]): string {
  return shorten(keys.map(printableKey));
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function hex(id: bigint): string {
  return id.toString(16);
}
