/** What the tests of the peer protocol start, and stop again after each test. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfState, Message, MessageType, Snapshot, SnapshotMetadata } from '../../proto/gen/raft.ts';
import { type NodeOptions, TestNode, testClusterId } from './nodes.ts';

export class Workbench {
  private readonly started: { stop(): Promise<void> }[] = [];

  async start(id: bigint, options: NodeOptions = {}): Promise<TestNode> {
    return this.add(await TestNode.start(id, options));
  }

  /** Something that listens and behaves as told instead of like a member. @returns its URL */
  async listen(answer: http.RequestListener): Promise<string> {
    const server = http.createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    this.add({
      async stop() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  add<T extends { stop(): Promise<void> }>(started: T): T {
    this.started.push(started);
    return started;
  }

  async clear(): Promise<void> {
    await Promise.all(this.started.splice(0).map((each) => each.stop()));
  }
}

/** One request to a member, as it is. */
export async function ask(
  url: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(5000), ...init });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** The headers of a request of member `b` that has to be accepted, changed as told. */
export function raftHeaders(fields: Record<string, string> = {}): Record<string, string> {
  return {
    'X-Server-From': 'b',
    'X-Server-Version': '3.5.30',
    'X-Min-Cluster-Version': '3.0.0',
    'X-Etcd-Cluster-ID': testClusterId.toString(16),
    ...fields,
  };
}

export function snapMessage(from: bigint, to: bigint): Message {
  return Message.create({
    type: MessageType.MsgSnap,
    from,
    to,
    term: 2,
    snapshot: Snapshot.create({
      data: Buffer.from('{}'),
      metadata: SnapshotMetadata.create({ index: 7, term: 2, conf_state: ConfState.create({ voters: [from] }) }),
    }),
  });
}
