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
  return [
    unary(ElectionService.Campaign, ({ name, lease: wanted, value }, context) =>
      withUnknownCodes(async () => {
        const lease = await leaseFor(member, wanted, context);
        const { place, header } = await campaign(lineStore(member, context), name, { lease, value }, context.signal);
        const leader = LeaderKey.create({ name, key: place.key, rev: place.revision, lease });
        return CampaignResponse.create({ header, leader });
      }),
    ),
    unary(ElectionService.Proclaim, ({ leader, value }, context) =>
      withUnknownCodes(async () => {
        const place = placeOf(leader);
        const lease = await leaseFor(member, leader?.lease ?? 0n, context);
        const header = await proclaim(lineStore(member, context), place, { lease, value });
        return ProclaimResponse.create({ header });
      }),
    ),
    unary(ElectionService.Leader, ({ name }, context) =>
      withUnknownCodes(async () => {
        const { header, kvs } = await member.range(firstOf(lineOf(name)), context);
        const [kv] = kvs;
        if (kv === undefined) throw new EtcdError(Code.Unknown, 'election: no leader');
        return LeaderResponse.create({ header, kv });
      }),
    ),
    serverStream(ElectionService.Observe, ({ name }, stream) =>
      withUnknownCodes(async () => {
        for await (const { kv, revision } of observeLeader(lineStore(member, stream), name, stream.signal)) {
          await stream.send(LeaderResponse.create({ header: { ...member.header(), revision }, kv }));
        }
      }),
    ),
    unary(ElectionService.Resign, ({ leader }, context) =>
      withUnknownCodes(async () => {
        const { header } = await leave(lineStore(member, context), placeOf(leader));
        return ResignResponse.create({ header });
      }),
    ),
  ];
}

function placeOf(leader: LeaderKey | undefined): Place {
  if (leader === undefined) throw new EtcdError(Code.Unknown, '"leader" field must be provided');
  return { key: leader.key, revision: leader.rev };
}
