/** The cluster as its configuration gives it, before there is any data (contract: api.md §5.3, disk-and-peer §6, §8.5). */
import { clusterId, compareBytes, compareIds, idToHex, memberId } from './ids.ts';
import { type Member, newMember } from './member-json.ts';
import { ClusterConfigError, parseUrls } from './urls.ts';

/** Names to peer URLs, each list sorted. */
export type InitialCluster = ReadonlyMap<string, readonly string[]>;

/** Turns a URL into one with an address in place of the host name, so that two spellings of one place compare equal. */
export type ResolveUrl = (url: string) => Promise<string>;

/** No cluster comes near; a configuration beyond it is a mistake. */
const maxMembers = 1000;

/**
 * Parses `--initial-cluster`: `m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380`, a name repeated for more URLs.
 *
 * @throws ClusterConfigError with upstream's text
 */
export function parseInitialCluster(text: string): InitialCluster {
  const urls = new Map<string, string[]>();
  for (const part of text.split(',')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const list = urls.get(name) ?? [];
    list.push(equals < 0 ? '' : part.slice(equals + 1));
    urls.set(name, list);
  }
  if (urls.size > maxMembers) throw new ClusterConfigError(`initial cluster has more than ${maxMembers} members`);
  return new Map([...urls].map(([name, list]) => [name, parseUrls(list)]));
}

/** The reverse of `parseInitialCluster`, sorted. */
export function formatInitialCluster(cluster: InitialCluster): string {
  return [...cluster]
    .flatMap(([name, urls]) => urls.map((url) => `${name}=${url}`))
    .sort(compareBytes)
    .join(',');
}

/**
 * The members of a new cluster with their ids, ascending by id.
 *
 * @throws ClusterConfigError when a URL stands twice
 */
export function initialMembers(cluster: InitialCluster, token: string): { clusterId: bigint; members: Member[] } {
  checkDuplicateUrls(cluster);
  const members = [...cluster]
    .map(([name, peerURLs]) => newMember({ id: memberId(peerURLs, token), name, peerURLs: [...peerURLs] }))
    .sort((a, b) => compareIds(a.id, b.id));
  for (const [i, member] of members.entries()) {
    if (member.id === 0n) throw new ClusterConfigError('cannot use 0 as member id');
    if (member.id === members[i + 1]?.id) {
      throw new ClusterConfigError(`member exists with identical ID ${idToHex(member.id)}`);
    }
  }
  return { clusterId: clusterId(members.map((member) => member.id)), members };
}

function checkDuplicateUrls(cluster: InitialCluster): void {
  const all = [...cluster.values()].flat();
  if (new Set(all).size < all.length) {
    throw new ClusterConfigError(`initial cluster ${formatInitialCluster(cluster)} has duplicate url`);
  }
}

/**
 * Checks that the local member stands in the initial cluster, with exactly the URLs that it advertises.
 *
 * @param resolve used when the texts differ: names and addresses of one place count as equal
 * @throws ClusterConfigError with upstream's text
 */
export async function checkLocalMember(
  cluster: InitialCluster,
  name: string,
  advertisedPeerURLs: readonly string[],
  resolve: ResolveUrl,
): Promise<void> {
  const configured = cluster.get(name);
  if (configured === undefined) {
    throw new ClusterConfigError(`couldn't find local name "${name}" in the initial cluster configuration`);
  }
  checkDuplicateUrls(cluster);
  const advertised = [...advertisedPeerURLs].sort(compareBytes);
  const difference = await urlDifference(advertised, configured, resolve);
  if (difference === undefined) return;
  const notAdvertised = configured.filter((url) => !advertised.includes(url));
  if (notAdvertised.length > 0) {
    throw new ClusterConfigError(
      `--initial-cluster has ${notAdvertised.map((url) => `${name}=${url}`).join(',')} but missing from ` +
        `--initial-advertise-peer-urls=${advertised.join(',')} (${difference})`,
    );
  }
  const notConfigured = advertised.filter((url) => !configured.includes(url));
  throw new ClusterConfigError(
    `--initial-advertise-peer-urls has ${notConfigured.join(',')} but missing from ` +
      `--initial-cluster=${formatInitialCluster(new Map([[name, configured]]))}`,
  );
}

/** @returns in which way the two lists lead to different places; undefined when they lead to the same */
async function urlDifference(
  left: readonly string[],
  right: readonly string[],
  resolve: ResolveUrl,
): Promise<string | undefined> {
  if (left.length !== right.length) return `len(${goList(left)}) != len(${goList(right)})`;
  if (left.every((url, i) => url === right[i])) return undefined;
  try {
    const places = await Promise.all([left, right].map(async (urls) => (await Promise.all(urls.map(resolve))).sort()));
    const [a, b] = places as [string[], string[]];
    const at = a.findIndex((url, i) => url !== b[i]);
    return at < 0 ? undefined : `resolved urls: "${a[at]}" != "${b[at]}"`;
  } catch (error) {
    return `failed to resolve url: ${(error as Error).message}`;
  }
}

function goList(urls: readonly string[]): string {
  return `[${urls.map((url) => JSON.stringify(url)).join(' ')}]`;
}

/**
 * Gives a joining member's configured cluster the ids that the running cluster uses, matching by peer URLs
 * (`--initial-cluster-state existing`).
 *
 * @param local the joining member's own configuration
 * @param existing what a running member's `/members` answers
 * @returns the members with the running cluster's ids and the configured names, ascending by id
 * @throws ClusterConfigError when the two lists are not the same cluster
 */
export async function matchExistingCluster(
  local: InitialCluster,
  existing: readonly Member[],
  resolve: ResolveUrl,
): Promise<Member[]> {
  if (local.size !== existing.length) throw mismatch(existing, 'member count is unequal');
  const free = [...existing];
  const matched: Member[] = [];
  for (const [name, urls] of local) {
    const at = await findAsync(free, async (member) => {
      const theirs = [...member.peerURLs].sort(compareBytes);
      return (await urlDifference(urls, theirs, resolve)) === undefined;
    });
    if (at < 0) throw mismatch(existing, `unmatched member with peer URLs ${goList(urls)} of "${name}"`);
    const [member] = free.splice(at, 1) as [Member];
    matched.push({ ...member, name, peerURLs: [...urls] });
  }
  return matched.sort((a, b) => compareIds(a.id, b.id));
}

async function findAsync<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<number> {
  for (const [i, item] of items.entries()) {
    if (await test(item)) return i;
  }
  return -1;
}

function mismatch(existing: readonly Member[], reason: string): ClusterConfigError {
  const list = existing.map((member) => `${idToHex(member.id)}=${member.peerURLs.join('|')}`).join(' ');
  return new ClusterConfigError(`error validating peerURLs {Members:[${list}]}: ${reason}`);
}
