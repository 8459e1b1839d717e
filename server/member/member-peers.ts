/** Keeps the transport's peers those that the cluster has. */
import type { Logger } from '../base/logger.ts';
import { type Cluster, idToHex } from '../membership/mod.ts';
import type { Transport } from '../peer/mod.ts';

export interface MemberPeersOptions {
  readonly localId: bigint;
  readonly transport: Pick<Transport, 'addPeer' | 'updatePeer' | 'removePeer' | 'peerIds'>;
  cluster(): Cluster;
  readonly log: Logger;
}

export class MemberPeers {
  private readonly options: MemberPeersOptions;

  constructor(options: MemberPeersOptions) {
    this.options = options;
  }

  /** Connects to those that the cluster has, and cuts off all others. */
  connectAll(): void {
    const { cluster, localId, transport } = this.options;
    const others = cluster()
      .members()
      .filter(({ id }) => id !== localId);
    for (const id of transport.peerIds()) {
      if (!others.some((member) => member.id === id)) transport.removePeer(id);
    }
    for (const { id, peerURLs } of others) this.connect(id, peerURLs);
  }

  /** A member was added, or has other URLs from now on. */
  connect(id: bigint, peerURLs: readonly string[]): void {
    const { localId, log, transport } = this.options;
    if (id === localId) return;
    try {
      if (transport.peerIds().includes(id)) transport.updatePeer(id, peerURLs);
      else transport.addPeer(id, peerURLs);
    } catch (error) {
      // They come from the log, where another version of etcd may have put what this one cannot use: no reason to end.
      log.error('cannot reach a member at its peer URLs', {
        'remote-peer-id': idToHex(id),
        'remote-peer-urls': peerURLs,
        error: (error as Error).message,
      });
    }
  }
}
