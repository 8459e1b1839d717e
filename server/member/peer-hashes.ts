/** Asks the other members for the hash of their keys (contract: disk-and-peer §8, `/members/hashkv`). */
import type { Member } from '../membership/mod.ts';
import type { PeerClient, RemoteHashKv } from '../peer/mod.ts';
import type { PeerHash } from './corruption-check.ts';

export interface PeerHashesParts {
  readonly localId: bigint;
  readonly clusterId: bigint;
  readonly client: Pick<PeerClient, 'fetchHashKv'>;
  members(): readonly Member[];
}

/** Asks all at once, each at its URLs one after the other until one answers. Never rejects. */
export function askPeers(parts: PeerHashesParts, revision: number): Promise<PeerHash[]> {
  const others = parts.members().filter(({ id }) => id !== parts.localId);
  return Promise.all(others.map(async ({ id, peerURLs }) => ({ id, answer: await ask(parts, peerURLs, revision) })));
}

async function ask(
  { client, clusterId }: PeerHashesParts,
  urls: readonly string[],
  revision: number,
): Promise<RemoteHashKv | Error> {
  let failure = new Error('the member has no peer URL');
  for (const url of urls) {
    try {
      return await client.fetchHashKv(url, clusterId, revision);
    } catch (error) {
      failure = error as Error;
    }
  }
  return failure;
}
