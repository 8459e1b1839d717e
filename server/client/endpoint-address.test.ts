import { expect, test } from 'vitest';
import { parseEndpoint } from './endpoint-address.ts';

test.for([
  ['127.0.0.1:2379', { target: '127.0.0.1:2379', host: '127.0.0.1', port: 2379, tls: 'if-configured' }],
  ['node1:2379', { target: 'node1:2379', host: 'node1', port: 2379, tls: 'if-configured' }],
  ['http://127.0.0.1:2379', { target: '127.0.0.1:2379', tls: 'no' }],
  ['HTTPS://node1:2379/', { target: 'node1:2379', tls: 'yes' }],
  ['https://[::1]:2379', { target: '[::1]:2379', host: '::1', tls: 'yes' }],
  ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ['unix:///run/etcd.sock', { target: 'unix:/run/etcd.sock', socketPath: '/run/etcd.sock', tls: 'if-configured' }],
  ['unixs:etcd.sock', { target: 'unix:etcd.sock', socketPath: 'etcd.sock', tls: 'yes' }],
] as const)('%s', ([endpoint, expected]) => {
  expect(parseEndpoint(endpoint)).toMatchObject(expected);
});

test.for([
  '',
  'node1',
  'node1:',
  ':2379',
  'node1:99999',
  '::1:2379',
  'ftp://node1:1',
  'http://node1',
  'unix://',
  'a b:1:2',
])('%j is refused', (endpoint) => {
  expect(() => parseEndpoint(endpoint)).toThrow(/endpoint "/);
});
