/** What every output format can print; one file per format. */
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import type {
  AlarmResponse,
  DeleteRangeResponse,
  DowngradeResponse,
  HashKVResponse,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  MoveLeaderResponse,
  PutResponse,
  RangeResponse,
  StatusResponse,
  TxnResponse,
  WatchResponse,
} from '../../proto/gen/rpc.ts';
import type { AuthPrinter } from './auth.ts';
import type { LeasePrinter } from './lease.ts';

export interface EndpointHealth {
  readonly endpoint: string;
  readonly healthy: boolean;
  /** A Go duration. */
  readonly took: string;
  /** Empty when healthy. */
  readonly error: string;
}

export interface EndpointStatus {
  readonly endpoint: string;
  readonly status: StatusResponse;
}

export interface EndpointHashKv {
  readonly endpoint: string;
  readonly hashKv: HashKVResponse;
}

/** Each method writes one response. @throws ExitError (4) when the format does not exist for it */
export interface Printer {
  get(response: RangeResponse): void;
  put(response: PutResponse): void;
  del(response: DeleteRangeResponse): void;
  txn(response: TxnResponse): void;
  memberList(response: MemberListResponse): void;
  /** @param peerUrls as given on the command line */
  memberAdd(response: MemberAddResponse, name: string, peerUrls: string): void;
  memberRemove(id: bigint, response: MemberRemoveResponse): void;
  memberUpdate(id: bigint, response: MemberUpdateResponse): void;
  memberPromote(id: bigint, response: MemberPromoteResponse): void;
  moveLeader(from: bigint, to: bigint, response: MoveLeaderResponse): void;
  /** @param action such as `validate` */
  downgrade(action: string, response: DowngradeResponse): void;
  alarm(response: AlarmResponse): void;
  endpointHealth(list: readonly EndpointHealth[]): void;
  endpointStatus(list: readonly EndpointStatus[]): void;
  endpointHashKv(list: readonly EndpointHashKv[]): void;
  readonly lease: LeasePrinter;
  readonly auth: AuthPrinter;
  /** A watch that could not be created has a response without header. */
  watch(response: WatchResponse): void;
}

export function unsupported(format: string): never {
  throw new ExitError(ExitCode.BadFeature, `${format} not supported as output format`);
}
