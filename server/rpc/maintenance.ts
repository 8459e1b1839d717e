/** etcdserverpb.Maintenance (contract: api.md §2.8). */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { EtcdMember } from '../member/etcd-member.ts';
import {
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmResponse,
  AlarmType,
  MaintenanceService,
  MoveLeaderResponse,
} from '../proto/gen/rpc.ts';
import { type Method, serverStream, unary, unimplemented } from './method.ts';
import { sendSnapshot } from './snapshot.ts';

export function maintenanceMethods(member: EtcdMember): Method[] {
  return [
    unary(MaintenanceService.Alarm, async (request) => alarm(member, request)),
    unary(MaintenanceService.Status, async () => ({ ...member.status(), header: member.header() }), {
      allowedOnLearner: () => true,
    }),
    unary(MaintenanceService.Hash, () => member.hash()),
    unary(MaintenanceService.HashKV, ({ revision }) => member.hashKv(revision)),
    serverStream(MaintenanceService.Snapshot, (_request, stream) => sendSnapshot(member, stream), {
      allowedOnLearner: true,
    }),
    unimplemented(MaintenanceService.Defragment, 'the database is not defragmented while it is in use'),
    unary(MaintenanceService.MoveLeader, async ({ targetID }) => {
      await member.moveLeader(targetID);
      return MoveLeaderResponse.create();
    }),
    unimplemented(MaintenanceService.Downgrade, 'there is no older storage format to go back to'),
  ];
}

/** NONE asks for alarms of every type; which member raised them makes no difference to upstream. */
function alarm(member: EtcdMember, request: AlarmRequest): AlarmResponse {
  if (request.action !== AlarmRequest_AlarmAction.GET) {
    throw new EtcdError(Code.Unimplemented, 'method Alarm is not implemented: alarms can be read, not set or cleared');
  }
  const alarms = member.alarms().filter(({ alarm: type }) => {
    return request.alarm === AlarmType.NONE || request.alarm === type;
  });
  return AlarmResponse.create({ header: member.header(), alarms });
}
