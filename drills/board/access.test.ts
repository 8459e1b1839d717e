import { describe, expect, test } from 'vitest';
import { AccessToken, isForeignSite, isLoopback, isOwnHost } from './access.ts';

describe('the name that a board is asked under', () => {
  test.each([
    '127.0.0.1:7379',
    '127.0.0.1',
    '[::1]:7379',
    '[fe80::1]',
    'localhost:1234',
    'LOCALHOST',
    '192.0.2.7:7379',
    'trainer',
    'Trainer:80',
  ])('%s is its own', (host) => {
    expect(isOwnHost(host, ['trainer'])).toBe(true);
  });

  test.each([
    undefined,
    '',
    'evil.example',
    'evil.example:7379',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'trainer.evil.example',
    '127.0.0.1:7379:1',
    '::1',
    '127.0.0.1@evil.example',
    '[::1',
    '[evil]',
    '127.0.0.1:7379/',
  ])('%s is not', (host) => {
    expect(isOwnHost(host, ['trainer'])).toBe(false);
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.0.2.7', false],
  ['127.0.0.1.example', false],
])('only this machine reaches %s: %s', (address, isIt) => {
  expect(isLoopback(address)).toBe(isIt);
});

test('browsers say when the page of another site asks', () => {
  expect(isForeignSite({})).toBe(false);
  expect(isForeignSite({ 'sec-fetch-site': 'same-origin' })).toBe(false);
  expect(isForeignSite({ 'sec-fetch-site': 'same-site' })).toBe(true);
  expect(isForeignSite({ 'sec-fetch-site': 'cross-site' })).toBe(true);
});

describe('the token', () => {
  const token = new AccessToken(7379);
  const cookie = token.setCookie.split(';')[0] as string;

  test('admits who brings it, and from then on the cookie', () => {
    expect(token.admits({ authorization: `Bearer ${token.value}` })).toBe(true);
    expect(token.admits({ cookie })).toBe(true);
    expect(token.admits({ cookie: `a=b; ${cookie}; c=d` })).toBe(true);
  });

  test('admits nobody else', () => {
    expect(token.admits({})).toBe(false);
    expect(token.admits({ authorization: `Bearer ${token.value}x` })).toBe(false);
    expect(token.admits({ authorization: token.value })).toBe(false);
    expect(token.admits({ cookie: cookie.slice(0, -1) })).toBe(false);
    expect(token.admits({ cookie: `${cookie.split('=')[0]}=${token.value}` })).toBe(false);
    expect(token.admits({ authorization: 'Bearer wrong', cookie })).toBe(false);
  });

  test('is another one each time, and not in the cookie', () => {
    expect(new AccessToken(7379).value).not.toBe(token.value);
    expect(token.setCookie).not.toContain(token.value);
    expect(token.setCookie).toMatch(/; HttpOnly; SameSite=Strict; /);
  });
});
