/**
 * What stands in for `server/peer/mod.ts` under the members of a simulated world (see `seams.ts`): the same classes as
 * far as members use them, on the simulated network. Everything else is the real thing.
 */
import type { BackendSnapshot } from '../../server/backend/backend.ts';
import type { Member } from '../../server/membership/mod.ts';
import {
  PeerClientError,
  type PeerHandlers,
  type PeerClient as RealPeerClient,
  type Transport as RealTransport,
  type RemoteCluster,
  type RemoteHashKv,
  type RemoteVersion,
  type TransportOptions,
} from '../../server/peer/mod.ts';
import type { Message } from '../../server/proto/gen/raft.ts';
import type { SimulatedNetwork } from './network.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

export * from '../../server/peer/mod.ts';
export { SimulatedPeerClient as PeerClient, SimulatedTransport as Transport };

interface World {
  time: VirtualTime;
  network: SimulatedNetwork;
}

/** What answers at a peer URL. */
interface Port {
  readonly owner: Owner;
  readonly id: bigint;
  readonly handlers: PeerHandlers;
}

let world: World | undefined;
const ports = new Map<string, Port>();
const memberOf = new WeakMap<Owner, bigint>();

/** Connects all members that are opened from now on to that world; the ports of an earlier one are closed. */
export function enterWorld(next: World): void {
  world = next;
  ports.clear();
}

/** Answers questions that other members ask at that URL. */
export function serve(url: string, port: Port): void {
  ports.set(url, port);
}

function currentWorld(): World {
  if (world === undefined) throw new Error('a member was opened outside of a simulated world');
  return world;
}

class SimulatedTransport
  implements
    Pick<
      RealTransport,
      | 'addPeer'
      | 'updatePeer'
      | 'removePeer'
      | 'addRemote'
      | 'send'
      | 'sendSnapshot'
      | 'activeSince'
      | 'peerIds'
      | 'close'
    >
{
  private readonly world = currentWorld();
  private readonly options: TransportOptions;
  private readonly owner: Owner;
  private readonly peers = new Map<bigint, { reachableSince: number | undefined }>();
  /** Senders that are no members as far as this one knows can be answered all the same. */
  private readonly remotes = new Set<bigint>();
  private closed = false;
  private removed = false;

  constructor(options: TransportOptions) {
    const { id, handler } = options;
    const { time, network } = this.world;
    this.options = options;
    this.owner = time.owner as Owner;
    memberOf.set(this.owner, id);
    network.attach(id, {
      owner: this.owner,
      process: (message) => {
        if (this.closed) return;
        const peer = this.peers.get(message.from);
        if (peer === undefined) this.remotes.add(message.from);
        else peer.reachableSince ??= this.now();
        handler.process(message);
      },
      isRemoved: (other) => handler.isRemoved(other),
      reportUnreachable: (other) => {
        const peer = this.peers.get(other);
        if (peer !== undefined) peer.reachableSince = undefined;
        if (!this.closed) handler.reportUnreachable(other);
      },
      reportSnapshot: (other, ok) => {
        if (!this.closed) handler.reportSnapshot(other, ok);
      },
      receiveSnapshot: (message, chunks) => handler.receiveSnapshot(message, chunks),
      removedFromCluster: () => {
        if (this.removed || this.closed) return;
        this.removed = true;
        handler.removedFromCluster();
      },
    });
  }

  addPeer(id: bigint): void {
    if (!this.peers.has(id) && id !== this.options.id) this.peers.set(id, { reachableSince: undefined });
  }

  updatePeer(): void {}

  removePeer(id: bigint): void {
    this.peers.delete(id);
  }

  addRemote(id: bigint): void {
    this.remotes.add(id);
  }

  send(messages: readonly Message[]): void {
    if (this.closed) return;
    this.world.network.send(messages.filter(({ to }) => this.peers.has(to) || this.remotes.has(to)));
  }

  sendSnapshot(message: Message, database: BackendSnapshot): void {
    const { handler } = this.options;
    this.transfer(message, database)
      .catch(() => handler.reportSnapshot(message.to, false))
      .finally(() => database.close());
  }

  activeSince(id: bigint): number | undefined {
    const peer = this.peers.get(id);
    if (peer === undefined) return undefined;
    if (this.world.network.reaches(this.options.id, id)) peer.reachableSince ??= this.now();
    else peer.reachableSince = undefined;
    return peer.reachableSince;
  }

  private now(): number {
    return this.options.now?.() ?? 0;
  }

  peerIds(): bigint[] {
    return [...this.peers.keys()];
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private async transfer(message: Message, database: BackendSnapshot): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of database.chunks()) chunks.push(chunk.slice());
    if (!this.closed) this.world.network.sendSnapshot(message, Buffer.concat(chunks));
  }
}

class SimulatedPeerClient implements Pick<RealPeerClient, keyof RealPeerClient> {
  private readonly world = currentWorld();
  private readonly timeoutMs: number;

  constructor({ timeoutMs = 5000 }: { timeoutMs?: number } = {}) {
    this.timeoutMs = timeoutMs;
  }

  close(): void {}

  async fetchMembers(urls: readonly string[]): Promise<RemoteCluster> {
    for (const url of urls) {
      const found = await this.ask(url, async ({ clusterId, members }) => ({ clusterId, members: members() })).catch(
        () => undefined,
      );
      if (found !== undefined && found.members.length > 0) return found;
    }
    throw new PeerClientError('could not retrieve cluster information from the given URLs');
  }

  fetchVersion(url: string): Promise<RemoteVersion> {
    return this.ask(url, async (port) => ({ server: port.serverVersion, cluster: port.clusterVersion() }));
  }

  fetchDowngradeEnabled(url: string): Promise<boolean> {
    return this.ask(url, async (port) => (await port.downgradeEnabled?.()) ?? false);
  }

  fetchHashKv(url: string, _clusterId: bigint, revision: number): Promise<RemoteHashKv> {
    return this.ask(url, (port) => port.hashKv?.(revision) ?? notServed());
  }

  promoteMember(url: string, id: bigint): Promise<Member[]> {
    return this.ask(url, (port) => port.promoteMember?.(id) ?? notServed());
  }

  renewLease(url: string, id: bigint): Promise<number> {
    return this.ask(url, (port) => port.renewLease?.(id) ?? notServed());
  }

  leaseTimeToLive(url: string, id: bigint, keys: boolean): ReturnType<RealPeerClient['leaseTimeToLive']> {
    return this.ask(url, (port) => port.leaseTimeToLive?.(id, keys) ?? notServed());
  }

  /** There and back over the network, each way with its delay; rejects at the deadline when either is lost. */
  private ask<T>(url: string, question: (handlers: PeerHandlers) => Promise<T>): Promise<T> {
    const { time, network } = this.world;
    const asker = time.owner;
    const from = (asker && memberOf.get(asker)) ?? 0n;
    return new Promise<T>((resolve, reject) => {
      time.after(this.timeoutMs, asker, () => reject(new PeerClientError(`${url}: no answer in time`)));
      time.after(network.delayMs(), undefined, () => {
        const port = ports.get(url);
        const answer = (end: () => void): void => {
          time.after(network.delayMs(), undefined, () => {
            if (asker === undefined || (port !== undefined && !network.allows(port.id, from))) return;
            time.whenAwake(asker, end);
          });
        };
        if (port?.owner.isAlive !== true || !network.allows(from, port.id)) {
          answer(() => reject(new PeerClientError(`${url}: connection refused`)));
          return;
        }
        time.whenAwake(port.owner, () =>
          Promise.try(question, port.handlers).then(
            (value) => answer(() => resolve(value)),
            (error) => answer(() => reject(error)),
          ),
        );
      });
    });
  }
}

function notServed(): Promise<never> {
  return Promise.reject(new PeerClientError('404 page not found'));
}
