/** v3electionpb.Election (contract: api.md §1.7). */
import { campaign, firstOf, leave, lineOf, observeLeader, type Place, proclaim } from '../concurrency/mod.ts';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import {
  CampaignResponse,
  ElectionService,
  LeaderKey,
  LeaderResponse,
  ProclaimResponse,
  ResignResponse,
} from '../proto/gen/election.ts';
import { type LineMember, leaseFor, lineStore, withUnknownCodes } from './line-store.ts';
import { type Method, serverStream, unary } from './method.ts';

export function electionMethods(member: LineMember): Method[] {
  const store = lineStore(member);
  return [
    unary(ElectionService.Campaign, ({ name, lease: wanted, value }, { signal }) =>
      withUnknownCodes(async () => {
        const lease = await leaseFor(member, wanted);
        const { place, header } = await campaign(store, name, { lease, value }, signal);
        const leader = LeaderKey.create({ name, key: place.key, rev: place.revision, lease });
        return CampaignResponse.create({ header, leader });
      }),
    ),
    unary(ElectionService.Proclaim, ({ leader, value }) =>
      withUnknownCodes(async () => {
        const place = placeOf(leader);
        const lease = await leaseFor(member, leader?.lease ?? 0n);
        return ProclaimResponse.create({ header: await proclaim(store, place, { lease, value }) });
      }),
    ),
    unary(ElectionService.Leader, ({ name }) =>
      withUnknownCodes(async () => {
        const { header, kvs } = await member.range(firstOf(lineOf(name)));
        const [kv] = kvs;
        if (kv === undefined) throw new EtcdError(Code.Unknown, 'election: no leader');
        return LeaderResponse.create({ header, kv });
      }),
    ),
    serverStream(ElectionService.Observe, ({ name }, stream) =>
      withUnknownCodes(async () => {
        for await (const { kv, revision } of observeLeader(store, name, stream.signal)) {
          await stream.send(LeaderResponse.create({ header: { ...member.header(), revision }, kv }));
        }
      }),
    ),
    unary(ElectionService.Resign, ({ leader }) =>
      withUnknownCodes(async () => {
        const { header } = await leave(store, placeOf(leader));
        return ResignResponse.create({ header });
      }),
    ),
  ];
}

function placeOf(leader: LeaderKey | undefined): Place {
  if (leader === undefined) throw new EtcdError(Code.Unknown, '"leader" field must be provided');
  return { key: leader.key, revision: leader.rev };
}
