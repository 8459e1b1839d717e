/** etcdserverpb.Maintenance (contract: api.md §2.8). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { DefragmentResponse, MaintenanceService, MoveLeaderResponse } from '../proto/gen/rpc.ts';
import { type Method, serverStream, unary } from './method.ts';
import { sendSnapshot } from './snapshot.ts';

export function maintenanceMethods(member: EtcdMember): Method[] {
  return [
    unary(MaintenanceService.Alarm, (request) => member.alarm(request)),
    unary(MaintenanceService.Status, async () => ({ ...member.status(), header: member.header() }), {
      allowedOnLearner: () => true,
    }),
    unary(MaintenanceService.Hash, () => member.hash()),
    unary(MaintenanceService.HashKV, ({ revision }) => member.hashKv(revision)),
    serverStream(MaintenanceService.Snapshot, (_request, stream) => sendSnapshot(member, stream), {
      allowedOnLearner: true,
    }),
    unary(MaintenanceService.Defragment, async () => {
      await member.defragment();
      // Without a header (contract: api.md §8, trap 2).
      return DefragmentResponse.create();
    }),
    unary(MaintenanceService.MoveLeader, async ({ targetID }) => {
      await member.moveLeader(targetID);
      return MoveLeaderResponse.create();
    }),
    unary(MaintenanceService.Downgrade, (request) => member.downgrade(request)),
  ];
}
