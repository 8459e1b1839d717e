import { describe, expect, test } from 'vitest';
import { NoTokens, SimpleTokens } from './tokens.ts';

describe('simple tokens', () => {
  const prefix = 'a'.repeat(16);
  let nowMs = 0;

  function enabled(ttlMs = 1000): SimpleTokens {
    nowMs = 0;
    const tokens = new SimpleTokens(ttlMs, () => nowMs);
    tokens.enable();
    return tokens;
  }

  test('are sixteen letters that nobody can guess, and the index of the last entry before them', () => {
    const tokens = enabled();
    const prefixes = Array.from({ length: 200 }, () => tokens.newPrefix());
    expect(new Set(prefixes).size).toBe(200);
    for (const each of prefixes) expect(each).toMatch(/^[A-Za-z]{16}$/);
    expect(tokens.assign('u', 1, prefix, 41)).toBe(`${prefix}.41`);
  });

  test('name the user at the revision of now', () => {
    const tokens = enabled();
    const token = tokens.assign('u', 1, prefix, 1);
    expect(tokens.find(token, 7)).toEqual({ username: 'u', revision: 7 });
    expect(tokens.find(`${prefix}.2`, 7)).toBeUndefined();
  });

  test('live for their time from the last use on, and no longer', () => {
    const tokens = enabled(1000);
    const [used, unused] = [tokens.assign('used', 1, prefix, 1), tokens.assign('unused', 1, prefix, 2)];
    nowMs = 999;
    expect(tokens.find(used, 1)).toBeDefined();
    nowMs = 1000;
    expect(tokens.find(unused, 1)).toBeUndefined();
    nowMs = 1998;
    expect(tokens.find(used, 1)).toBeDefined();
    nowMs = 2998;
    expect(tokens.find(used, 1)).toBeUndefined();
  });

  test.each([0, -1])('live for five minutes when they are given %i ms', (ttlMs) => {
    const tokens = enabled(ttlMs);
    const token = tokens.assign('u', 1, prefix, 1);
    nowMs = 299_999;
    expect(tokens.find(token, 1)).toBeDefined();
    nowMs += 300_000;
    expect(tokens.find(token, 1)).toBeUndefined();
  });

  test('are kept from the moment on that authentication is on, until it is off', () => {
    const tokens = new SimpleTokens(1000, () => 0);
    const early = tokens.assign('u', 1, prefix, 1);
    tokens.enable();
    expect(tokens.find(early, 1)).toBeUndefined();
    const token = tokens.assign('u', 1, prefix, 2);
    tokens.enable();
    expect(tokens.find(token, 1)).toBeDefined();
    tokens.disable();
    tokens.enable();
    expect(tokens.find(token, 1)).toBeUndefined();
  });

  test.each([
    [`${prefix}.12`, 13],
    ['.0', 1],
    [prefix, undefined],
    [`${prefix}.`, undefined],
    [`${prefix}.-1`, undefined],
    [`${prefix}.1x`, undefined],
    [`${prefix}.1.2`, undefined],
    ['', undefined],
    [`${prefix}.${'9'.repeat(40)}`, undefined],
  ])('tell what must be applied for them to be known: %s', (token, index) => {
    expect(enabled().knownFrom(token)).toBe(index);
  });
});

test('without tokens, nobody is known by one', () => {
  const tokens = new NoTokens();
  expect([tokens.newPrefix(), tokens.assign(), tokens.knownFrom(), tokens.find()]).toEqual([
    '',
    '',
    undefined,
    undefined,
  ]);
});
