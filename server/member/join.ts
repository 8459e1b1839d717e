/** What a member without data asks the other members before it starts (contract: disk-and-peer §8.5, api.md §5.3). */
import dns from 'node:dns/promises';
import net from 'node:net';
import { idToHex, type Member, matchExistingCluster } from '../membership/mod.ts';
import { PeerClient, type RemoteCluster } from '../peer/mod.ts';
import type { MemberConfig } from './config.ts';

/** The cluster that a member without data starts in. */
export interface JoinedCluster {
  id: bigint;
  clusterId: bigint;
  members: Member[];
  /** The cluster begins with this start; otherwise it runs already. */
  isNew: boolean;
}

const askTimeoutMs = 1000;

/**
 * Joins a running cluster: takes over its ids from any member that answers.
 *
 * @throws ClusterConfigError with upstream's text when none answers or the configured members are not the cluster's
 */
export async function joinExisting(config: MemberConfig): Promise<JoinedCluster> {
  const { clusterId, members } = await askOthers(config);
  const matched = await matchExistingCluster(config.initialCluster, members, resolveUrl);
  const local = matched.find((member) => member.name === config.name) as Member;
  return { id: local.id, clusterId, members: matched, isNew: false };
}

/**
 * Refuses to start a member anew that the others know as started: with its log lost it could vote twice in one term,
 * and acknowledged writes could be lost.
 *
 * @throws Error with upstream's text
 */
export async function refuseIfBootstrapped(config: MemberConfig, local: Member): Promise<void> {
  // Nobody answers: the usual case when a cluster starts for the first time.
  const cluster = await askOthers(config).catch(() => undefined);
  const known = cluster?.members.find((member) => member.id === local.id);
  if (known !== undefined && known.clientURLs.length > 0) {
    throw new Error(`member ${idToHex(local.id)} has already been bootstrapped`);
  }
}

async function askOthers(config: MemberConfig): Promise<RemoteCluster> {
  const others = [...config.initialCluster].filter(([name]) => name !== config.name);
  const client = new PeerClient({ ...(config.peerTls && { tls: config.peerTls }), timeoutMs: askTimeoutMs });
  try {
    return await client.fetchMembers(others.flatMap(([, urls]) => [...urls]));
  } finally {
    client.close();
  }
}

/** A URL with the address in place of its host name. */
export async function resolveUrl(url: string): Promise<string> {
  const parsed = new URL(url);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (net.isIP(host) !== 0 || parsed.protocol.startsWith('unix')) return url;
  const { address } = await dns.lookup(host);
  return url.replace(parsed.hostname, net.isIPv6(address) ? `[${address}]` : address);
}
