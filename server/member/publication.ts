/** Makes this member's name and client URLs known to the cluster, which takes a leader: clients may be served then. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../base/logger.ts';
import { type Cluster, idToHex } from '../membership/mod.ts';
import type { ClusterMemberAttrSetRequest } from '../proto/gen/membership.ts';

/** A proposal may be refused at once; without a pause nothing else had its turn, not even what ends the refusals. */
const pauseMs = 100;

export interface PublicationOptions {
  readonly localId: bigint;
  readonly name: string;
  readonly clientURLs: string[];
  cluster(): Cluster;
  /** @throws Error when it has come to no result in time */
  propose(request: ClusterMemberAttrSetRequest): Promise<unknown>;
  /** Whether the member does not run any more. */
  hasEnded(): boolean;
  readonly log: Logger;
}

export class Publication {
  private readonly options: PublicationOptions;
  private foundInSnapshot: () => void = () => undefined;

  constructor(options: PublicationOptions) {
    this.options = options;
  }

  /** @throws the signal's reason when it fires before that; Error when the member has ended */
  async run(signal: AbortSignal): Promise<void> {
    const { clientURLs: client_urls, cluster, hasEnded, localId: member_ID, log, name, propose } = this.options;
    const inSnapshot = new Promise<void>((resolve) => {
      this.foundInSnapshot = resolve;
    });
    while (!signal.aborted) {
      if (hasEnded()) throw new Error('this member does not run any more');
      try {
        await Promise.race([inSnapshot, propose({ member_ID, member_attributes: { name, client_urls } })]);
        log.info('published local member to cluster through raft', {
          'local-member-id': idToHex(member_ID),
          'cluster-id': idToHex(cluster().id),
        });
        return;
      } catch (error) {
        if (hasEnded()) throw error;
        log.warn('failed to publish local member to cluster through raft', { error: (error as Error).message });
        await Promise.race([inSnapshot, delay(pauseMs, undefined, { signal }).catch(() => undefined)]);
      }
    }
    signal.throwIfAborted();
  }

  /** A joining member may be sent a database that has its attributes already: their entry is never applied here then. */
  installed(): void {
    const { clientURLs, cluster, localId, name } = this.options;
    const own = cluster().member(localId);
    if (own?.name === name && own.clientURLs.join() === clientURLs.join()) this.foundInSnapshot();
  }
}
