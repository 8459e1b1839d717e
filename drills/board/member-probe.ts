/** Asks one member. It can only read: nothing else of the client is within reach. */
import { EtcdClient, explainConnectFailure, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import type { StatusResponse } from '../../server/proto/gen/rpc.ts';
import { fetchCounters } from './fetch-counters.ts';
import { type Identity, isSameIdentity } from './identity.ts';
import type { AlarmType, Counters, MemberAnswer, RosterEntry, Silence } from './observation.ts';

/** A member that is well answers in milliseconds. */
const callTimeoutMs = 1000;
/** How often a silent member is asked why: that opens a connection of its own. */
const explainIntervalMs = 5000;

export class MemberProbe {
  private readonly url: string;
  private readonly now: () => number;
  private identities: readonly Identity[] = [];
  private client: { readonly etcd: EtcdClient; readonly identity: Identity } | undefined;
  private explained: { readonly silence: Silence; readonly atMs: number } | undefined;

  /** @param url its client URL @param now milliseconds */
  constructor(url: string, now: () => number) {
    this.url = url;
    this.now = now;
  }

  /** As whom the member is asked. */
  get user(): string | undefined {
    return this.client?.identity.user;
  }

  /** Asks as the first of them that the member lets ask. @param identities at least one */
  identifyAs(identities: readonly Identity[]): void {
    const isSame =
      identities.length === this.identities.length &&
      identities.every((identity, i) => isSameIdentity(identity, this.identities[i] as Identity));
    if (isSame) return;
    this.identities = identities;
    this.connectAs(identities[0]);
  }

  /**
   * What the member says, or why it says nothing. Does not reject.
   * @param processSilence why its process cannot answer, if that is so; asked only if there is no answer
   */
  async status(processSilence: () => Promise<Silence | undefined>): Promise<MemberAnswer | Silence> {
    const { client } = this;
    if (client === undefined) return { kind: 'unreachable', detail: 'there is no certificate to ask it with' };
    try {
      const answer = readAnswer(await client.etcd.status({}, { timeoutMs: callTimeoutMs }));
      this.explained = undefined;
      return answer;
    } catch (error) {
      const next = isRefusal(error) ? this.identities[this.identities.indexOf(client.identity) + 1] : undefined;
      if (next !== undefined) {
        this.connectAs(next);
        return this.status(processSilence);
      }
      if (isRefusal(error)) return { kind: 'refused', detail: (error as Error).message };
      return (await processSilence()) ?? this.explain(client.identity);
    }
  }

  /** The member list as this member has it, without asking the others. Does not reject. */
  async roster(): Promise<RosterEntry[] | undefined> {
    try {
      const answer = await this.client?.etcd.memberList({ linearizable: false }, { timeoutMs: callTimeoutMs });
      return answer?.members.map(({ ID, name, isLearner }) => ({ memberId: ID.toString(16), name, isLearner }));
    } catch {
      return undefined;
    }
  }

  /** Does not reject. @returns undefined if they cannot be read */
  async counters(): Promise<Counters | undefined> {
    // Any certificate of the lab will do for /metrics.
    const [identity] = this.identities;
    if (identity === undefined) return undefined;
    return fetchCounters(this.url, identity, this.now, callTimeoutMs).catch(() => undefined);
  }

  close(): void {
    this.client?.etcd.close();
    this.client = undefined;
  }

  private connectAs(identity: Identity | undefined): void {
    this.close();
    if (identity === undefined) return;
    try {
      const etcd = new EtcdClient({ endpoints: [this.url], tls: identity, dialTimeoutMs: callTimeoutMs });
      this.client = { etcd, identity };
    } catch {
      // A file that is just being replaced, or damaged on purpose: the next reading brings another.
      this.identities = [];
    }
  }

  private async explain(identity: Identity): Promise<Silence> {
    if (this.explained !== undefined && this.now() - this.explained.atMs < explainIntervalMs) {
      return this.explained.silence;
    }
    const sentence = await explainConnectFailure(this.url, identity, callTimeoutMs);
    const detail = sentence.replace(`${this.url}: `, '');
    const silence: Silence = { kind: 'silent', detail };
    this.explained = { silence, atMs: this.now() };
    return silence;
  }
}

/** With users on: `permission denied`, `user name not found`, `user name is empty`, `invalid auth token`. */
const refusals: readonly number[] = [
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.Unauthenticated,
];

function isRefusal(error: unknown): boolean {
  return error instanceof RpcError && refusals.includes(error.code);
}

function readAnswer(status: StatusResponse): MemberAnswer {
  const { header, leader } = status;
  return {
    memberId: (header?.member_id ?? 0n).toString(16),
    clusterId: (header?.cluster_id ?? 0n).toString(16),
    ...(leader !== 0n && { leaderId: leader.toString(16) }),
    isLearner: status.isLearner,
    version: status.version,
    term: status.raftTerm,
    committedIndex: status.raftIndex,
    appliedIndex: status.raftAppliedIndex,
    revision: header?.revision ?? 0,
    dbSizeBytes: status.dbSize,
    dbInUseBytes: status.dbSizeInUse,
    alarms: status.errors.flatMap(readAlarm),
  };
}

/**
 * Status tells of alarms in words, such as `memberID:10501334649042878790 alarm:NOSPACE `. The RPC Alarm would tell of
 * them in fields, and write an entry into the log each time that it is asked.
 */
function readAlarm(words: string): { memberId: string; type: AlarmType }[] {
  const match = /memberID:\s*(\d+)\s+alarm:\s*(NOSPACE|CORRUPT)/.exec(words);
  return match === null ? [] : [{ memberId: BigInt(match[1] ?? 0).toString(16), type: match[2] as AlarmType }];
}
