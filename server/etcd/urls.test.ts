import { describe, expect, test } from 'vitest';
import { checkBindUrls, checkHostUrls, parseUrl, parseUrls } from './urls.ts';

describe('parseUrl', () => {
  test('takes a URL apart', () => {
    expect(parseUrl('https://10.0.0.1:2379')).toEqual({
      ...{ href: 'https://10.0.0.1:2379', scheme: 'https', host: '10.0.0.1:2379', hostname: '10.0.0.1', port: '2379' },
      secure: true,
    });
    expect(parseUrl('http://[::1]:2379').hostname).toBe('::1');
    expect(parseUrl(' HTTP://localhost:1 ').href).toBe('http://localhost:1');
  });

  test('takes everything behind unix:// for a path', () => {
    expect(parseUrl('unix:///run/etcd.sock').host).toBe('/run/etcd.sock');
    expect(parseUrl('unixs://localhost:123')).toMatchObject({ host: 'localhost:123', secure: true });
  });

  test.each([
    ['foo', 'URL scheme must be http, https, unix, or unixs: foo'],
    ['', 'URL scheme must be http, https, unix, or unixs: '],
    ['ftp://127.0.0.1:1', 'URL scheme must be http, https, unix, or unixs: ftp://127.0.0.1:1'],
    ['http://127.0.0.1', 'URL address does not have the form "host:port": http://127.0.0.1'],
    ['http://127.0.0.1:1/path', 'URL must not contain a path: http://127.0.0.1:1/path'],
    ['http://127.0.0.1:1/', 'URL must not contain a path: http://127.0.0.1:1/'],
    ['http://a:b', 'parse "http://a:b": invalid port ":b" after host'],
    ['http://a:65536', 'parse "http://a:65536": invalid port ":65536" after host'],
  ])('refuses %j in upstream’s words', (text, message) => {
    expect(() => parseUrl(text)).toThrow(expect.objectContaining({ message }));
  });
});

test('lists of URLs are sorted', () => {
  expect(parseUrls('http://b:1,http://a:2,http://a:1').map((url) => url.href)).toEqual([
    ...['http://a:1', 'http://a:2', 'http://b:1'],
  ]);
});

describe('URLs for binding', () => {
  test.each(['http://127.0.0.1:1', 'http://[::]:1', 'http://localhost:1', 'unix://name'])('may be %s', (text) => {
    expect(() => checkBindUrls(parseUrls(text))).not.toThrow();
  });

  test.each(['http://foo:1', 'http://:1'])('may not be %s', (text) => {
    expect(() => checkBindUrls(parseUrls(text))).toThrow(new Error(`expected IP in URL for binding (${text})`));
  });
});

test('advertised URLs need a host', () => {
  expect(() => checkHostUrls('advertise-client-urls', parseUrls('http://:1'))).toThrow(
    new Error('--advertise-client-urls "http://:1" must be "host:port" (unexpected empty host (http://:1))'),
  );
});
