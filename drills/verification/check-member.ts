/** What one member must show, reading by reading. */
import { checkAccess } from './access.ts';
import { type Check, judgeReading } from './check.ts';
import { compareKeySpaces, type KeyDifference } from './compare.ts';
import { finalRevision, isFailure, type MemberIdentity, type Observation, type Reference } from './evidence.ts';
import { printableKey } from './key-space.ts';
import { compareLeases } from './leases.ts';
import { compareLiveKeys, type LiveKeys } from './live-keys.ts';
import { checkWatch } from './watches.ts';
import { describeCompaction, hex, listKeys, shorten } from './words.ts';

/**
 * @param all of which `observation` is one
 * @returns the checks, and the keys that differ from the reference
 */
export function checkMember(
  reference: Reference,
  observation: Observation,
  all: readonly Observation[],
): { checks: Check[]; differences: KeyDifference[] } {
  const { keys } = observation;
  const differences = isFailure(keys) ? [] : compareKeySpaces(reference.keys, keys);
  const checks = [
    ...checkIdentity(reference, observation),
    ...checkRevision(reference, observation),
    ...checkKeys(reference, observation, differences),
    ...checkLeases(reference, observation),
    ...checkOutcome(reference, observation),
    ...checkAccess(reference, observation),
    ...checkWatch(reference, observation),
    checkWrite(reference, observation, all),
  ];
  return { checks, differences };
}

function checkIdentity(reference: Reference, observation: Observation): Check[] {
  const { member } = observation;
  const { snapshotSha256 } = reference;
  const fromBytes = (): Check =>
    judgeReading(
      { name: 'snapshot-bytes', member, expected: `restored from SHA-256 ${snapshotSha256}` },
      observation.snapshotSha256,
      (digest) => ({ passed: digest === snapshotSha256, observed: digest }),
    );
  return [
    ...(snapshotSha256 === undefined ? [] : [fromBytes()]),
    ...(reference.outcome === 'kept' ? [memberIdentity(reference, observation)] : []),
    judgeReading(
      { name: 'member-list', member, expected: describeMembers(reference.members) },
      observation.members,
      (members) => ({
        passed: describeMembers(members) === describeMembers(reference.members) && distinctIds(members),
        observed: describeMembers(members),
      }),
    ),
    judgeReading({ name: 'no-alarm', member, expected: 'no error or alarm' }, observation.status, ({ errors }) => ({
      passed: errors.length === 0,
      observed: errors.join('; ') || 'none',
    })),
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

function checkRevision(reference: Reference, { member, status, hashKv }: Observation): Check[] {
  const exact = reference.outcome === 'restored';
  const wanted = exact ? finalRevision(reference) : reference.lastRevision;
  const { compactRevision, hashKv: hash } = reference;
  return [
    judgeReading(
      { name: 'revision', member, expected: exact ? `revision ${wanted}` : `revision ${wanted} or later` },
      status,
      ({ revision }) => ({
        passed: exact ? revision === wanted : revision >= wanted,
        observed: `revision ${revision}`,
      }),
    ),
    ...(hash === undefined
      ? []
      : [
          judgeReading(
            {
              name: 'hash-kv',
              member,
              expected: `HashKV ${hash} at revision ${reference.revision}, ${describeCompaction(compactRevision)}`,
            },
            hashKv,
            (seen) => ({
              passed: seen.hash === hash && seen.compactRevision === compactRevision,
              observed: `HashKV ${seen.hash}, ${describeCompaction(seen.compactRevision)}`,
            }),
          ),
        ]),
  ];
}

function checkKeys(reference: Reference, { member, keys }: Observation, differing: readonly KeyDifference[]): Check[] {
  const { snapshotSha256 } = reference;
  const count = reference.keys.size;
  return [
    judgeReading(
      { name: 'keys', member, expected: `${count} keys with value, version, revisions and lease as recorded` },
      keys,
      (found) => ({
        passed: differing.length === 0 && found.size === count,
        observed: differing.length === 0 ? `${found.size} keys, all equal` : describeDifferences(differing, found.size),
      }),
    ),
    judgeReading(
      {
        name: 'canaries',
        member,
        expected: `${reference.canaries.length} canary keys from before ${snapshotSha256 === undefined ? 'the disaster' : 'the snapshot'}`,
      },
      keys,
      (found) => {
        const missing = reference.canaries.filter((key) => !found.has(key));
        return {
          passed: reference.canaries.length > 0 && missing.length === 0,
          observed: missing.length === 0 ? 'all present' : `missing: ${listKeys(missing)}`,
        };
      },
    ),
  ];
}

/** Of a cluster without leases there is nothing to check. */
function checkLeases({ keys, leases, live }: Reference, { leases: found, member }: Observation): Check[] {
  if (leases === undefined) return [];
  const expected = `${leases.certain.length} leases with the times that were granted, and with their keys`;
  return [
    judgeReading({ name: 'leases', member, expected }, found, (seen) => {
      const wrong = compareLeases(leases, live?.all ?? keys, seen);
      const observed = wrong.length === 0 ? `${seen.length} leases, all as recorded` : shorten(wrong);
      return { passed: wrong.length === 0, observed };
    }),
  ];
}

/** Nothing that was written later, or all that was acknowledged: the two are opposites. */
function checkOutcome(reference: Reference, { member, keys, live }: Observation): Check[] {
  const { outcome, laterKeys } = reference;
  if (outcome !== 'restored') {
    const count = reference.live?.keys.size ?? 0;
    const expected = `the ${count} keys of the data set, each with the last value that was acknowledged`;
    const judge = (found: LiveKeys) => judgeLiveKeys(reference, found);
    return [judgeReading({ name: 'acknowledged-writes', member, expected }, live, judge)];
  }
  const expected = `none of the ${laterKeys.length} keys written after the snapshot`;
  return [
    judgeReading({ name: 'later-writes', member, expected }, keys, (found) => {
      const present = laterKeys.filter((key) => found.has(key));
      return {
        passed: laterKeys.length > 0 && present.length === 0,
        observed: present.length === 0 ? 'none present' : `present: ${listKeys(present)}`,
      };
    }),
  ];
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

function checkWrite(reference: Reference, { member, linearizableWrite }: Observation, all: readonly Observation[]) {
  const others = all.map((other) => other.member).filter((name) => name !== member);
  const expected = `a write through ${member} is read through ${others.join(', ') || member}`;
  return judgeReading({ name: 'linearizable-write', member, expected }, linearizableWrite, ({ revision, readBy }) => ({
    passed: revision > finalRevision(reference) && others.every((name) => readBy.includes(name)),
    observed: `written at revision ${revision}, read through ${readBy.join(', ') || 'no other member'}`,
  }));
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
