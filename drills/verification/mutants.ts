/**
 * Mutation testing of the verification: of what sound members show, copies in which one thing is wrong. A verification that
 * passes one of them is worth nothing.
 */
import type { AccessRecord } from './access.ts';
import type { MemberIdentity, Observation, Recovery, Reference } from './evidence.ts';
import type { KeyRecord } from './key-space.ts';
import { verify } from './verify.ts';
import type { WatchReading } from './watches.ts';

type Status = Exclude<Observation['status'], { failure: string }>;

interface Evidence {
  recovery: Recovery;
  /** Of three members. */
  observations: Observation[];
}

export interface Mutant {
  /** What is wrong. */
  wrong: string;
  /** The check that must find it. */
  foundBy: string;
  /** Of a cluster whose revision was raised when it was restored; default: of one that has that of the snapshot. */
  to?: 'raised';
  apply(evidence: Evidence): Evidence;
}

const record = (value: string, modRevision: number): KeyRecord => ({
  createRevision: modRevision,
  modRevision,
  version: 1,
  lease: 0n,
  valueBytes: value.length,
  valueSha256: `digest of ${value}`,
});

const names = ['one', 'two', 'three'];
const identities: MemberIdentity[] = names.map((name, i) => ({
  id: BigInt(i + 1),
  name,
  peerURLs: [`https://127.0.0.1:${2380 + i}`],
  clientURLs: [`https://127.0.0.1:${3380 + i}`],
  isLearner: false,
}));

const access: AccessRecord = {
  enabled: true,
  authRevision: 7,
  users: new Map([
    ['root', ['root']],
    ['ada', ['reader']],
  ]),
  roles: new Map([
    ['root', []],
    ['reader', ['read a to b']],
  ]),
  alarms: [],
};
const refusal = 'etcdserver: permission denied';

function soundReference(): Reference {
  return {
    outcome: 'restored',
    revision: 9,
    hashKv: 4711,
    compactRevision: 3,
    keys: new Map([
      ['a', record('one', 5)],
      ['canary', record('sings', 9)],
    ]),
    leases: { certain: [{ id: 5n, ttlSeconds: 60, keys: [] }], possible: [] },
    access,
    refusal,
    snapshotSha256: 'ab12',
    clusterId: 100n,
    members: identities.map(({ id: _, ...identity }) => identity),
    memberIds: { one: 11n, two: 12n, three: 13n },
    replaced: [],
    canaries: ['canary'],
    laterKeys: ['later'],
    lastRevision: 12,
  };
}

function soundEvidence(): Evidence {
  const observations = names.map(
    (member, i): Observation => ({
      member,
      endpoint: `https://127.0.0.1:${3380 + i}`,
      snapshotSha256: 'ab12',
      status: { memberId: BigInt(i + 1), clusterId: 200n, leader: 2n, revision: 9, errors: [] },
      members: structuredClone(identities),
      hashKv: { hash: 4711, compactRevision: 3 },
      keys: new Map(soundReference().keys),
      leases: [{ id: 5n, ttlSeconds: 60, keys: [] }],
      access,
      refusal: { isRefused: true, told: refusal },
      watch: { cancelled: false, atRevision: 9 },
      linearizableWrite: { revision: 10 + i, readBy: names.filter((name) => name !== member) },
    }),
  );
  return { recovery: { at: new Date(0) }, observations };
}

/** Something is wrong with the last member. */
const onLast =
  (change: (observation: Observation) => Partial<Observation>) =>
  ({ recovery, observations }: Evidence): Evidence => {
    const last = observations.at(-1) as Observation;
    return { recovery, observations: [...observations.slice(0, -1), { ...last, ...change(last) }] };
  };
const status = (change: Partial<Status>) => onLast((seen) => ({ status: { ...(seen.status as Status), ...change } }));
const keys = (change: (found: Map<string, KeyRecord>) => unknown) =>
  onLast((seen) => {
    const found = new Map(seen.keys as ReadonlyMap<string, KeyRecord>);
    change(found);
    return { keys: found };
  });
const field = (change: Partial<KeyRecord>) => keys((found) => found.set('a', { ...record('one', 5), ...change }));
const permits = (change: Partial<AccessRecord>) => onLast(() => ({ access: { ...access, ...change } }));
const unreadable = { failure: 'connection refused' };

export const mutants: readonly Mutant[] = [
  {
    wrong: 'the cluster never became healthy',
    foundBy: 'healthy',
    apply: (all) => ({ ...all, recovery: { problem: 'no leader' } }),
  },
  {
    wrong: 'a member is not looked at',
    foundBy: 'every-member',
    apply: (all) => ({ ...all, observations: all.observations.slice(1) }),
  },
  { wrong: 'no member is looked at', foundBy: 'every-member', apply: (all) => ({ ...all, observations: [] }) },
  { wrong: 'two members have one id', foundBy: 'member-ids', apply: status({ memberId: 1n }) },
  { wrong: 'one member is in another cluster', foundBy: 'cluster-id', apply: status({ clusterId: 201n }) },
  {
    wrong: 'the cluster has kept its old id',
    foundBy: 'cluster-id',
    apply: (all) => ({
      ...all,
      observations: all.observations.map((seen) => ({
        ...seen,
        status: { ...(seen.status as Status), clusterId: 100n },
      })),
    }),
  },
  { wrong: 'one member follows another leader', foundBy: 'one-leader', apply: status({ leader: 3n }) },
  { wrong: 'one member knows no leader', foundBy: 'one-leader', apply: status({ leader: 0n }) },
  { wrong: 'one member has raised an alarm', foundBy: 'no-alarm', apply: status({ errors: ['NOSPACE'] }) },
  { wrong: 'one member is at another revision', foundBy: 'revision', apply: status({ revision: 8 }) },
  { wrong: 'one member does not answer', foundBy: 'revision', apply: onLast(() => ({ status: unreadable })) },
  {
    wrong: 'one member was restored from other bytes',
    foundBy: 'snapshot-bytes',
    apply: onLast(() => ({ snapshotSha256: 'cd34' })),
  },
  {
    wrong: 'nobody knows what it was restored from',
    foundBy: 'snapshot-bytes',
    apply: onLast(() => ({ snapshotSha256: unreadable })),
  },
  {
    wrong: 'one member lists two members only',
    foundBy: 'member-list',
    apply: onLast(({ members }) => ({ members: (members as MemberIdentity[]).slice(1) })),
  },
  {
    wrong: 'one member takes another for a learner',
    foundBy: 'member-list',
    apply: onLast(({ members }) => ({
      members: (members as MemberIdentity[]).map((each) => ({ ...each, isLearner: true })),
    })),
  },
  {
    wrong: 'the hash differs',
    foundBy: 'hash-kv',
    apply: onLast(() => ({ hashKv: { hash: 4712, compactRevision: 3 } })),
  },
  {
    wrong: 'the compaction differs',
    foundBy: 'hash-kv',
    apply: onLast(() => ({ hashKv: { hash: 4711, compactRevision: 2 } })),
  },
  { wrong: 'the hash cannot be read', foundBy: 'hash-kv', apply: onLast(() => ({ hashKv: unreadable })) },
  { wrong: 'a key is missing', foundBy: 'keys', apply: keys((found) => found.delete('a')) },
  { wrong: 'a key is too many', foundBy: 'keys', apply: keys((found) => found.set('b', record('one', 6))) },
  { wrong: 'a value differs', foundBy: 'keys', apply: field({ valueSha256: 'digest of two' }) },
  { wrong: 'a create revision differs', foundBy: 'keys', apply: field({ createRevision: 4 }) },
  { wrong: 'a mod revision differs', foundBy: 'keys', apply: field({ modRevision: 6 }) },
  { wrong: 'a version differs', foundBy: 'keys', apply: field({ version: 2 }) },
  { wrong: 'a key has a lease that it had not', foundBy: 'keys', apply: field({ lease: 5n }) },
  { wrong: 'the keys cannot be read', foundBy: 'keys', apply: onLast(() => ({ keys: unreadable })) },
  { wrong: 'a canary is missing', foundBy: 'canaries', apply: keys((found) => found.delete('canary')) },
  {
    wrong: 'a later write is there',
    foundBy: 'later-writes',
    apply: keys((found) => found.set('later', record('x', 11))),
  },
  { wrong: 'a lease is missing', foundBy: 'leases', apply: onLast(() => ({ leases: [] })) },
  {
    wrong: 'a lease has another time',
    foundBy: 'leases',
    apply: onLast(() => ({ leases: [{ id: 5n, ttlSeconds: 61, keys: [] }] })),
  },
  {
    wrong: 'a lease is too many',
    foundBy: 'leases',
    apply: onLast(({ leases }) => ({ leases: [...(leases as []), { id: 6n, ttlSeconds: 1, keys: [] }] })),
  },
  { wrong: 'the leases cannot be read', foundBy: 'leases', apply: onLast(() => ({ leases: unreadable })) },
  { wrong: 'authentication is off', foundBy: 'auth', apply: permits({ enabled: false }) },
  { wrong: 'a change of users is missing', foundBy: 'auth', apply: permits({ authRevision: 6 }) },
  { wrong: 'a user is missing', foundBy: 'auth', apply: permits({ users: new Map([['root', ['root']]]) }) },
  {
    wrong: 'a user is too many',
    foundBy: 'auth',
    apply: permits({ users: new Map([...access.users, ['eve', []]]) }),
  },
  {
    wrong: 'a user has another role',
    foundBy: 'auth',
    apply: permits({ users: new Map([...access.users, ['ada', ['root']]]) }),
  },
  {
    wrong: 'a role permits more',
    foundBy: 'auth',
    apply: permits({ roles: new Map([...access.roles, ['reader', ['readwrite a to b']]]) }),
  },
  { wrong: 'a role is missing', foundBy: 'auth', apply: permits({ roles: new Map([['root', []]]) }) },
  { wrong: 'the users cannot be read', foundBy: 'auth', apply: onLast(() => ({ access: unreadable })) },
  { wrong: 'an alarm is listed', foundBy: 'alarms', apply: permits({ alarms: ['NOSPACE'] }) },
  {
    wrong: 'a stranger is let in',
    foundBy: 'auth-refusal',
    apply: onLast(() => ({ refusal: { isRefused: false, told: 'it is let in, and reads 1 keys' } })),
  },
  {
    wrong: 'a stranger is told the same, and is not refused',
    foundBy: 'auth-refusal',
    apply: onLast(() => ({ refusal: { isRefused: false, told: refusal } })),
  },
  { wrong: 'no stranger could try', foundBy: 'auth-refusal', apply: onLast(() => ({ refusal: unreadable })) },
  {
    wrong: 'a watch is cancelled that was not to be',
    foundBy: 'watch-continuity',
    apply: onLast(() => ({ watch: { cancelled: true, compactRevision: 9 } })),
  },
  { wrong: 'nothing is known of watches', foundBy: 'watch-continuity', apply: onLast(() => ({ watch: unreadable })) },
  {
    wrong: 'a watch waits in silence though the revision was raised',
    foundBy: 'watch-continuity',
    to: 'raised',
    apply: onLast(() => ({ watch: { cancelled: false, atRevision: 1009 } })),
  },
  { wrong: 'the revision was not raised', foundBy: 'revision', to: 'raised', apply: status({ revision: 9 }) },
  {
    wrong: 'the members differ where nothing can be compared with the record',
    foundBy: 'members-agree',
    to: 'raised',
    apply: onLast(() => ({ latestHash: { revision: 1009, hash: 4712, compactRevision: 1009 } })),
  },
  {
    wrong: 'a write does not reach the others',
    foundBy: 'linearizable-write',
    apply: onLast(() => ({ linearizableWrite: { revision: 12, readBy: ['one'] } })),
  },
  {
    wrong: 'no write is taken',
    foundBy: 'linearizable-write',
    apply: onLast(() => ({ linearizableWrite: unreadable })),
  },
];

export interface Trial {
  wrong: string;
  foundBy: string;
  caught: boolean;
}

/**
 * Judges the sound evidence, which must pass, and every mutant, each of which must fail by the check that is about it.
 */
export function tryMutants(): Trial[] {
  const controls = ([undefined, 'raised'] as const).map((to): Trial => {
    const { recovery, observations } = evidenceOf(to);
    const { passed } = verify(referenceOf(to), recovery, observations);
    const wrong = `nothing${to === undefined ? '' : ', with the revision raised'} (must pass, or the rest would prove nothing)`;
    return { wrong, foundBy: '-', caught: passed };
  });
  const trials = mutants.map(({ wrong, foundBy, to, apply }): Trial => {
    const { recovery, observations } = apply(evidenceOf(to));
    const verdict = verify(referenceOf(to), recovery, observations);
    const isFound = verdict.checks.some((check) => check.name === foundBy && !check.passed);
    return { wrong, foundBy, caught: !verdict.passed && isFound };
  });
  return [...controls, ...trials];
}

const bumpedBy = 1000;

function referenceOf(to: Mutant['to']): Reference {
  const reference = soundReference();
  return to === undefined ? reference : { ...reference, bumpedBy, hashKv: undefined, readAt: 9 + bumpedBy };
}

function evidenceOf(to: Mutant['to']): Evidence {
  const sound = soundEvidence();
  if (to === undefined) return sound;
  const revision = 9 + bumpedBy;
  const watch: WatchReading = { cancelled: true, compactRevision: revision };
  const observations = sound.observations.map((seen, i) => ({
    ...seen,
    status: { ...(seen.status as Status), revision },
    latestHash: { revision, hash: 4711, compactRevision: revision },
    watch,
    linearizableWrite: { revision: revision + 1 + i, readBy: names.filter((name) => name !== seen.member) },
  }));
  return { ...sound, observations };
}
