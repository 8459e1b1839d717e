/** Members of either engine, and callers with and without tokens, for the auth suites. */
import { credentials } from '@grpc/grpc-js';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import {
  type AuthenticateResponse,
  AuthService,
  type HashKVResponse,
  MaintenanceService,
} from '../../server/proto/gen/rpc.ts';
import type { MethodDefinition } from '../../server/proto/wire.ts';
import { TestCluster, type TestClusterOptions } from '../support/test-cluster.ts';
import { upstreamExecutables } from '../support/upstream.ts';
import type { Probe } from './auth-requests.ts';
import { type Answer, comparable, RawCaller } from './raw-caller.ts';

/** What is to be closed after a test. */
export const clusters: TestCluster[] = [];
export const callers: RawCaller[] = [];

export async function closeAll(): Promise<void> {
  for (const caller of callers.splice(0)) caller.close();
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
}

/** bcrypt at its cheapest: the suites log in often. */
export const flags = ['--unsafe-no-fsync', '--bcrypt-cost=4'];

export async function startOne(executables: Executables, options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await TestCluster.create(executables, {
    members: 1,
    ...options,
    flags: [...flags, ...(options.flags ?? [])],
  });
  clusters.push(cluster);
  await cluster.startAll();
  return cluster;
}

/** Calls of one member; closed with `closeAll`. */
export function callerOf(cluster: TestCluster, index = 0): RawCaller {
  const { clientUrl } = cluster.member(index);
  const caller = clientUrl.startsWith('https:')
    ? new RawCaller(clientUrl, channelOf(cluster))
    : new RawCaller(clientUrl);
  callers.push(caller);
  return caller;
}

function channelOf(cluster: TestCluster) {
  const { ca, cert, key } = cluster.clientTls();
  return credentials.createSsl(Buffer.from(ca as string), Buffer.from(key as string), Buffer.from(cert as string));
}

/** An upstream member and one of ours. */
export async function startBoth(options: TestClusterOptions = {}): Promise<[theirs: TestCluster, ours: TestCluster]> {
  return Promise.all([startOne(upstreamExecutables(), options), startOne(await ensureBuilt(), options)]);
}

export type Headers = Readonly<Record<string, string>>;

export async function ask<Q>(
  caller: RawCaller,
  method: MethodDefinition<Q, unknown>,
  request: Partial<Q>,
  headers: Headers = {},
): Promise<Answer> {
  return caller.ask(method, { ...method.request.create(), ...request }, headers);
}

export async function succeed<Q, A>(
  caller: RawCaller,
  method: MethodDefinition<Q, A>,
  request: Partial<Q>,
  headers?: Headers,
): Promise<A> {
  const answer = await ask(caller, method, request, headers);
  if ('error' in answer) throw new Error(`${method.path}: ${answer.error}`);
  return answer.response as A;
}

export async function login(caller: RawCaller, name: string, password = name): Promise<{ token: string }> {
  const { token }: AuthenticateResponse = await succeed(caller, AuthService.Authenticate, { name, password });
  return { token };
}

export async function outcome(
  caller: RawCaller,
  { method, request, isOpaque }: Probe,
  headers: Headers,
): Promise<unknown> {
  const answer = await caller.ask(method, request, headers);
  return isOpaque && 'response' in answer ? 'done' : comparable(answer);
}

export async function hashKv(caller: RawCaller, headers: Headers): Promise<number> {
  const { hash }: HashKVResponse = await succeed(caller, MaintenanceService.HashKV, {}, headers);
  return hash;
}
