import { describe, expect, test } from 'vitest';
import {
  checkLocalMember,
  formatInitialCluster,
  initialMembers,
  matchExistingCluster,
  parseInitialCluster,
} from './initial-cluster.ts';
import { newMember } from './member-json.ts';
import { ClusterConfigError, parseUrls, splitHostPort } from './urls.ts';

/** Knows one name; everything else stands for itself. */
const resolve = async (url: string) => url.replace('//one.example:', '//10.0.0.1:');

describe('URLs', () => {
  test.each([
    ['foo', 'URL scheme must be http, https, unix, or unixs: foo'],
    ['', 'URL scheme must be http, https, unix, or unixs: '],
    ['ftp://127.0.0.1:1', 'URL scheme must be http, https, unix, or unixs: ftp://127.0.0.1:1'],
    ['http://localhost', 'URL address does not have the form "host:port": http://localhost'],
    ['http://::1:23', 'URL address does not have the form "host:port": http://::1:23'],
    ['http://localhost:2380/x', 'URL must not contain a path: http://localhost:2380/x'],
    ['http://localhost:2380/', 'URL must not contain a path: http://localhost:2380/'],
    ['http://127.0.0.1:239x', 'parse "http://127.0.0.1:239x": invalid port ":239x" after host'],
    ['http://127.0.0.1:65536', 'parse "http://127.0.0.1:65536": invalid port ":65536" after host'],
    ['http://a b:1', 'parse "http://a b:1": invalid character in host name'],
    ['http://a:1?x', 'URL must be scheme://host:port and nothing more: http://a:1?x'],
  ])('%j is refused: %s', (url, text) => {
    expect(() => parseUrls([url])).toThrow(new ClusterConfigError(text));
  });

  test('are trimmed and sorted, and may hold IPv6 addresses', () => {
    expect(parseUrls([' http://b:1', 'HTTPS://[::1]:2380', 'http://a:1'])).toEqual([
      'http://a:1',
      'http://b:1',
      'https://[::1]:2380',
    ]);
  });

  test('none at all are refused', () => {
    expect(() => parseUrls([])).toThrow('no valid URLs given');
  });

  test('split into host and port', () => {
    expect(splitHostPort('[::1]:2380')).toEqual({ host: '::1', port: '2380' });
    expect(splitHostPort('a:2380')).toEqual({ host: 'a', port: '2380' });
    expect(splitHostPort('a')).toBeUndefined();
  });
});

describe('--initial-cluster', () => {
  test('gives each name its URLs; a repeated name has several', () => {
    const cluster = parseInitialCluster('b=http://b:1,a=http://a:2,,a=http://a:1');
    expect([...cluster]).toEqual([
      ['b', ['http://b:1']],
      ['a', ['http://a:1', 'http://a:2']],
    ]);
    expect(formatInitialCluster(cluster)).toBe('a=http://a:1,a=http://a:2,b=http://b:1');
  });

  test('with a name and no URL is refused', () => {
    expect(() => parseInitialCluster('a')).toThrow('URL scheme must be http, https, unix, or unixs: ');
  });

  test('gives the members of a new cluster their ids, ascending', () => {
    const { members } = initialMembers(
      parseInitialCluster('m1=http://127.0.0.1:22381,m2=http://127.0.0.1:22382'),
      'tok-1',
    );
    expect(members.map((member) => [member.name, member.id])).toContainEqual(['m1', 0x59d8024f8dec20den]);
    expect((members[0]?.id ?? 0n) < (members[1]?.id ?? 0n)).toBe(true);
  });

  test('with one URL twice is refused', () => {
    expect(() => initialMembers(parseInitialCluster('a=http://x:1,b=http://x:1'), 't')).toThrow(
      'initial cluster a=http://x:1,b=http://x:1 has duplicate url',
    );
  });
});

describe('the local member in the initial cluster', () => {
  const check = (cluster: string, advertised: string[]) =>
    checkLocalMember(parseInitialCluster(cluster), 'a', advertised, resolve);

  test('must be there', async () => {
    await expect(check('b=http://b:1', ['http://a:1'])).rejects.toThrow(
      'couldn\'t find local name "a" in the initial cluster configuration',
    );
  });

  test('must have the URLs that it advertises', async () => {
    await expect(check('a=http://10.0.0.1:8', ['http://10.0.0.1:9'])).rejects.toThrow(
      '--initial-cluster has a=http://10.0.0.1:8 but missing from --initial-advertise-peer-urls=http://10.0.0.1:9 ' +
        '(resolved urls: "http://10.0.0.1:9" != "http://10.0.0.1:8")',
    );
    await expect(check('a=http://a:1', ['http://a:1', 'http://a:2'])).rejects.toThrow(
      '--initial-advertise-peer-urls has http://a:2 but missing from --initial-cluster=a=http://a:1',
    );
    await expect(check('a=http://a:1,a=http://a:2', ['http://a:2'])).rejects.toThrow(
      '(len(["http://a:2"]) != len(["http://a:1" "http://a:2"]))',
    );
  });

  test('may be named by another name of the same address', async () => {
    await expect(check('a=http://one.example:1', ['http://10.0.0.1:1'])).resolves.toBeUndefined();
  });
});

describe('joining a running cluster', () => {
  const running = [
    newMember({ id: 9n, peerURLs: ['http://10.0.0.1:1'], name: 'old', clientURLs: ['http://10.0.0.1:2'] }),
    newMember({ id: 3n, peerURLs: ['http://b:1', 'http://b:2'] }),
  ];

  test('takes over the ids of the members with the same peer URLs', async () => {
    const local = parseInitialCluster('one=http://one.example:1,two=http://b:2,two=http://b:1');
    const members = await matchExistingCluster(local, running, resolve);
    expect(members.map(({ id, name }) => [id, name])).toEqual([
      [3n, 'two'],
      [9n, 'one'],
    ]);
  });

  test('is refused when the lists differ', async () => {
    await expect(matchExistingCluster(parseInitialCluster('a=http://b:1'), running, resolve)).rejects.toThrow(
      /error validating peerURLs .*member count is unequal/,
    );
    await expect(
      matchExistingCluster(parseInitialCluster('a=http://10.0.0.1:1,b=http://c:1'), running, resolve),
    ).rejects.toThrow(/unmatched member with peer URLs \["http:\/\/c:1"\] of "b"/);
  });
});
