import type { SrvRecord } from 'node:dns';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { discoverEndpoints } from './discovery.ts';

const record = (name: string, port: number, priority = 0, weight = 0): SrvRecord => ({ name, port, priority, weight });

function setUp(zone: Record<string, SrvRecord[]>) {
  const said: string[] = [];
  const sink = { write: (text: string | Uint8Array) => said.push(String(text)) };
  const io = { stdin: Readable.from([]), stdout: sink, stderr: sink, env: {} };
  const resolve = async (name: string): Promise<SrvRecord[]> => {
    const records = zone[name];
    if (records === undefined) throw new Error(`querySrv ENOTFOUND ${name}`);
    return records;
  };
  const discover = (more: object = {}) =>
    discoverEndpoints({ domain: 'example.com', service: '', insecure: true, ...more }, io, resolve);
  return { said, discover };
}

const both = {
  '_etcd-client-ssl._tcp.example.com': [record('b.example.com.', 2379, 1), record('a.example.com', 2379)],
  '_etcd-client._tcp.example.com': [record('light', 1, 0, 1), record('heavy', 2, 0, 9)],
};

test('endpoints with TLS come first, then by priority and weight', async () => {
  const found = await setUp(both).discover();
  expect(found).toEqual([
    'https://a.example.com:2379',
    'https://b.example.com:2379',
    'http://heavy:2',
    'http://light:1',
  ]);
});

test('without insecure discovery, those without TLS are named and left out', async () => {
  const { said, discover } = setUp(both);
  expect(await discover({ insecure: false })).toEqual(['https://a.example.com:2379', 'https://b.example.com:2379']);
  expect(said).toEqual([
    'ignoring discovered insecure endpoint "http://heavy:2"\n',
    'ignoring discovered insecure endpoint "http://light:1"\n',
  ]);
});

test('a service name is part of the record’s', async () => {
  const { discover } = setUp({ '_etcd-client-blue._tcp.example.com': [record('x', 7)] });
  expect(await discover({ service: 'blue' })).toEqual(['http://x:7']);
});

test('without any record, it is said what was asked for', async () => {
  await expect(setUp({}).discover()).rejects.toThrow('_etcd-client-ssl._tcp.example.com');
  await expect(setUp({}).discover()).rejects.toThrow('_etcd-client._tcp.example.com');
});
