import { describe, expect, test } from 'vitest';
import { type Identity, incompatibility, requestHeaders, supportsStreams } from './headers.ts';

const identity: Identity = {
  id: 0x0an,
  clusterId: 0xc1a6e8504d9ddbe9n,
  serverVersion: '3.5.30',
  minClusterVersion: '3.0.0',
  localPeerUrls: ['http://a:1', 'http://a:2'],
};

/** Headers of a peer, as node:http hands them over. */
function headers(fields: Record<string, string> = {}): Record<string, string> {
  const own = requestHeaders(identity);
  return Object.fromEntries(Object.entries({ ...own, ...fields }).map(([name, value]) => [name.toLowerCase(), value]));
}

test('a member says who it is, which cluster it is of, what it runs, and where it is reached', () => {
  expect(requestHeaders(identity)).toEqual({
    'X-Server-From': 'a',
    'X-Server-Version': '3.5.30',
    'X-Min-Cluster-Version': '3.0.0',
    'X-Etcd-Cluster-ID': 'c1a6e8504d9ddbe9',
    'X-PeerURLs': 'http://a:1,http://a:2',
  });
});

describe('a sender is accepted', () => {
  test.each([
    ['3.5.0', '3.0.0'],
    ['3.9.0', '3.0.0'],
    ['3.0.0', '2.3.0'],
    ['3.8.0-alpha.0', '3.5.0'],
  ])('with version %s that can live in %s', (server, minCluster) => {
    expect(
      incompatibility(headers({ 'X-Server-Version': server, 'X-Min-Cluster-Version': minCluster }), identity),
    ).toBeUndefined();
  });
});

describe('a sender is refused', () => {
  test.each([
    ['too old', { 'X-Server-Version': '2.3.0' }, 'incompatible version'],
    ['too new to live with this one', { 'X-Min-Cluster-Version': '3.9.0' }, 'incompatible version'],
    ['without a version', { 'X-Server-Version': '' }, 'incompatible version'],
    ['with a version that is none', { 'X-Server-Version': 'new' }, 'incompatible version'],
    ['of another cluster', { 'X-Etcd-Cluster-ID': 'c1a6e8504d9ddbe8' }, 'cluster ID mismatch'],
    ['of no cluster', { 'X-Etcd-Cluster-ID': '' }, 'cluster ID mismatch'],
  ])('when it is %s', (_, fields, text) => {
    expect(incompatibility(headers(fields), identity)).toBe(text);
  });
});

test('members before 2.1 cannot serve streams', () => {
  expect(supportsStreams({ 'x-server-version': '2.1.0' })).toBe(true);
  expect(supportsStreams({})).toBe(false);
  expect(supportsStreams({ 'x-server-version': 'x' })).toBe(false);
});
