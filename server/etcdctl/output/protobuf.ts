/** `-w protobuf`: the response as it came over the wire, without a line feed (contract: cli §1.5). */
import type { CliIo } from '../../cli/io.ts';
import {
  AlarmResponse,
  DeleteRangeResponse,
  DowngradeResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnResponse,
  WatchResponse,
} from '../../proto/gen/rpc.ts';
import { protobufAuth } from './auth.ts';
import { protobufLeases } from './lease.ts';
import { type Printer, unsupported } from './printer.ts';

export function protobufPrinter(io: CliIo): Printer {
  const refuse = (): never => unsupported('protobuf');
  return {
    get: (response) => void io.stdout.write(RangeResponse.encode(response)),
    put: (response) => void io.stdout.write(PutResponse.encode(response)),
    del: (response) => void io.stdout.write(DeleteRangeResponse.encode(response)),
    txn: (response) => void io.stdout.write(TxnResponse.encode(response)),
    lease: protobufLeases(io),
    auth: protobufAuth(io),
    // Upstream leaves out the watch's id and the reason, and never the header.
    watch: ({ header = ResponseHeader.create(), ...response }) =>
      void io.stdout.write(WatchResponse.encode({ ...response, header, watch_id: 0n, cancel_reason: '' })),
    memberList: (response) => void io.stdout.write(MemberListResponse.encode(response)),
    memberAdd: (response) => void io.stdout.write(MemberAddResponse.encode(response)),
    memberRemove: (_id, response) => void io.stdout.write(MemberRemoveResponse.encode(response)),
    memberUpdate: (_id, response) => void io.stdout.write(MemberUpdateResponse.encode(response)),
    memberPromote: (_id, response) => void io.stdout.write(MemberPromoteResponse.encode(response)),
    moveLeader: (_from, _to, response) => void io.stdout.write(MoveLeaderResponse.encode(response)),
    downgrade: (_action, response) => void io.stdout.write(DowngradeResponse.encode(response)),
    alarm: (response) => void io.stdout.write(AlarmResponse.encode(response)),
    endpointHealth: refuse,
    endpointStatus: refuse,
    endpointHashKv: refuse,
  };
}
