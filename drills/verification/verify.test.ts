import { describe, expect, test } from 'vitest';
import type { Observation, Reference } from './evidence.ts';
import type { KeyRecord } from './key-space.ts';
import { verify } from './verify.ts';

const record = (revision: number, value: string): KeyRecord => ({
  createRevision: revision,
  modRevision: revision,
  version: 1,
  lease: 0n,
  valueBytes: value.length,
  valueSha256: `digest of ${value}`,
});

const names = ['node1', 'node2', 'node3'];
const members = names.map((name, i) => ({
  id: BigInt(i + 1),
  name,
  peerURLs: [`https://127.0.0.1:${2380 + i}`],
  clientURLs: [`https://127.0.0.1:${3380 + i}`],
  isLearner: false,
}));

function reference(): Reference {
  return {
    outcome: 'restored',
    revision: 9,
    hashKv: 4711,
    compactRevision: 3,
    keys: new Map([
      ['a', record(5, 'one')],
      ['b', record(7, 'two')],
      ['canary', record(9, 'sings')],
    ]),
    leases: { certain: [{ id: 5n, ttlSeconds: 60, keys: [] }], possible: [] },
    snapshotSha256: 'ab12',
    clusterId: 100n,
    members: members.map(({ id: _, ...identity }) => identity),
    memberIds: { node1: 11n, node2: 12n, node3: 13n },
    replaced: [],
    canaries: ['canary'],
    laterKeys: ['later'],
    lastRevision: 12,
  };
}

/** Three members that show exactly what was recorded. */
function observations(): [Observation, Observation, Observation] {
  return names.map((member, i) => ({
    member,
    endpoint: `https://127.0.0.1:${3380 + i}`,
    snapshotSha256: 'ab12',
    status: { memberId: BigInt(i + 1), clusterId: 200n, leader: 2n, revision: 9, errors: [] as string[] },
    members: structuredClone(members),
    hashKv: { hash: 4711, compactRevision: 3 },
    keys: new Map(reference().keys),
    leases: [{ id: 5n, ttlSeconds: 60, keys: [] }],
    watch: { cancelled: false, atRevision: 9 },
    linearizableWrite: { revision: 10 + i, readBy: names.filter((name) => name !== member) },
  })) as unknown as [Observation, Observation, Observation];
}

/** Names of the checks that failed, with the member each failed on. */
function failed(seen: Observation[], known = reference()): string[] {
  return verify(known, { at: new Date(0) }, seen)
    .checks.filter((check) => !check.passed)
    .map((check) => (check.member === undefined ? check.name : `${check.name} ${check.member}`));
}

type Readable<K extends keyof Observation> = Exclude<Observation[K], { failure: string } | undefined>;
function change<K extends 'status' | 'hashKv' | 'linearizableWrite' | 'keys' | 'leases' | 'members'>(
  field: K,
  edit: (value: Readable<K>) => void,
): Observation[] {
  const seen = observations();
  edit(seen[1][field] as Readable<K>);
  return seen;
}

describe('verify', () => {
  test('passes members that show exactly what was recorded', () => {
    const verdict = verify(reference(), { at: new Date(0) }, observations());
    expect(verdict.checks.filter((check) => !check.passed)).toEqual([]);
    expect(verdict.passed).toBe(true);
  });

  test('fails when a member was not observed', () => {
    expect(failed(observations().slice(0, 2))).toContain('every-member');
  });

  test('fails when nothing was observed at all', () => {
    expect(failed([])).toEqual(['every-member', 'member-ids', 'cluster-id', 'one-leader']);
  });

  test('fails when the members did not become healthy, whatever they show later, and says why', () => {
    const verdict = verify(reference(), { problem: 'node2 has ended by itself' }, observations());
    expect(verdict.passed).toBe(false);
    expect(verdict.checks.filter((check) => !check.passed)).toMatchObject([
      { name: 'healthy', observed: 'node2 has ended by itself' },
    ]);
  });

  test('catches members of one ID, which are clusters of their own', () => {
    const seen = observations();
    for (const each of seen) (each.status as Readable<'status'>).memberId = 2n;
    expect(failed(seen)).toEqual(['member-ids']);
  });

  test('fails when the reference names no member, canary or later key: nothing would be proved', () => {
    const hollow = { ...reference(), canaries: [], laterKeys: [] };
    expect(failed(observations(), hollow)).toEqual(
      names.flatMap((name) => [`canaries ${name}`, `later-writes ${name}`]),
    );
  });

  describe.each(['snapshotSha256', 'status', 'members', 'hashKv', 'keys', 'leases', 'linearizableWrite'] as const)(
    'a reading of %s that could not be taken',
    (field) => {
      test('fails what depends on it, with its reason, and never passes silently', () => {
        const seen = observations();
        (seen[2] as unknown as Record<string, unknown>)[field] = { failure: 'connection refused' };
        const verdict = verify(reference(), { at: new Date(0) }, seen);
        expect(verdict.passed).toBe(false);
        expect(verdict.checks.filter((check) => !check.passed).map((check) => check.observed)).toContainEqual(
          expect.stringContaining('connection refused'),
        );
      });
    },
  );

  test.each<[string, Observation[], string[]]>([
    [
      'a member restored from other bytes',
      (() => {
        const seen = observations();
        seen[1].snapshotSha256 = 'cd34';
        return seen;
      })(),
      ['snapshot-bytes node2'],
    ],
    [
      'a member in a cluster of its own',
      change('status', (status) => {
        status.clusterId = 300n;
      }),
      ['cluster-id'],
    ],
    [
      'a member that follows another leader',
      change('status', (status) => {
        status.leader = 3n;
      }),
      ['one-leader'],
    ],
    [
      'a member that stands at an older revision',
      change('status', (status) => {
        status.revision = 8;
      }),
      ['revision node2'],
    ],
    [
      'a member with an alarm',
      change('status', (status) => {
        status.errors.push('memberID:2 alarm:CORRUPT');
      }),
      ['no-alarm node2'],
    ],
    [
      'a member whose HashKV differs',
      change('hashKv', (reading) => {
        reading.hash = 4712;
      }),
      ['hash-kv node2'],
    ],
    [
      'a member compacted elsewhere',
      change('hashKv', (reading) => {
        reading.compactRevision = 4;
      }),
      ['hash-kv node2'],
    ],
    [
      'a member that knows only itself',
      change('members', (list) => {
        list.splice(0, 1);
      }),
      ['member-list node2'],
    ],
    [
      'two members of one id',
      change('members', (list) => {
        (list[0] as (typeof list)[number]).id = 2n;
      }),
      ['member-list node2'],
    ],
    [
      'a missing key',
      change('keys', (keys) => {
        (keys as Map<string, KeyRecord>).delete('b');
      }),
      ['keys node2'],
    ],
    [
      'a missing canary',
      change('keys', (keys) => {
        (keys as Map<string, KeyRecord>).delete('canary');
      }),
      ['keys node2', 'canaries node2'],
    ],
    [
      'a key from after the snapshot',
      change('keys', (keys) => {
        (keys as Map<string, KeyRecord>).set('later', record(11, 'x'));
      }),
      ['keys node2', 'later-writes node2'],
    ],
    [
      'a missing lease',
      change('leases', (leases) => {
        leases.pop();
      }),
      ['leases node2'],
    ],
    [
      'a lease with a key that is not its own',
      change('leases', (leases) => {
        leases[0]?.keys.push('a');
      }),
      ['leases node2'],
    ],
    [
      'a write that others do not see',
      change('linearizableWrite', (write) => {
        write.readBy = ['node1'];
      }),
      ['linearizable-write node2'],
    ],
  ])('catches %s', (_, seen, expected) => {
    expect(failed(seen)).toEqual(expected);
  });

  test.each<[string, Partial<KeyRecord>]>([
    ['value', { valueSha256: 'another' }],
    ['value length', { valueBytes: 99 }],
    ['create revision', { createRevision: 4 }],
    ['modification revision', { modRevision: 8 }],
    ['version', { version: 2 }],
    ['lease', { lease: 1n }],
  ])('catches one key with another %s, and names it', (_, edit) => {
    const seen = change('keys', (keys) => {
      (keys as Map<string, KeyRecord>).set('b', { ...record(7, 'two'), ...edit });
    });
    const verdict = verify(reference(), { at: new Date(0) }, seen);
    expect(failed(seen)).toEqual(['keys node2']);
    expect(verdict.differences.node2).toMatchObject([{ key: 'b', kind: 'changed', fields: Object.keys(edit) }]);
  });

  test('looks for leases where there were some, and only there', () => {
    const without = observations();
    for (const each of without) delete each.leases;
    expect(failed(without)).toEqual(names.map((name) => `leases ${name}`));
    expect(failed(without, { ...reference(), leases: undefined })).toEqual([]);
  });

  test('catches a cluster that kept its old id, which members of the old cluster could join', () => {
    const seen = observations();
    for (const each of seen) (each.status as Readable<'status'>).clusterId = 100n;
    expect(failed(seen)).toEqual(['cluster-id']);
  });

  test('catches a cluster without a leader', () => {
    const seen = observations();
    for (const each of seen) (each.status as Readable<'status'>).leader = 0n;
    expect(failed(seen)).toEqual(['one-leader']);
  });
});
