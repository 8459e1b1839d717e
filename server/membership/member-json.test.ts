import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeContext,
  decodeMember,
  decodeMembers,
  encodeContext,
  encodeMember,
  encodeMembers,
  MemberJsonError,
  newMember,
} from './member-json.ts';

const id = 6358895989969120597n;

describe('the JSON of a member', () => {
  test('is what upstream writes for a first member, down to the id’s last digit', () => {
    const member = newMember({ id, peerURLs: ['http://127.0.0.1:22382'], name: 'm2' });
    const json = '{"id":6358895989969120597,"peerURLs":["http://127.0.0.1:22382"],"name":"m2"}';
    expect(encodeMember(member)).toBe(json);
    expect(decodeMember(Buffer.from(json))).toEqual(member);
  });

  test('is what upstream writes for a learner, a promotion and new peer URLs', () => {
    const learner = newMember({ id, peerURLs: ['http://a:1'], isLearner: true });
    expect(encodeContext({ member: learner, isPromote: false })).toBe(
      `{"id":${id},"peerURLs":["http://a:1"],"isLearner":true}`,
    );
    expect(encodeContext({ member: newMember({ id }), isPromote: true })).toBe(
      `{"id":${id},"peerURLs":null,"isPromote":true}`,
    );
    expect(encodeMember(newMember({ id, peerURLs: ['http://a:1', 'http://b:1'] }))).toBe(
      `{"id":${id},"peerURLs":["http://a:1","http://b:1"]}`,
    );
  });

  test('names every field in upstream’s order', () => {
    expect(encodeMember({ id: 1n, peerURLs: ['p'], isLearner: true, name: 'n', clientURLs: ['c'] })).toBe(
      '{"id":1,"peerURLs":["p"],"isLearner":true,"name":"n","clientURLs":["c"]}',
    );
  });

  test('escapes what Go escapes', () => {
    expect(encodeMember(newMember({ id: 1n, name: '<a>&\u2028"' }))).toBe(
      '{"id":1,"peerURLs":null,"name":"\\u003ca\\u003e\\u0026\\u2028\\""}',
    );
  });

  test('of any member is read back as it was', () => {
    const members = fc.record({
      id: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      peerURLs: fc.array(fc.string()),
      isLearner: fc.boolean(),
      name: fc.string(),
      clientURLs: fc.array(fc.string()),
    });
    fc.assert(
      fc.property(fc.array(members), fc.boolean(), (list, isPromote) => {
        expect(decodeMembers(encodeMembers(list))).toEqual(list);
        for (const member of list) {
          expect(decodeContext(encodeContext({ member, isPromote }))).toEqual({ member, isPromote });
        }
      }),
    );
  });

  test('is refused when it is none', () => {
    const bad = [
      '',
      '{',
      '1',
      'null',
      '[]',
      '{}',
      '{"id":"1"}',
      '{"id":-1}',
      '{"id":1.5}',
      '{"id":18446744073709551616}',
      '{"id":1,"peerURLs":"x"}',
      '{"id":1,"peerURLs":[1]}',
      '{"id":1,"name":5}',
      '{"id":1,"isLearner":1}',
    ];
    for (const json of bad) expect(() => decodeMember(json), json).toThrow(MemberJsonError);
    expect(() => decodeMembers('{}')).toThrow(MemberJsonError);
  });
});
