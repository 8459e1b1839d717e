/** The headers of raft's requests, and what must be true of them (contract: disk-and-peer §8.1). */
import type { IncomingHttpHeaders } from 'node:http';
import { compareMinor, idToHex, parseVersion, type Version } from '../membership/mod.ts';

export const clusterIdHeader = 'X-Etcd-Cluster-ID';
export const serverFromHeader = 'X-Server-From';
export const serverVersionHeader = 'X-Server-Version';
export const minClusterVersionHeader = 'X-Min-Cluster-Version';
export const raftToHeader = 'X-Raft-To';
export const peerUrlsHeader = 'X-PeerURLs';

export const errIncompatibleVersion = 'incompatible version';
export const errClusterIdMismatch = 'cluster ID mismatch';

/** Members before 2.1 did not say their version, nor did they know the streams. */
const oldest: Version = { major: 2, minor: 0, patch: 0, preRelease: '' };

/** Who a member is, for the headers that it sends and checks. */
export interface Identity {
  id: bigint;
  clusterId: bigint;
  serverVersion: string;
  minClusterVersion: string;
  /** Where this member is reached, so that one that does not know it yet can answer. */
  localPeerUrls: readonly string[];
}

export function requestHeaders(identity: Identity): Record<string, string> {
  return {
    [serverFromHeader]: idToHex(identity.id),
    [serverVersionHeader]: identity.serverVersion,
    [minClusterVersionHeader]: identity.minClusterVersion,
    [clusterIdHeader]: idToHex(identity.clusterId),
    ...(identity.localPeerUrls.length > 0 ? { [peerUrlsHeader]: identity.localPeerUrls.join(',') } : {}),
  };
}

/** The value of one header; the first if it came several times. */
export function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name.toLowerCase()];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** @returns the text of the 412 that the sender gets; undefined when it may talk to this member */
export function incompatibility(headers: IncomingHttpHeaders, identity: Identity): string | undefined {
  const server = versionIn(headers, serverVersionHeader);
  const minCluster = versionIn(headers, minClusterVersionHeader);
  const ownServer = parseVersion(identity.serverVersion);
  const ownMinCluster = parseVersion(identity.minClusterVersion);
  if (server === undefined || minCluster === undefined || ownServer === undefined || ownMinCluster === undefined) {
    return errIncompatibleVersion;
  }
  if (compareMinor(server, ownMinCluster) < 0 || compareMinor(minCluster, ownServer) > 0) return errIncompatibleVersion;
  return header(headers, clusterIdHeader) === idToHex(identity.clusterId) ? undefined : errClusterIdMismatch;
}

/** Whether a member that answers with these headers can serve streams: 2.1 and later. */
export function supportsStreams(headers: IncomingHttpHeaders): boolean {
  const version = versionIn(headers, serverVersionHeader);
  return version !== undefined && compareMinor(version, { ...oldest, minor: 1 }) >= 0;
}

/** @returns undefined when the header is there but is not a version */
function versionIn(headers: IncomingHttpHeaders, name: string): Version | undefined {
  const text = header(headers, name);
  return text === '' ? oldest : parseVersion(text);
}
