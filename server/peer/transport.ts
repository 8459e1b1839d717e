/**
 * Messages between the members of a cluster: upstream's rafthttp, with any etcd from 3.4 on at the other end
 * (contract: disk-and-peer §8). Delivery is best effort: raft sends again, and is told when it should.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { BackendSnapshot } from '../backend/backend.ts';
import { idToHex, parseUrls, parseVersion } from '../membership/mod.ts';
import { type Message, MessageType } from '../proto/gen/raft.ts';
import { Dialer } from './dialer.ts';
import type { Identity } from './headers.ts';
import { newPipeline, Peer, type PeerContext } from './peer.ts';
import type { Pipeline } from './pipeline.ts';
import { RaftEndpoints } from './raft-endpoints.ts';
import type { StreamKind } from './stream-codec.ts';
import type { TlsFiles } from './tls.ts';
import { defaultTimes, type Log, type PeerMetrics, type PeerTimes, type RaftHandler } from './types.ts';
import { UrlPicker } from './url-picker.ts';

export interface TransportOptions extends Partial<PeerTimes> {
  id: bigint;
  clusterId: bigint;
  handler: RaftHandler;
  /** Such as `3.5.30`: what this member says that it is. */
  serverVersion: string;
  /** The oldest cluster version that it can be part of. */
  minClusterVersion: string;
  /** Its own advertised peer URLs. */
  localPeerUrls: readonly string[];
  /** Certificates for https URLs. */
  tls?: TlsFiles;
  log?: Log;
  metrics?: Partial<PeerMetrics>;
  /** Milliseconds, from any origin: the clock of `activeSince`. */
  now?: () => number;
}

/** Senders that are no members yet; more than ever join at once. */
const maxRemotes = 64;

export class Transport {
  readonly identity: Identity;
  private readonly context: PeerContext;
  private readonly endpoints: RaftEndpoints;
  private readonly peers = new Map<bigint, Peer>();
  /** Known by their requests only: they can be answered by POST, until they become members. */
  private readonly remotes = new Map<bigint, Pipeline>();
  private removed = false;
  private closed = false;

  /** @throws Error when a version is not `major.minor.patch`: upstream's members would crash on it */
  constructor(options: TransportOptions) {
    const { id, clusterId, serverVersion, minClusterVersion, localPeerUrls } = options;
    for (const version of [serverVersion, minClusterVersion]) {
      if (parseVersion(version) === undefined) throw new Error(`not a version: "${version}"`);
    }
    const log = options.log ?? (() => undefined);
    const times = timesOf(options);
    this.identity = { id, clusterId, serverVersion, minClusterVersion, localPeerUrls };
    this.context = {
      identity: this.identity,
      handler: options.handler,
      dialer: new Dialer(options.tls, times),
      times,
      log,
      metrics: options.metrics ?? {},
      now: options.now ?? (() => performance.now()),
      onMessage: (from, message) => this.receive(from, message),
      onRemoved: () => this.wasRemoved(),
    };
    this.endpoints = new RaftEndpoints(this.context, {
      attach: (from, kind, socket) => this.attach(from, kind, socket),
      hasPeer: (from) => this.peers.has(from),
      addRemote: (from, urls) => this.addRemote(from, urls),
      receive: (from, message) => this.receive(from, message),
    });
  }

  /**
   * Begins to talk to a member; no effect when it is known.
   *
   * @throws ClusterConfigError when a URL is not scheme://host:port
   */
  addPeer(id: bigint, urls: readonly string[]): void {
    if (this.closed || this.peers.has(id) || id === this.identity.id) return;
    const checked = parseUrls(urls);
    this.remotes.get(id)?.stop();
    this.remotes.delete(id);
    this.peers.set(id, new Peer(id, checked, this.context));
    this.context.log('info', 'added remote peer', { 'remote-peer-id': idToHex(id), 'remote-peer-urls': checked });
  }

  /** @throws ClusterConfigError when a URL is not scheme://host:port */
  updatePeer(id: bigint, urls: readonly string[]): void {
    this.peers.get(id)?.update(parseUrls(urls));
  }

  /** Cuts all connections with a member. No effect when it is not known. */
  removePeer(id: bigint): void {
    const peer = this.peers.get(id);
    if (peer === undefined) return;
    this.peers.delete(id);
    void peer.stop();
    this.context.log('info', 'removed remote peer', { 'remote-peer-id': idToHex(id) });
  }

  /** Remembers how to answer a sender that is no member as far as this one knows. Unusable URLs are ignored. */
  addRemote(id: bigint, urls: readonly string[]): void {
    if (this.closed || id === this.identity.id || this.peers.has(id) || this.remotes.has(id)) return;
    if (this.context.handler.isRemoved(id)) return;
    const fields = { 'remote-peer-id': idToHex(id), 'remote-peer-urls': urls };
    try {
      const picker = new UrlPicker(parseUrls(urls));
      if (this.remotes.size >= maxRemotes) this.forgetOldestRemote();
      this.remotes.set(id, newPipeline(id, picker, this.context));
      this.context.log('info', 'added new remote peer', fields);
    } catch (error) {
      this.context.log('warn', 'ignored the URLs of an unknown sender', { ...fields, error: (error as Error).message });
    }
  }

  /**
   * Sends messages in order, each to its `to`; all of one call to one peer leave in one write per stream.
   * What cannot be sent is dropped and reported as unreachable. Messages to 0 are none.
   *
   * @throws Error for MsgSnap, which needs a database: `sendSnapshot`
   */
  send(messages: readonly Message[]): void {
    const byPeer = new Map<bigint, Message[]>();
    for (const message of messages) {
      if (message.type === MessageType.MsgSnap) throw new Error('MsgSnap goes by sendSnapshot, with its database');
      if (message.to === 0n) continue;
      const list = byPeer.get(message.to);
      if (list === undefined) byPeer.set(message.to, [message]);
      else list.push(message);
    }
    for (const [id, list] of byPeer) this.sendTo(id, withoutStaleAnswers(list));
  }

  /**
   * Sends MsgSnap with the database that goes with it, at least as new as the snapshot's index. The outcome is
   * reported by `reportSnapshot`. Closes `database` in any case.
   */
  sendSnapshot(message: Message, database: BackendSnapshot): void {
    const peer = this.peers.get(message.to);
    if (peer !== undefined) {
      peer.sendSnapshot(message, database);
      return;
    }
    database.close();
    this.context.handler.reportSnapshot(message.to, false);
  }

  /**
   * Answers a request of the peer port, if it is one of raft's: `/raft` and below.
   *
   * @returns false when it is not, and nothing was done
   */
  requestHandler(request: IncomingMessage, response: ServerResponse): boolean {
    return this.endpoints.handle(request, response);
  }

  /** When the peer became reachable, by the clock `now`; undefined while it is not, or not known. */
  activeSince(id: bigint): number | undefined {
    return this.peers.get(id)?.activeSince;
  }

  peerIds(): bigint[] {
    return [...this.peers.keys()];
  }

  /** Cuts all connections. @returns when none is left; nothing is received from the moment of the call */
  async close(): Promise<void> {
    this.closed = true;
    const stopped = [...this.peers.values()].map((peer) => peer.stop());
    for (const remote of this.remotes.values()) remote.stop();
    this.peers.clear();
    this.remotes.clear();
    await Promise.all(stopped);
    this.context.dialer.close();
  }

  private sendTo(id: bigint, messages: Message[]): void {
    const peer = this.peers.get(id);
    if (peer !== undefined) {
      peer.send(messages);
      return;
    }
    const remote = this.remotes.get(id);
    if (remote !== undefined) for (const message of messages) remote.send(message);
    else this.context.log('debug', 'ignored messages to an unknown peer', { 'remote-peer-id': idToHex(id) });
  }

  /** @returns why the message was refused; undefined when raft has it */
  private receive(from: bigint, message: Message): string | undefined {
    const { handler, log } = this.context;
    if (this.closed) return 'member is stopping';
    let refused: string | undefined;
    if (message.to !== this.identity.id) refused = 'message is for another member';
    else if (handler.isRemoved(message.from)) refused = 'message is from a removed member';
    else if (message.type === MessageType.MsgSnap) refused = 'a snapshot comes with its database, by /raft/snapshot';
    if (refused === undefined) {
      handler.process(message);
      return undefined;
    }
    log('warn', `rejected raft message: ${refused}`, {
      'remote-peer-id': idToHex(from),
      from: idToHex(message.from),
      to: idToHex(message.to),
    });
    return refused;
  }

  private forgetOldestRemote(): void {
    for (const [id, remote] of this.remotes) {
      remote.stop();
      this.remotes.delete(id);
      return;
    }
  }

  private attach(from: bigint, kind: StreamKind, socket: Socket): void {
    this.peers.get(from)?.attach(kind, socket);
  }

  private wasRemoved(): void {
    if (this.removed || this.closed) return;
    this.removed = true;
    this.context.log('warn', 'the member has been permanently removed from the cluster', {
      'local-member-id': idToHex(this.identity.id),
    });
    this.context.handler.removedFromCluster();
  }
}

function timesOf(options: Partial<PeerTimes>): PeerTimes {
  const times = { ...defaultTimes };
  for (const key of Object.keys(times) as (keyof PeerTimes)[]) times[key] = options[key] ?? times[key];
  return times;
}

/**
 * An acknowledgement says everything that earlier ones of the same term have said, so only the last is worth sending.
 * Rejections stay: each answers a probe of its own.
 */
function withoutStaleAnswers(messages: Message[]): Message[] {
  const last = messages.findLast(isAcknowledgement);
  if (last === undefined) return messages;
  return messages.filter(
    (each) => each === last || !isAcknowledgement(each) || each.term !== last.term || each.index > last.index,
  );
}

function isAcknowledgement(message: Message): boolean {
  return message.type === MessageType.MsgAppResp && !message.reject;
}
