/** What a member without data asks the other members before it starts (contract: disk-and-peer §8.5, api.md §5.3). */
import dns from 'node:dns/promises';
import net from 'node:net';
import type { Logger } from '../base/logger.ts';
import {
  clusterVersionOf,
  compareMinor,
  idToHex,
  type Member,
  matchExistingCluster,
  parseVersion,
} from '../membership/mod.ts';
import { PeerClient } from '../peer/mod.ts';
import type { MemberConfig } from './config.ts';
import { joinableVersions } from './version-check.ts';

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
  const { clusterId, members } = await withPeerClient(config, (client) =>
    client.fetchMembers(othersUrls(config)),
  ).catch((error: Error) => {
    throw new Error(`cannot fetch cluster info from peer urls: ${error.message}`, { cause: error });
  });
  const matched = await matchExistingCluster(config.initialCluster, members, resolveUrl);
  const local = matched.find((member) => member.name === config.name) as Member;
  const others = matched.filter((member) => member !== local);
  await withPeerClient(config, (client) => checkClusterVersion(others, client, config.log));
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
  const cluster = await withPeerClient(config, (client) => client.fetchMembers(othersUrls(config))).catch(
    () => undefined,
  );
  const known = cluster?.members.find((member) => member.id === local.id);
  if (known !== undefined && known.clientURLs.length > 0) {
    throw new Error(`member ${idToHex(local.id)} has already been bootstrapped`);
  }
}

/**
 * Refuses to join a cluster that runs at a version which this member cannot be part of: it would have to end itself at
 * the first entry that it does not know.
 *
 * @throws Error with upstream's text
 */
export async function checkClusterVersion(
  others: readonly Member[],
  client: Pick<PeerClient, 'fetchVersion' | 'fetchDowngradeEnabled'>,
  log: Logger,
): Promise<void> {
  const found = await Promise.all(others.map((member) => clusterVersionAt(member, client)));
  const versions = found.flatMap((version) => (version === undefined ? [] : [parseVersion(version)]));
  const { oldest, newest } = joinableVersions(await isDowngrading(others, client));
  const fits = versions.filter((version) => {
    return version !== undefined && compareMinor(version, oldest) >= 0 && compareMinor(version, newest) <= 0;
  });
  if (fits.length > 0 && fits.length === versions.length) return;
  log.warn('the cluster runs at a version that this member cannot join', {
    'cluster-versions': found.map((version) => version ?? 'unknown'),
    'oldest-version': clusterVersionOf(oldest),
    'newest-version': clusterVersionOf(newest),
  });
  throw new Error('incompatible with current running cluster');
}

/** What the first member that knows it says; false when none does. */
async function isDowngrading(
  others: readonly Member[],
  client: Pick<PeerClient, 'fetchDowngradeEnabled'>,
): Promise<boolean> {
  for (const url of others.flatMap(({ peerURLs }) => peerURLs)) {
    const enabled = await client.fetchDowngradeEnabled(url).catch(() => undefined);
    if (enabled !== undefined) return enabled;
  }
  return false;
}

async function clusterVersionAt(
  { peerURLs }: Member,
  client: Pick<PeerClient, 'fetchVersion'>,
): Promise<string | undefined> {
  for (const url of peerURLs) {
    const version = await client.fetchVersion(url).catch(() => undefined);
    if (version !== undefined) return version.cluster;
  }
  return undefined;
}

function othersUrls({ initialCluster, name }: MemberConfig): string[] {
  return [...initialCluster].filter(([other]) => other !== name).flatMap(([, urls]) => [...urls]);
}

async function withPeerClient<T>(config: MemberConfig, use: (client: PeerClient) => Promise<T>): Promise<T> {
  const client = new PeerClient({ ...(config.peerTls && { tls: config.peerTls }), timeoutMs: askTimeoutMs });
  try {
    return await use(client);
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
