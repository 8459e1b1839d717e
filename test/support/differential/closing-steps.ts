/** What is asked at the end of every sequence, with authentication off: what there is, and that it go. */
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  KVService,
  LeaseService,
  MaintenanceService,
} from '../../../server/proto/gen/rpc.ts';
import { leaseIds, maxRequestBytes, maxTxnOps } from './kv-steps.ts';
import { bytes, type Step, step } from './step.ts';

const { DEACTIVATE } = AlarmRequest_AlarmAction;
const users = ['u', 'v', 'w', 'root'];
const roles = ['r', 's', 'root'];

/** Of every member that sequences are sent to. */
export const memberFlags = [
  '--unsafe-no-fsync',
  '--bcrypt-cost=4',
  `--max-txn-ops=${maxTxnOps}`,
  `--max-request-bytes=${maxRequestBytes}`,
];

export const allKeys = { key: bytes('\0'), range_end: bytes('\0') };

export const clearing: readonly Step[] = [5n, 6n].map((memberID) =>
  step(MaintenanceService.Alarm, { action: DEACTIVATE, alarm: AlarmType.NOSPACE, memberID }),
);

/** So that there is a key, and a revision that is not compacted. */
export const lastPut: Step = step(KVService.Put, { key: bytes('end') });

/** What there is beside the keys. */
export const inventory: readonly Step[] = [
  step(AuthService.AuthStatus, {}),
  ...users.map((name) => step(AuthService.UserGet, { name })),
  ...roles.map((role) => step(AuthService.RoleGet, { role })),
  ...leaseIds.map((ID) => step(LeaseService.LeaseTimeToLive, { ID, keys: true })),
];

export const emptying: readonly Step[] = [
  step(KVService.DeleteRange, allKeys),
  ...leaseIds.map((ID) => step(LeaseService.LeaseRevoke, { ID })),
  ...users.map((name) => step(AuthService.UserDelete, { name })),
  ...roles.map((role) => step(AuthService.RoleDelete, { role })),
];
