import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../../test/support/test-cluster.ts';
import { silentLogger } from '../base/logger.ts';
import { readCommandLine, thisSystem } from './command-line.ts';
import { EtcdServer } from './start.ts';

let directory: string;
const servers: EtcdServer[] = [];
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-auto-tls-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(directory, { recursive: true, force: true });
});

function post(url: string, body: string, options: https.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: 'POST', agent: false, ...options }, (response) => {
      text(response).then(resolve, reject);
    });
    request.once('error', reject).end(body);
  });
}

test('members find and serve each other with certificates that each has made for itself', async () => {
  const ports = await freePorts(4);
  const [clientA, peerA, clientB, peerB] = ports.map((port) => `https://127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
  ];
  const start = (name: string, client: string, peer: string): Promise<void> => {
    const command = readCommandLine(
      [
        ...[`--name=${name}`, `--data-dir=${path.join(directory, name)}`, '--auto-tls', '--peer-auto-tls'],
        ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
        ...[`--initial-cluster=a=${peerA},b=${peerB}`, '--self-signed-cert-validity=2'],
      ],
      { ...thisSystem(), environment: {} },
    );
    if (command.kind !== 'start') throw new Error(command.stderr);
    const server = new EtcdServer(command.config, silentLogger);
    servers.push(server);
    return server.start({ onFatal: () => {}, onRemoved: () => {} });
  };
  await Promise.all([start('a', clientA, peerA), start('b', clientB, peerB)]);

  const file = (name: string, ...rest: string[]) => path.join(directory, name, 'fixtures', ...rest);
  await post(`${clientA}/v3/kv/put`, '{"key":"YQ==","value":"Yg=="}', {
    ca: readFileSync(file('a', 'client', 'cert.pem')),
  });
  const answer = await post(`${clientB}/v3/kv/range`, '{"key":"YQ=="}', {
    ca: readFileSync(file('b', 'client', 'cert.pem')),
  });
  expect(JSON.parse(answer)).toMatchObject({ kvs: [{ key: 'YQ==', value: 'Yg==' }] });
  for (const side of ['client', 'peer']) expect(statSync(file('a', side, 'key.pem')).mode & 0o777).toBe(0o600);
});
