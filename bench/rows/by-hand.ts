/** What the lab does in one command, done with cfssl, etcd and etcdctl. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Executables } from '../../scripts/build.ts';
import { freePorts } from '../../test/support/test-cluster.ts';
import type { Surroundings } from '../row.ts';

const run = promisify(execFile);
const healthyMs = 60_000;
const validity = '24h';

interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Where upstream's tools are there is cfssl. @throws Error with its last words when it fails */
async function cfssl({ etcd }: Executables, folder: string, request: object, args: readonly string[]): Promise<Pem> {
  const file = path.join(folder, 'request.json');
  await writeFile(file, JSON.stringify({ key: { algo: 'ecdsa', size: 256 }, ...request }));
  const { stdout } = await run(path.join(path.dirname(etcd), 'cfssl'), ['gencert', '-loglevel=5', ...args, file]);
  return JSON.parse(stdout) as Pem;
}

/**
 * Authorities and certificates of each, ECDSA P-256 as the lab's.
 *
 * @returns how long it took, in ms
 */
export async function certifyByHand(
  executables: Executables,
  folder: string,
  names: readonly { readonly authority: string; readonly certificates: readonly string[] }[],
): Promise<number> {
  const config = path.join(folder, 'config.json');
  const usages = ['signing', 'digital signature', 'server auth', 'client auth'];
  await writeFile(config, JSON.stringify({ signing: { default: { expiry: validity, usages } } }));
  const save = async (name: string, { cert, key }: Pem): Promise<void> => {
    await writeFile(path.join(folder, `${name}.pem`), cert);
    await writeFile(path.join(folder, `${name}-key.pem`), key, { mode: 0o600 });
  };
  const startMs = performance.now();
  for (const { authority, certificates } of names) {
    await save(authority, await cfssl(executables, folder, { CN: authority }, ['-initca']));
    const [ca, key] = [`${authority}.pem`, `${authority}-key.pem`].map((name) => path.join(folder, name));
    const signing = [`-ca=${ca}`, `-ca-key=${key}`, `-config=${config}`];
    for (const name of certificates) {
      await save(name, await cfssl(executables, folder, { CN: name, hosts: ['127.0.0.1'] }, signing));
    }
  }
  return performance.now() - startMs;
}

/**
 * Three members with certificates on both sides, each with a certificate of its own.
 *
 * @returns how long it took until all of them were healthy, in ms
 * @throws Error when they are not within a minute
 */
export async function bringUpByHand(
  executables: Executables,
  { scratch: folder, signal }: Pick<Surroundings, 'scratch' | 'signal'>,
): Promise<number> {
  const ports = await freePorts(6);
  const members = ['a', 'b', 'c'].map((name, i) => ({
    name,
    client: `https://127.0.0.1:${ports[2 * i]}`,
    peer: `https://127.0.0.1:${ports[2 * i + 1]}`,
  }));
  const initialCluster = members.map(({ name, peer }) => `${name}=${peer}`).join();
  const startMs = performance.now();
  await certifyByHand(executables, folder, [
    { authority: 'clients', certificates: [...members.map(({ name }) => `server-${name}`), 'client'] },
    { authority: 'peers', certificates: members.map(({ name }) => `peer-${name}`) },
  ]);
  const file = (name: string): string => path.join(folder, `${name}.pem`);
  const children: ChildProcess[] = [];
  try {
    for (const { name, client, peer } of members) {
      await mkdir(path.join(folder, name), { mode: 0o700 });
      const args = [
        ...[`--name=${name}`, `--data-dir=${path.join(folder, name)}`, `--initial-cluster=${initialCluster}`],
        ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, '--log-level=error'],
        ...['--client-cert-auth', `--trusted-ca-file=${file('clients')}`, `--cert-file=${file(`server-${name}`)}`],
        ...[`--key-file=${file(`server-${name}-key`)}`, '--peer-client-cert-auth'],
        ...[`--peer-trusted-ca-file=${file('peers')}`, `--peer-cert-file=${file(`peer-${name}`)}`],
        `--peer-key-file=${file(`peer-${name}-key`)}`,
      ];
      children.push(spawn(executables.etcd, args, { stdio: 'ignore', env: { PATH: process.env.PATH } }));
    }
    const health = [
      ...[`--endpoints=${members.map(({ client }) => client).join()}`, `--cacert=${file('clients')}`],
      ...[`--cert=${file('client')}`, `--key=${file('client-key')}`, 'endpoint', 'health'],
    ];
    await untilHealthy(executables.etcdctl, health, signal);
    return performance.now() - startMs;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  }
}

async function untilHealthy(etcdctl: string, health: readonly string[], signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + healthyMs;
  for (;;) {
    const failure = await run(etcdctl, [...health], { env: { PATH: process.env.PATH } }).then(
      () => undefined,
      (error: Error) => error,
    );
    if (failure === undefined) return;
    signal.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Error(`members are not healthy: ${failure.message}`);
    await delay(50);
  }
}
