/** v3electionpb.Election (contract: api.md §1.7). */
import { Code, EtcdError } from '../../errors/etcd-error.ts';
import {
  CampaignResponse,
  ElectionService,
  LeaderKey,
  type LeaderRequest,
  LeaderResponse,
  ProclaimResponse,
  ResignResponse,
} from '../../proto/gen/election.ts';
import { Event_EventType, type KeyValue } from '../../proto/gen/kv.ts';
import { RangeRequest, type ResponseHeader } from '../../proto/gen/rpc.ts';
import { type CallStream, type Method, serverStream, unary } from '../method.ts';
import { localWatch } from './local-watch.ts';
import {
  firstOf,
  ifCreatedAt,
  type KeySpan,
  keyInLine,
  type LineMember,
  leaseFor,
  leave,
  lineOf,
  type Place,
  putOp,
  rangeOp,
  waitForTurn,
  withUnknownCodes,
} from './waiting-line.ts';

/** What announcing and leaving take of a member; the header says when. */
export type ElectionMember = LineMember & { header(): ResponseHeader };

const errNoElectionLeader = (): EtcdError => new EtcdError(Code.Unknown, 'election: no leader');
const errNotElectionLeader = (): EtcdError => new EtcdError(Code.Unknown, 'election: not leader');
const errMissingLeaderKey = (): EtcdError => new EtcdError(Code.Unknown, '"leader" field must be provided');

export function electionMethods(member: ElectionMember): Method[] {
  return [
    unary(ElectionService.Campaign, ({ name, lease, value }, { signal }) =>
      withUnknownCodes(async () => campaign(member, name, await leaseFor(member, lease), value, signal)),
    ),
    unary(ElectionService.Proclaim, ({ leader, value }) =>
      withUnknownCodes(async () => {
        if (leader === undefined) throw errMissingLeaderKey();
        const lease = await leaseFor(member, leader.lease);
        const header = await proclaim(member, { key: leader.key, revision: leader.rev }, lease, value);
        return ProclaimResponse.create({ header });
      }),
    ),
    unary(ElectionService.Leader, ({ name }) =>
      withUnknownCodes(async () => {
        const { header, kvs } = await member.range(firstOf(lineOf(name)));
        const [kv] = kvs;
        if (kv === undefined) throw errNoElectionLeader();
        return LeaderResponse.create({ header, kv });
      }),
    ),
    serverStream(ElectionService.Observe, ({ name }, stream) =>
      withUnknownCodes(() => observe(member, lineOf(name), stream)),
    ),
    unary(ElectionService.Resign, ({ leader }) =>
      withUnknownCodes(async () => {
        if (leader === undefined) throw errMissingLeaderKey();
        const { header } = await leave(member, { key: leader.key, revision: leader.rev });
        return ResignResponse.create({ header });
      }),
    ),
  ];
}

async function campaign(
  member: LineMember,
  name: Uint8Array,
  lease: bigint,
  value: Uint8Array,
  signal: AbortSignal,
): Promise<CampaignResponse> {
  const line = lineOf(name);
  const key = keyInLine(line, lease);
  const own = RangeRequest.create({ key });
  const entered = await ifCreatedAt(member, { key, revision: 0 }, [putOp(key, value, lease)], [rangeOp(own)]);
  const mine = entered.responses[0]?.response_range?.kvs[0];
  const place: Place = { key, revision: mine?.create_revision ?? entered.header?.revision ?? 0 };
  try {
    if (mine !== undefined && !Buffer.from(mine.value).equals(value)) await proclaim(member, place, lease, value);
    await waitForTurn(member, line, place.revision, signal);
  } catch (error) {
    // Else others would wait for somebody who has gone. If this fails as well, the lease takes the key away.
    await leave(member, place).catch(() => undefined);
    throw error;
  }
  const leader = LeaderKey.create({ name, key, rev: place.revision, lease });
  return CampaignResponse.create({ header: entered.header, leader });
}

async function proclaim(
  member: LineMember,
  place: Place,
  lease: bigint,
  value: Uint8Array,
): Promise<ResponseHeader | undefined> {
  const { succeeded, header } = await ifCreatedAt(member, place, [putOp(place.key, value, lease)]);
  if (!succeeded) throw errNotElectionLeader();
  return header;
}

/** Tells of each leader and of each value that it proclaims, until the client leaves. */
async function observe(
  member: ElectionMember,
  line: KeySpan,
  stream: CallStream<LeaderRequest, LeaderResponse>,
): Promise<void> {
  const tell = async (kv: KeyValue, revision: number): Promise<void> => {
    await stream.send(LeaderResponse.create({ header: { ...member.header(), revision }, kv }));
  };
  for (;;) {
    const leader = await currentLeader(member, line, stream.signal);
    if (leader === undefined) continue;
    await tell(leader.kv, leader.revision);
    await tellUntilGone(member, leader, stream.signal, tell);
  }
}

interface Leader {
  readonly kv: KeyValue;
  /** As of which it is so. */
  readonly revision: number;
}

/** The leader, or the first that comes. Undefined when it may have been missed: to be asked again. */
async function currentLeader(member: ElectionMember, line: KeySpan, signal: AbortSignal): Promise<Leader | undefined> {
  const { kvs, header } = await member.range(firstOf(line));
  const revision = header?.revision ?? 0;
  const [kv] = kvs;
  if (kv !== undefined) return { kv, revision };
  for await (const { events } of localWatch(member.watches, { ...line, startRevision: revision }, signal)) {
    const put = events.find(({ type }) => type === Event_EventType.PUT)?.kv;
    if (put !== undefined) return { kv: put, revision: put.mod_revision };
  }
  return undefined;
}

async function tellUntilGone(
  { watches }: ElectionMember,
  { kv: { key }, revision }: Leader,
  signal: AbortSignal,
  tell: (kv: KeyValue, revision: number) => Promise<void>,
): Promise<void> {
  const spec = { key, end: new Uint8Array(0), startRevision: revision + 1 };
  for await (const { events } of localWatch(watches, spec, signal)) {
    for (const { type, kv } of events) {
      if (type === Event_EventType.DELETE || kv === undefined) return;
      await tell(kv, kv.mod_revision);
    }
  }
}
