import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeV2Store, encodeV2Store, hasV2Keys, type V2Membership } from './v2-store.ts';

const refused = expect.objectContaining({ code: 'SNAP_STORE_INVALID' });

/** As upstream 3.5 writes it, with event history and counters; one member has not started yet. */
const upstream = `{"Root":{"Path":"/","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z","Value":"",
"Children":{"0":{"Path":"/0","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{
"members":{"Path":"/0/members","CreatedIndex":1,"ModifiedIndex":1,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{
"e1f97220ab052a12":{"Path":"/0/members/e1f97220ab052a12","CreatedIndex":1,"ModifiedIndex":1,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{
"attributes":{"Path":"/0/members/e1f97220ab052a12/attributes","CreatedIndex":2,"ModifiedIndex":2,"ExpireTime":"0001-01-01T00:00:00Z","Value":"{\\"name\\":\\"m\\\\u003c1\\",\\"clientURLs\\":[\\"http://127.0.0.1:2379\\"]}","Children":null},
"raftAttributes":{"Path":"/0/members/e1f97220ab052a12/raftAttributes","CreatedIndex":1,"ModifiedIndex":1,"ExpireTime":"0001-01-01T00:00:00Z","Value":"{\\"peerURLs\\":[\\"http://127.0.0.1:2380\\"]}","Children":null}}},
"7":{"Path":"/0/members/7","CreatedIndex":4,"ModifiedIndex":4,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{
"raftAttributes":{"Path":"/0/members/7/raftAttributes","CreatedIndex":4,"ModifiedIndex":4,"ExpireTime":"0001-01-01T00:00:00Z","Value":"{\\"peerURLs\\":[\\"http://127.0.0.1:2480\\"],\\"isLearner\\":true}","Children":null}}}}},
"removed_members":{"Path":"/0/removed_members","CreatedIndex":5,"ModifiedIndex":5,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{
"ffffffffffffffff":{"Path":"/0/removed_members/ffffffffffffffff","CreatedIndex":5,"ModifiedIndex":5,"ExpireTime":"0001-01-01T00:00:00Z","Value":"removed","Children":null}}},
"version":{"Path":"/0/version","CreatedIndex":3,"ModifiedIndex":3,"ExpireTime":"0001-01-01T00:00:00Z","Value":"3.5.0","Children":null}}},
"1":{"Path":"/1","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z","Value":"","Children":{}}}},
"WatcherHub":{"EventHistory":{"Queue":{"Events":[{"action":"create","node":{"key":"/0/version","value":"3.5.0","modifiedIndex":3,"createdIndex":3}},null],"Size":1,"Front":0,"Back":1,"Capacity":1000},"StartIndex":1,"LastIndex":5}},
"CurrentIndex":5,"Stats":{"getsSuccess":2,"watchers":0},"CurrentVersion":2}`;

const membership: V2Membership = {
  members: [
    { id: 7n, peerURLs: ['http://127.0.0.1:2480'], isLearner: true },
    {
      id: 0xe1f97220ab052a12n,
      peerURLs: ['http://127.0.0.1:2380'],
      name: 'm<1',
      clientURLs: ['http://127.0.0.1:2379'],
    },
  ],
  removed: [0xffffffffffffffffn],
  clusterVersion: '3.5.0',
  index: 5,
};

describe('the v2 store', () => {
  test('that upstream writes is read, ids exactly', () => {
    expect(decodeV2Store(Buffer.from(upstream))).toEqual(membership);
  });

  test('has upstream’s nodes', () => {
    const ours = JSON.parse(Buffer.from(encodeV2Store(membership)).toString());
    const theirs = JSON.parse(upstream);
    const shape = (node: { Path: string; Value: string; Children: Record<string, never> | null }): unknown => {
      const { Path, Value, Children, ...rest } = node;
      const children = Children && Object.fromEntries(Object.entries(Children).map(([k, child]) => [k, shape(child)]));
      return { Path, Value, keys: Object.keys(rest), children };
    };
    expect(shape(ours.Root)).toEqual(shape(theirs.Root));
    expect([ours.CurrentIndex, ours.CurrentVersion]).toEqual([5, 2]);
  });

  test('escapes what Go’s JSON escapes, within and without', () => {
    const member = { id: 1n, peerURLs: [], name: 'a<b>&\u2028c' };
    const text = Buffer.from(encodeV2Store({ members: [member], removed: [], index: 1 })).toString();
    expect(text).toContain(String.raw`{\"name\":\"a\\u003cb\\u003e\\u0026\\u2028c\"}`);
  });

  test('leaves out what there is none of', () => {
    const bytes = encodeV2Store({ members: [], removed: [], index: 0 });
    expect(JSON.parse(Buffer.from(bytes).toString()).Root.Children['0'].Children).toEqual({});
    expect(decodeV2Store(bytes)).toEqual({ members: [], removed: [], index: 0 });
  });

  test('gives back what was put in', () => {
    const url = fc.webUrl();
    const member = fc.record(
      {
        id: fc.bigInt(1n, 2n ** 64n - 1n),
        peerURLs: fc.array(url, { maxLength: 3 }),
        isLearner: fc.constant(true),
        name: fc.string({ unit: 'grapheme', minLength: 1 }),
        clientURLs: fc.array(url, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: ['id', 'peerURLs'] },
    );
    const ascending = (a: bigint, b: bigint) => (a < b ? -1 : 1);
    fc.assert(
      fc.property(
        fc.uniqueArray(member, { selector: ({ id }) => id, maxLength: 7 }),
        fc.uniqueArray(fc.bigInt(1n, 2n ** 64n - 1n)),
        fc.nat(),
        (members, removed, index) => {
          members.sort((a, b) => ascending(a.id, b.id));
          removed.sort(ascending);
          const original = { members, removed, clusterVersion: '3.5.0', index };
          expect(decodeV2Store(encodeV2Store(original))).toEqual(original);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([
    ['nothing', ''],
    ['no object', '[]'],
    ['no root', '{}'],
    ['an id that is none', upstream.replaceAll('e1f97220ab052a12', 'xyz')],
    ['an id of more than 64 bits', upstream.replaceAll('e1f97220ab052a12', '10000000000000000')],
    ['a member without its URLs’ node', upstream.replaceAll('raftAttributes', 'other')],
    ['URLs that are none', upstream.replace('[\\"http://127.0.0.1:2380\\"]', '7')],
    ['attributes that are not JSON', upstream.replace('{\\"name\\"', '{name')],
  ])('with %s is refused', (_, text) => {
    expect(() => decodeV2Store(Buffer.from(text))).toThrow(refused);
  });
});

test('keys of API v2 are told from what the server keeps there itself', () => {
  const own = Buffer.from(upstream);
  const withKeys = Buffer.from(upstream.replace('"Children":{}}}},', '"Children":{"foo":{"Value":"bar"}}}}},'));
  expect([hasV2Keys(own), hasV2Keys(withKeys)]).toEqual([false, true]);
});
