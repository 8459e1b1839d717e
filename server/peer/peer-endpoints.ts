/** The peer port beside raft: what members ask each other about the cluster (contract: disk-and-peer §8, api.md §4.3). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EtcdError } from '../errors/etcd-error.ts';
import { encodeMembers, idFromDecimal, idToHex, type Member } from '../membership/mod.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse, type LeaseTimeToLiveResponse } from '../proto/gen/rpc.ts';
import { WireError } from '../proto/wire.ts';
import { BodyTooLargeError } from './dialer.ts';
import { clusterIdHeader, errClusterIdMismatch, header } from './headers.ts';
import { allowMethod, answerAndClose, answerError, answerJson, answerNotFound, pathOf } from './http-answer.ts';
import { decodeLeaseRequest, encodeLeaseResponse } from './lease-envelope.ts';
import { RequestBody } from './request-body.ts';
import { reasonOf } from './types.ts';

/** A revision's hash, as one member computes it for another. Revisions are the store's. */
export interface HashKv {
  /** The store's revision when it was computed. */
  revision: number;
  hash: number;
  compactRevision: number;
}

/**
 * What the peer port answers from. What is left out is answered with 404. A method that rejects with an EtcdError
 * refuses the request.
 */
export interface PeerHandlers {
  readonly clusterId: bigint;
  readonly serverVersion: string;
  /** Such as `3.5.0`; undefined until the cluster has decided. */
  clusterVersion(): string | undefined;
  members(): Member[];
  /** @returns all members, after this learner has become a voter. Rejects with what a client is told. */
  promoteMember?(id: bigint): Promise<Member[]>;
  /** @param revision 0 for the newest */
  hashKv?(revision: number): Promise<HashKv>;
  /** Whether a downgrade is announced; answered when this member knows what the leader knows. */
  downgradeEnabled?(): Promise<boolean>;
  /** Renews a lease that this member, the leader, keeps. @returns its time to live in seconds */
  renewLease?(id: bigint): Promise<number>;
  leaseTimeToLive?(id: bigint, keys: boolean): Promise<LeaseTimeToLiveResponse>;
  /** `/raft` and below: a Transport's. @returns false when the path is none of raft's */
  raft?(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Questions are small; upstream has the same bound for leases since 3.7. */
const maxQuestionBytes = 64 * 1024;

/** Answers one request of the peer port. @param idleTimeoutMs the longest silence while its body is sent */
export async function answerPeerRequest(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  idleTimeoutMs: number,
): Promise<void> {
  if (handlers.raft?.(request, response) === true) return;
  const path = pathOf(request);
  const readBody = () => new RequestBody(request, idleTimeoutMs).readAll(maxQuestionBytes);
  try {
    if (path === '/members') answerMembers(handlers, request, response);
    else if (path === '/version') answerVersion(handlers, request, response);
    else if (path === '/members/hashkv') await answerHashKv(handlers, request, response, readBody);
    else if (path.startsWith('/members/promote/')) await answerPromote(handlers, request, response, path);
    else if (path === '/downgrade/enabled') await answerDowngrade(handlers, request, response);
    else if (path === '/leases') await answerLeaseRenewal(handlers, request, response, readBody);
    else if (path === '/leases/internal') await answerLeaseTimeToLive(handlers, request, response, readBody);
    else answerNotFound(response);
  } catch (error) {
    if (response.headersSent || request.socket.destroyed) request.socket.destroy();
    else if (error instanceof BodyTooLargeError) answerAndClose(response, 413, error.message);
    else answerError(response, statusOf(error), textOf(error));
  }
}

function answerMembers(handlers: PeerHandlers, request: IncomingMessage, response: ServerResponse): void {
  if (!allowMethod(request, response, 'GET')) return;
  response.setHeader(clusterIdHeader, idToHex(handlers.clusterId));
  answerJson(response, `${encodeMembers(handlers.members())}\n`);
}

function answerVersion(handlers: PeerHandlers, request: IncomingMessage, response: ServerResponse): void {
  if (!allowMethod(request, response, 'GET')) return;
  const etcdcluster = handlers.clusterVersion() ?? 'not_decided';
  answerJson(response, JSON.stringify({ etcdserver: handlers.serverVersion, etcdcluster }));
}

async function answerHashKv(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  readBody: () => Promise<Buffer>,
): Promise<void> {
  if (handlers.hashKv === undefined) return answerNotFound(response);
  if (!allowMethod(request, response, 'GET')) return;
  response.setHeader(clusterIdHeader, idToHex(handlers.clusterId));
  const asked = header(request.headers, clusterIdHeader);
  if (asked !== '' && asked !== idToHex(handlers.clusterId)) return answerError(response, 412, errClusterIdMismatch);
  const revision = revisionIn((await readBody()).toString());
  if (revision === undefined) return answerError(response, 400, 'error unmarshalling request');
  let result: HashKv;
  try {
    result = await handlers.hashKv(revision);
  } catch (error) {
    return answerError(response, 400, textOf(error));
  }
  answerJson(
    response,
    JSON.stringify({
      header: { revision: result.revision },
      // Zeros are left out, as Go does it with these fields.
      hash: result.hash === 0 ? undefined : result.hash,
      compact_revision: result.compactRevision === 0 ? undefined : result.compactRevision,
    }),
  );
}

/** @returns undefined when `text` is not such as `{"revision":5}` */
function revisionIn(text: string): number | undefined {
  try {
    const revision = (JSON.parse(text) as { revision?: unknown } | null)?.revision ?? 0;
    return typeof revision === 'number' && Number.isSafeInteger(revision) ? revision : undefined;
  } catch {
    return undefined;
  }
}

async function answerPromote(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (handlers.promoteMember === undefined) return answerNotFound(response);
  if (!allowMethod(request, response, 'POST')) return;
  response.setHeader(clusterIdHeader, idToHex(handlers.clusterId));
  const text = path.slice('/members/promote/'.length);
  const id = idFromDecimal(text);
  if (id === undefined) return answerError(response, 404, `member ${text} not found in cluster`);
  try {
    answerJson(response, `${encodeMembers(await handlers.promoteMember(id))}\n`);
  } catch (error) {
    const message = textOf(error);
    const refusal = promoteRefusals.find(({ when }) => message.includes(when));
    answerError(response, refusal?.status ?? 500, refusal?.text ?? message);
  }
}

/** Members match on these texts to tell their clients why (contract: api.md §4.3). */
export const promoteRefusals = [
  { when: 'member not found', status: 404, text: 'membership: ID not found' },
  {
    when: 'can only promote a learner member which is in sync',
    status: 412,
    text: 'etcdserver: can only promote a learner member which is in sync with leader',
  },
  { when: 'can only promote a learner member', status: 412, text: 'membership: can only promote a learner member' },
];

async function answerDowngrade(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (handlers.downgradeEnabled === undefined) return answerNotFound(response);
  if (!allowMethod(request, response, 'GET')) return;
  response.setHeader(clusterIdHeader, idToHex(handlers.clusterId));
  const enabled = await handlers.downgradeEnabled();
  response.setHeader('Content-Type', 'text/plain');
  response.end(String(enabled));
}

async function answerLeaseRenewal(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  readBody: () => Promise<Buffer>,
): Promise<void> {
  if (handlers.renewLease === undefined) return answerNotFound(response);
  if (!allowMethod(request, response, 'POST')) return;
  const { ID } = LeaseKeepAliveRequest.decode(await readBody());
  const TTL = await handlers.renewLease(ID);
  answerProto(response, LeaseKeepAliveResponse.encode(LeaseKeepAliveResponse.create({ ID, TTL })));
}

async function answerLeaseTimeToLive(
  handlers: PeerHandlers,
  request: IncomingMessage,
  response: ServerResponse,
  readBody: () => Promise<Buffer>,
): Promise<void> {
  if (handlers.leaseTimeToLive === undefined) return answerNotFound(response);
  if (!allowMethod(request, response, 'POST')) return;
  const { ID, keys } = decodeLeaseRequest(await readBody());
  answerProto(response, encodeLeaseResponse(await handlers.leaseTimeToLive(ID, keys)));
}

function answerProto(response: ServerResponse, bytes: Uint8Array): void {
  response.setHeader('Content-Type', 'application/protobuf');
  response.end(bytes);
}

function statusOf(error: unknown): number {
  if (error instanceof WireError) return 400;
  if (!(error instanceof EtcdError)) return 500;
  if (error.message.includes('lease not found')) return 404;
  return error.message.includes('timed out') ? 408 : 400;
}

/** The text of an error as it goes between members: without the prefix that the API puts in front. */
function textOf(error: unknown): string {
  if (error instanceof WireError) return 'error unmarshalling request';
  const text = reasonOf(error).replace(/^etcdserver: /, '');
  return text === 'requested lease not found' ? 'lease not found' : text;
}
