import { describe, expect, it } from 'vitest';
import { redact, redactFile } from './redact.ts';

const token = 'eyJhbGciOiJSUzI1NiJ9.eyJ1c2VyIjoiYWxpY2UifQ.c2lnbmF0dXJl';

describe('what leaves this machine', () => {
  it('has no private key in it, also not one that is cut off', () => {
    const key = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----';
    expect(redact(`a\n${key}\nb\n${key}`)).toBe('a\n[private key removed]\nb\n[private key removed]');
    expect(redact('-----BEGIN PRIVATE KEY-----\nMHcCAQ')).toBe('[private key removed]');
  });

  it.each([
    ['auth-token: abc\nAuthorization=xyz', 'auth-token: [removed]\nAuthorization=[removed]'],
    ['Authorization: Bearer abc def\nHost: x', 'Authorization: [removed]\nHost: x'],
    ['got Bearer abc.def, and went on', 'got Bearer [removed], and went on'],
    [`it sent ${token} twice`, 'it sent [removed] twice'],
    [`{"password":"hunter2","name":"node1"}`, `{"password":"[removed]","name":"node1"}`],
    [String.raw`{"password":"ab\"cd ef\\","n":1}`, `{"password":"[removed]","n":1}`],
    [String.raw`{"msg":"password: \"ab \\\" cd\" is wrong"}`, String.raw`{"msg":"password: \"[removed]\" is wrong"}`],
    [String.raw`{"msg":"password: \"ab cd"}`, String.raw`{"msg":"password: \"[removed]"}`],
    [String.raw`{"msg":"a\nAuthorization: Basic eHl6\nb"}`, String.raw`{"msg":"a\nAuthorization: [removed]\nb"}`],
    [String.raw`{"msg":"{\"token\":\"ab.12\"}"}`, String.raw`{"msg":"{\"token\":\"[removed]\"}"}`],
    [`{"authorization":"Bearer ab cd"}`, `{"authorization":"[removed]"}`],
    ['<td>password: &quot;ab cd&quot;</td>', '<td>password: &quot;[removed]&quot;</td>'],
    ['<td>password=ab,cd</td>', '<td>password=[removed]</td>'],
    ['(password: ab, user: root)', '(password: [removed], user: root)'],
    [`client-secret: 'ab "cd" ef'`, `client-secret: '[removed]'`],
  ])('has no value that calls itself a secret: %s', (text, expected) => {
    expect(redact(text)).toBe(expected);
    expect(redact(expected), 'a second time').toBe(expected);
  });

  it.each(['initial-cluster-token: lab-1', '{"secret":12,"other":1}', '{"token":null,"password":{"count":1}}'])(
    'keeps what is no secret: %s',
    (text) => {
      expect(redact(text)).toBe(text);
    },
  );

  it('stays JSON when it was, to the byte when there is nothing to remove', () => {
    const evidence = '{ "keysByPrefix": { "secret": 12, "other": 1 }, "initial-cluster-token": "lab" }\n';
    expect(redactFile('report.json', evidence)).toBe(evidence);
    const found = { password: 'ab "cd"', error: 'password: "ab \\" cd"', headers: { Authorization: ['Bearer', 'x'] } };
    expect(JSON.parse(redactFile('report.json', JSON.stringify({ ...found, count: 1 })))).toEqual({
      password: '[removed]',
      error: 'password: "[removed]"',
      headers: { Authorization: ['[removed]'] },
      count: 1,
    });
    expect(redactFile('service.json', 'cannot be found out: token=ab')).toBe('cannot be found out: token=[removed]');
  });
});
