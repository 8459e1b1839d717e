/** Raft's part of the peer port: `/raft` and below (contract: disk-and-peer §8, §8.1). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { idFromHex, idToHex } from '../membership/mod.ts';
import { type Message, MessageType } from '../proto/gen/raft.ts';
import { BodyTooLargeError } from './dialer.ts';
import { FrameError, frameLength, maxFrameBytes } from './frames.ts';
import {
  clusterIdHeader,
  header,
  incompatibility,
  peerUrlsHeader,
  raftToHeader,
  serverFromHeader,
  serverVersionHeader,
} from './headers.ts';
import { allowMethod, answerAndClose, answerError, answerNotFound, pathOf } from './http-answer.ts';
import { decodeMessage } from './message-stream.ts';
import type { PeerContext } from './peer.ts';
import { RequestBody } from './request-body.ts';
import { type StreamKind, streamKinds } from './stream-codec.ts';
import { reasonOf } from './types.ts';

/** What the endpoints need from their transport. */
export interface EndpointActions {
  hasPeer(from: bigint): boolean;
  attach(from: bigint, kind: StreamKind, socket: Socket): void;
  addRemote(from: bigint, urls: readonly string[]): void;
  /** @returns why the message was refused */
  receive(from: bigint, message: Message): string | undefined;
}

/** More databases are not taken in at once; a leader that is told so tries again. */
const maxSnapshotsInFlight = 2;

export class RaftEndpoints {
  private readonly context: PeerContext;
  private readonly actions: EndpointActions;
  private snapshotsInFlight = 0;

  constructor(context: PeerContext, actions: EndpointActions) {
    this.context = context;
    this.actions = actions;
  }

  /** @returns false when the path is none of raft's */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = pathOf(request);
    if (path !== '/raft' && !path.startsWith('/raft/')) return false;
    if (path === '/raft/probing') this.answerProbe(response);
    else if (path === '/raft') this.post(request, response, () => this.takeMessage(request, response));
    else if (path === '/raft/snapshot') this.post(request, response, () => this.takeSnapshot(request, response));
    else if (path.startsWith('/raft/stream/')) this.openStream(path, request, response);
    else answerNotFound(response);
    return true;
  }

  private answerProbe(response: ServerResponse): void {
    // Upstream's answer is of this type, too.
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`{"OK":true,"Now":"${new Date().toISOString()}"}\n`);
  }

  private post(request: IncomingMessage, response: ServerResponse, take: () => Promise<void>): void {
    if (!allowMethod(request, response, 'POST')) return;
    response.setHeader(clusterIdHeader, idToHex(this.context.identity.clusterId));
    if (!this.isCompatible(request, response)) return;
    this.rememberSender(request);
    take().catch((error: unknown) => this.refuse(request, response, error));
  }

  private isCompatible(request: IncomingMessage, response: ServerResponse): boolean {
    const { identity, log } = this.context;
    const reason = incompatibility(request.headers, identity);
    if (reason === undefined) return true;
    log('warn', `request refused: ${reason}`, {
      'remote-peer-id': header(request.headers, serverFromHeader),
      'remote-address': request.socket.remoteAddress,
      'remote-peer-cluster-id': header(request.headers, clusterIdHeader),
      'local-member-cluster-id': idToHex(identity.clusterId),
      'remote-peer-server-version': header(request.headers, serverVersionHeader),
    });
    answerAndClose(response, 412, reason);
    return false;
  }

  private rememberSender(request: IncomingMessage): void {
    const from = idFromHex(header(request.headers, serverFromHeader));
    const urls = header(request.headers, peerUrlsHeader);
    if (from !== undefined && urls !== '') this.actions.addRemote(from, urls.split(','));
  }

  private senderOf(request: IncomingMessage): bigint {
    return idFromHex(header(request.headers, serverFromHeader)) ?? 0n;
  }

  private refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { log, metrics } = this.context;
    metrics.receiveFailed?.(this.senderOf(request));
    log('warn', 'failed to take a request of a peer', {
      'remote-peer-id': header(request.headers, serverFromHeader),
      'remote-address': request.socket.remoteAddress,
      path: pathOf(request),
      error: reasonOf(error),
    });
    if (response.headersSent || request.socket.destroyed) request.socket.destroy();
    else if (error instanceof FrameError) answerAndClose(response, 400, 'error unmarshalling raft message');
    else if (error instanceof BodyTooLargeError) answerAndClose(response, 413, reasonOf(error));
    else answerAndClose(response, 500, reasonOf(error));
  }

  private async takeMessage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, times } = this.context;
    const from = this.senderOf(request);
    const bytes = await new RequestBody(request, times.readTimeoutMs).readAll(maxFrameBytes);
    metrics.bytesReceived?.(from, bytes.length);
    // 403 would tell the sender that it was removed; upstream's members answer 500 and cut (§8.1).
    if (this.actions.receive(from, decodeMessage(bytes)) !== undefined) {
      answerAndClose(response, 500, 'error processing raft message');
      return;
    }
    response.writeHead(204).end();
  }

  private async takeSnapshot(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.snapshotsInFlight >= maxSnapshotsInFlight) {
      answerAndClose(response, 503, 'too many snapshots are being received');
      return;
    }
    this.snapshotsInFlight++;
    try {
      await this.receiveSnapshot(request, response);
    } finally {
      this.snapshotsInFlight--;
    }
  }

  private async receiveSnapshot(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { handler, identity, log, metrics, now, times } = this.context;
    const body = new RequestBody(request, times.readTimeoutMs);
    const message = decodeMessage(await body.read(frameLength(await body.read(8))));
    const index = message.snapshot?.metadata.index;
    const fields = { 'remote-peer-id': idToHex(message.from), 'snapshot-index': index ?? 0 };
    if (message.type !== MessageType.MsgSnap || index === undefined) {
      answerAndClose(response, 400, 'wrong raft message type');
      return;
    }
    if (message.to !== identity.id || handler.isRemoved(message.from)) {
      answerAndClose(response, 500, 'error processing raft message');
      return;
    }
    const startedAt = now();
    log('info', 'receiving database snapshot', fields);
    let ok = false;
    try {
      await handler.receiveSnapshot(message, body.rest());
      ok = true;
    } finally {
      metrics.snapshotReceived?.(message.from, ok, (now() - startedAt) / 1000);
    }
    log('info', 'received and saved database snapshot', fields);
    response.writeHead(204).end();
  }

  private openStream(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (!allowMethod(request, response, 'GET')) return;
    const { identity } = this.context;
    response.setHeader(serverVersionHeader, identity.serverVersion);
    response.setHeader(clusterIdHeader, idToHex(identity.clusterId));
    if (!this.isCompatible(request, response)) return;
    const [, , , kindText = '', fromText = '', ...more] = path.split('/');
    const kind = streamKinds.find((each) => each === kindText);
    const from = idFromHex(fromText);
    if (kind === undefined || more.length > 0) answerError(response, 404, 'invalid path');
    else if (from === undefined) answerError(response, 404, 'invalid from');
    else if (this.isWelcome(from, request, response)) this.startStream(from, kind, response);
  }

  private isWelcome(from: bigint, request: IncomingMessage, response: ServerResponse): boolean {
    const { handler, identity } = this.context;
    if (handler.isRemoved(from)) {
      answerError(response, 410, 'removed member');
    } else if (!this.actions.hasPeer(from)) {
      // It may have joined by changes that this member has not applied yet.
      this.rememberSender(request);
      answerError(response, 404, 'error sender not found');
    } else if (header(request.headers, raftToHeader) !== idToHex(identity.id)) {
      answerError(response, 412, 'to field mismatch');
    } else {
      return true;
    }
    return false;
  }

  private startStream(from: bigint, kind: StreamKind, response: ServerResponse): void {
    const { socket } = response;
    if (socket === null) {
      // Behind another request on the same connection, where an endless answer has no place.
      response.destroy();
      return;
    }
    socket.setTimeout(0);
    response.writeHead(200, { 'Transfer-Encoding': 'chunked' });
    response.flushHeaders();
    this.actions.attach(from, kind, socket);
  }
}
