/** etcdserverpb.Maintenance (contract: api.md §2.8). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { DefragmentResponse, MaintenanceService, MoveLeaderResponse } from '../proto/gen/rpc.ts';
import { type Method, serverStream, unary } from './method.ts';
import { sendSnapshot } from './snapshot.ts';

export function maintenanceMethods(member: EtcdMember): Method[] {
  return [
    unary(MaintenanceService.Alarm, (request, caller) => member.alarm(request, caller)),
    unary(
      MaintenanceService.Status,
      async (_request, caller) => ({ ...(await member.status(caller)), header: member.header() }),
      {
        allowedOnLearner: () => true,
      },
    ),
    unary(MaintenanceService.Hash, (_request, caller) => member.hash(caller)),
    unary(MaintenanceService.HashKV, ({ revision }, caller) => member.hashKv(revision, caller)),
    serverStream(MaintenanceService.Snapshot, (_request, stream) => sendSnapshot(member, stream), {
      ...{ allowedOnLearner: true, isFinite: true },
    }),
    unary(MaintenanceService.Defragment, async (_request, caller) => {
      await member.defragment(caller);
      // Without a header (contract: api.md §8, trap 2).
      return DefragmentResponse.create();
    }),
    unary(MaintenanceService.MoveLeader, async ({ targetID }, caller) => {
      await member.moveLeader(targetID, caller);
      return MoveLeaderResponse.create();
    }),
    unary(MaintenanceService.Downgrade, (request, caller) => member.downgrade(request, caller)),
  ];
}
