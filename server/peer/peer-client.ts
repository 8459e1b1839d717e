/**
 * What a member asks others outside of raft: to join, to decide the cluster version, to compare hashes, to forward
 * what only the leader can do (contract: disk-and-peer §8, §8.5, §9).
 */
import {
  type EtcdError,
  errCompacted,
  errFutureRevision,
  errLearnerNotReady,
  errLeaseNotFound,
  errMemberNotFound,
  errMemberNotLearner,
  errNotEnoughStartedMembers,
  errTimeout,
} from '../errors/etcd-error.ts';
import { decodeMembers, idFromHex, idToHex, type Member } from '../membership/mod.ts';
import {
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
} from '../proto/gen/rpc.ts';
import { type Answer, Dialer, type RoundTripOptions } from './dialer.ts';
import { clusterIdHeader, header } from './headers.ts';
import { decodeLeaseResponse, encodeLeaseRequest } from './lease-envelope.ts';
import type { TlsFiles } from './tls.ts';
import { reasonOf } from './types.ts';

export interface PeerClientOptions {
  tls?: TlsFiles;
  /** For each question, connecting included; 5 s unless given. */
  timeoutMs?: number;
}

/** Thrown when no member gave an answer that can be used. */
export class PeerClientError extends Error {
  override readonly name = 'PeerClientError';
}

/** The cluster as another member sees it. */
export interface RemoteCluster {
  clusterId: bigint;
  members: Member[];
}

export interface RemoteVersion {
  /** Such as `3.5.30`. */
  server: string;
  /** Such as `3.5.0`; undefined when the cluster has not decided. */
  cluster: string | undefined;
}

/** The hash of a member's keys at one revision. */
export interface RemoteHashKv {
  /** The store's revision when it answered. */
  revision: number;
  hash: number;
  compactRevision: number;
}

export class PeerClient {
  private readonly dialer: Dialer;
  private readonly timeoutMs: number;

  constructor(options: PeerClientOptions = {}) {
    this.timeoutMs = options.timeoutMs ?? 5000;
    this.dialer = new Dialer(options.tls, { dialTimeoutMs: this.timeoutMs, readTimeoutMs: this.timeoutMs });
  }

  close(): void {
    this.dialer.close();
  }

  /**
   * Who is in the cluster: the first answer of the given URLs, asked one after the other.
   *
   * @throws PeerClientError with upstream's text, and what each URL answered, when none gave one
   */
  async fetchMembers(urls: readonly string[]): Promise<RemoteCluster> {
    const failures: string[] = [];
    for (const url of urls) {
      try {
        const answer = await this.ask(url, { method: 'GET', path: '/members' });
        const clusterId = idFromHex(header(answer.headers, clusterIdHeader));
        if (clusterId === undefined) throw new PeerClientError(`answer without ${clusterIdHeader}`);
        const members = decodeMembers(answer.body);
        if (members.length === 0) throw new PeerClientError('answer without members');
        return { clusterId, members };
      } catch (error) {
        failures.push(`${url}: ${reasonOf(error)}`);
      }
    }
    throw new PeerClientError(
      `could not retrieve cluster information from the given URLs${failures.map((line) => `; ${line}`).join('')}`,
    );
  }

  /** @throws PeerClientError, or Error when there is no connection */
  async fetchVersion(url: string): Promise<RemoteVersion> {
    const { body } = await this.ask(url, { method: 'GET', path: '/version' });
    const { etcdserver, etcdcluster } = parseObject(body);
    if (typeof etcdserver !== 'string') throw new PeerClientError('answer to /version without a server version');
    const decided = typeof etcdcluster === 'string' && etcdcluster !== 'not_decided';
    return { server: etcdserver, cluster: decided ? etcdcluster : undefined };
  }

  /** @throws PeerClientError, or Error when there is no connection */
  async fetchDowngradeEnabled(url: string): Promise<boolean> {
    const { body } = await this.ask(url, { method: 'GET', path: '/downgrade/enabled' });
    const text = body.toString().trim();
    if (text !== 'true' && text !== 'false')
      throw new PeerClientError('answer to /downgrade/enabled is no truth value');
    return text === 'true';
  }

  /**
   * @param clusterId the member must belong to this cluster
   * @param revision 0 for the member's newest
   * @throws EtcdError when the member has compacted the revision or not reached it; PeerClientError; Error
   */
  async fetchHashKv(url: string, clusterId: bigint, revision: number): Promise<RemoteHashKv> {
    const { body } = await this.ask(
      url,
      {
        method: 'GET',
        path: '/members/hashkv',
        headers: { 'Content-Type': 'application/json', [clusterIdHeader]: idToHex(clusterId) },
        body: Buffer.from(JSON.stringify({ revision })),
      },
      [
        { text: 'required revision has been compacted', error: errCompacted },
        { text: 'required revision is a future revision', error: errFutureRevision },
      ],
    );
    const json = parseObject(body);
    return {
      revision: wholeNumber(objectFrom(json.header).revision),
      hash: wholeNumber(json.hash),
      compactRevision: wholeNumber(json.compact_revision),
    };
  }

  /** Asks the leader to make a voter of a learner. @throws EtcdError as the client shall see it */
  async promoteMember(url: string, id: bigint, token?: string): Promise<Member[]> {
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: token };
    const { body } = await this.ask(url, { method: 'POST', path: `/members/promote/${id}`, headers }, [
      { text: 'which is in sync with leader', error: errLearnerNotReady },
      { text: 'can only promote a learner member', error: errMemberNotLearner },
      { text: 'membership: ID not found', error: errMemberNotFound },
      { text: 'not enough started members', error: errNotEnoughStartedMembers },
    ]);
    return decodeMembers(body);
  }

  /** Asks the leader to renew a lease. @returns the time to live in seconds @throws EtcdError */
  async renewLease(url: string, id: bigint): Promise<number> {
    const body = LeaseKeepAliveRequest.encode(LeaseKeepAliveRequest.create({ ID: id }));
    const answer = await this.ask(url, protobuf('/leases', body), leaseRefusals);
    const { ID, TTL } = LeaseKeepAliveResponse.decode(answer.body);
    if (ID !== id) throw new PeerClientError(`answer about lease ${idToHex(ID)} instead of ${idToHex(id)}`);
    return TTL;
  }

  /** Asks the leader how long a lease lives on. @throws EtcdError */
  async leaseTimeToLive(url: string, id: bigint, keys: boolean): Promise<LeaseTimeToLiveResponse> {
    const body = encodeLeaseRequest(LeaseTimeToLiveRequest.create({ ID: id, keys }));
    const answer = await this.ask(url, protobuf('/leases/internal', body), leaseRefusals);
    return decodeLeaseResponse(answer.body);
  }

  private async ask(
    url: string,
    question: Omit<RoundTripOptions, 'timeoutMs'>,
    refusals: readonly Refusal[] = [],
  ): Promise<Answer> {
    const answer = await this.dialer.roundTrip(url, {
      ...question,
      timeoutMs: this.timeoutMs,
      maxBodyBytes: maxAnswerBytes,
    });
    if (answer.status === 200) return answer;
    const text = answer.body.subarray(0, 4096).toString().trim();
    const refusal = refusals.find((each) => text.includes(each.text));
    throw refusal?.error() ?? new PeerClientError(`${url}${question.path} answered ${answer.status} ${text}`);
  }
}

/** A lease may hold very many keys. */
const maxAnswerBytes = 64 * 1024 * 1024;

interface Refusal {
  text: string;
  error: () => EtcdError;
}

const leaseRefusals: readonly Refusal[] = [
  { text: 'lease not found', error: errLeaseNotFound },
  { text: 'timed out', error: errTimeout },
];

function protobuf(path: string, body: Uint8Array): Omit<RoundTripOptions, 'timeoutMs'> {
  return { method: 'POST', path, headers: { 'Content-Type': 'application/protobuf' }, body };
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    return objectFrom(JSON.parse(body.toString()));
  } catch (error) {
    throw new PeerClientError(`answer is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function objectFrom(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A number that Go leaves out when it is 0. */
function wholeNumber(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new PeerClientError('answer with a bad number');
  return value;
}
