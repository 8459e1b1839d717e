/**
 * The errors of the v3 API. Clients match on both the gRPC code and the exact text (contract: api.md §3), so neither
 * may change.
 */

/** gRPC status codes by name. */
export const Code = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/** An error that a client sees as a gRPC status. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

/** Makes one function a condition; each call gives a fresh error, so that stacks point at who refused. */
function error(code: Code, text: string): () => EtcdError {
  return () => new EtcdError(code, `etcdserver: ${text}`);
}

export const errEmptyKey = error(Code.InvalidArgument, 'key is not provided');
export const errKeyNotFound = error(Code.InvalidArgument, 'key not found');
export const errValueProvided = error(Code.InvalidArgument, 'value is provided');
export const errLeaseProvided = error(Code.InvalidArgument, 'lease is provided');
export const errTooManyOps = error(Code.InvalidArgument, 'too many operations in txn request');
export const errDuplicateKey = error(Code.InvalidArgument, 'duplicate key given in txn request');
export const errInvalidSortOption = error(Code.InvalidArgument, 'invalid sort option');
export const errInvalidClientApiVersion = error(Code.InvalidArgument, 'invalid client api version');
export const errMemberBadUrls = error(Code.InvalidArgument, 'given member URLs are invalid');
export const errRequestTooLarge = error(Code.InvalidArgument, 'request is too large');
export const errUserEmpty = error(Code.InvalidArgument, 'user name is empty');
export const errRoleEmpty = error(Code.InvalidArgument, 'role name is empty');
export const errAuthFailed = error(Code.InvalidArgument, 'authentication failed, invalid user ID or password');
export const errPermissionNotGiven = error(Code.InvalidArgument, 'permission not given');
export const errInvalidAuthManagement = error(Code.InvalidArgument, 'invalid auth management');
export const errWrongDowngradeVersionFormat = error(Code.InvalidArgument, 'wrong downgrade target version format');
export const errInvalidDowngradeTarget = error(Code.InvalidArgument, 'invalid downgrade target version');
export const errAuthOldRevision = error(Code.InvalidArgument, 'revision of auth store is old');

export const errCompacted = error(Code.OutOfRange, 'mvcc: required revision has been compacted');
export const errFutureRevision = error(Code.OutOfRange, 'mvcc: required revision is a future revision');
export const errLeaseTtlTooLarge = error(Code.OutOfRange, 'too large lease TTL');

export const errNoSpace = error(Code.ResourceExhausted, 'mvcc: database space exceeded');
export const errTooManyRequests = error(Code.ResourceExhausted, 'too many requests');

export const errLeaseNotFound = error(Code.NotFound, 'requested lease not found');
export const errMemberNotFound = error(Code.NotFound, 'member not found');

export const errLeaseExists = error(Code.FailedPrecondition, 'lease already exists');
export const errMemberExists = error(Code.FailedPrecondition, 'member ID already exist');
export const errPeerUrlExists = error(Code.FailedPrecondition, 'Peer URLs already exists');
export const errMemberNotLearner = error(Code.FailedPrecondition, 'can only promote a learner member');
export const errLearnerNotReady = error(
  Code.FailedPrecondition,
  'can only promote a learner member which is in sync with leader',
);
export const errTooManyLearners = error(Code.FailedPrecondition, 'too many learner members in cluster');
export const errClusterIdMismatch = error(Code.FailedPrecondition, 'cluster ID mismatch');
export const errNotLeader = error(Code.FailedPrecondition, 'not leader');
export const errNotCapable = error(Code.FailedPrecondition, 'not capable');
export const errBadLeaderTransferee = error(Code.FailedPrecondition, 'bad leader transferee');
export const errClusterVersionUnavailable = error(
  Code.FailedPrecondition,
  'cluster version not found during downgrade',
);
export const errDowngradeInProcess = error(Code.FailedPrecondition, 'cluster has a downgrade job in progress');
export const errNoInflightDowngrade = error(Code.FailedPrecondition, 'no inflight downgrade job');
export const errAuthNotEnabled = error(Code.FailedPrecondition, 'authentication is not enabled');
export const errRootUserNotExist = error(Code.FailedPrecondition, 'root user does not exist');
export const errRootRoleNotExist = error(Code.FailedPrecondition, 'root user does not have root role');
export const errUserAlreadyExist = error(Code.FailedPrecondition, 'user name already exists');
export const errUserNotFound = error(Code.FailedPrecondition, 'user name not found');
export const errRoleAlreadyExist = error(Code.FailedPrecondition, 'role name already exists');
export const errRoleNotFound = error(Code.FailedPrecondition, 'role name not found');
export const errRoleNotGranted = error(Code.FailedPrecondition, 'role is not granted to the user');
export const errPermissionNotGranted = error(Code.FailedPrecondition, 'permission is not granted to the role');

/** Upstream emits this one with code Unknown, not FailedPrecondition (api.md §8, trap 3). */
export const errNotEnoughStartedMembers = error(
  Code.Unknown,
  're-configuration failed due to not enough started members',
);

/** Upstream has no code for these two, and their texts begin with another area. */
export const errNoPasswordUser = (): EtcdError =>
  new EtcdError(Code.Unknown, 'auth: authentication failed, password was given for no password user');
export const errPasswordTooLong = (): EtcdError =>
  new EtcdError(Code.Unknown, 'bcrypt: password length exceeds 72 bytes');

/** Upstream has no code for these two. */
export const errUnknownMethod = error(Code.Unknown, 'unknown method');
export const errTimeoutLeaderTransfer = error(Code.Unknown, 'request timed out, leader transfer took too long');

export const errWatchCanceled = error(Code.Canceled, 'watch canceled');

export const errNoLeader = error(Code.Unavailable, 'no leader');
export const errLeaderChanged = error(Code.Unavailable, 'leader changed');
export const errStopped = error(Code.Unavailable, 'server stopped');
export const errTimeout = error(Code.Unavailable, 'request timed out');
export const errTimeoutLeaderFail = error(
  Code.Unavailable,
  'request timed out, possibly due to previous leader failure',
);
export const errTimeoutConnectionLost = error(Code.Unavailable, 'request timed out, possibly due to connection lost');
export const errTimeoutWaitApplied = error(
  Code.Unavailable,
  'request timed out, waiting for the applied index took too long',
);
export const errUnhealthy = error(Code.Unavailable, 'unhealthy cluster');
/** 3.5's code; later versions say FailedPrecondition. */
export const errNotSupportedForLearner = error(Code.Unavailable, 'rpc not supported for learner');

export const errPermissionDenied = error(Code.PermissionDenied, 'permission denied');
export const errInvalidAuthToken = error(Code.Unauthenticated, 'invalid auth token');
export const errCorrupt = error(Code.DataLoss, 'corrupt cluster');
