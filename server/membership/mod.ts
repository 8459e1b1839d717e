/** The cluster's membership: ids, members, versions, and what a configuration says about them. */
export { Cluster, type MembershipChange, type Recalled } from './cluster.ts';
export {
  clusterId,
  compareIds,
  idFromDecimal,
  idFromHex,
  idToHex,
  leaseIdFrom,
  memberId,
  RequestIdGenerator,
} from './ids.ts';
export {
  checkLocalMember,
  formatInitialCluster,
  type InitialCluster,
  initialMembers,
  matchExistingCluster,
  parseInitialCluster,
  type ResolveUrl,
} from './initial-cluster.ts';
export {
  type ConfChangeContext,
  decodeAttributes,
  decodeContext,
  decodeMember,
  decodeMembers,
  encodeContext,
  encodeMember,
  encodeMembers,
  type Member,
  MemberJsonError,
  newMember,
} from './member-json.ts';
export { type Downgrade, MembershipError } from './records.ts';
export { ClusterConfigError, parseUrls, splitHostPort } from './urls.ts';
export { clusterVersionOf, compareMinor, decideClusterVersion, parseVersion, type Version } from './version.ts';
