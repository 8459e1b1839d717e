/** Members for tests of the peer protocol: real sockets on the loopback, and a handler that writes down what arrives. */
import { crc32 } from 'node:zlib';
import type { BackendSnapshot } from '../../backend/backend.ts';
import { Message, MessageType } from '../../proto/gen/raft.ts';
import type { PeerHandlers } from '../peer-endpoints.ts';
import { createPeerServer, type PeerServer } from '../peer-server.ts';
import type { TlsFiles } from '../tls.ts';
import { Transport, type TransportOptions } from '../transport.ts';
import type { RaftHandler } from '../types.ts';

export interface LogLine {
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** Waits until `condition` holds, looking every few milliseconds. @throws Error when it does not within 10 s */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited 10 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export class RecordingHandler implements RaftHandler {
  readonly messages: Message[] = [];
  readonly unreachable: bigint[] = [];
  readonly snapshots: { id: bigint; ok: boolean }[] = [];
  readonly received: { message: Message; bytes: number; sum: number }[] = [];
  readonly removedIds = new Set<bigint>();
  timesRemoved = 0;
  /** Runs before each piece of a snapshot is taken. */
  beforeChunk: () => Promise<void> = async () => undefined;

  process(message: Message): void {
    this.messages.push(message);
  }

  isRemoved(id: bigint): boolean {
    return this.removedIds.has(id);
  }

  reportUnreachable(id: bigint): void {
    this.unreachable.push(id);
  }

  reportSnapshot(id: bigint, ok: boolean): void {
    this.snapshots.push({ id, ok });
  }

  async receiveSnapshot(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let [bytes, sum] = [0, 0];
    for await (const chunk of chunks) {
      await this.beforeChunk();
      sum = crc32(chunk, sum);
      bytes += chunk.length;
    }
    this.received.push({ message, bytes, sum });
  }

  removedFromCluster(): void {
    this.timesRemoved++;
  }
}

export interface NodeOptions extends Partial<TransportOptions> {
  /** Where to listen; any port of the loopback unless given. */
  listenUrl?: string;
  serverTls?: TlsFiles;
  handlers?: Partial<PeerHandlers>;
}

export const testClusterId = 0xc1a6e8504d9ddbe9n;

/** One member: a transport behind a listener. */
export class TestNode {
  readonly id: bigint;
  readonly handler = new RecordingHandler();
  readonly lines: LogLine[] = [];
  readonly transport: Transport;
  private server: PeerServer | undefined;

  private constructor(id: bigint, options: NodeOptions) {
    this.id = id;
    this.transport = new Transport({
      id,
      clusterId: testClusterId,
      handler: this.handler,
      serverVersion: '3.5.30',
      minClusterVersion: '3.0.0',
      localPeerUrls: [],
      redialIntervalMs: 10,
      log: (level, message, fields) => this.lines.push({ level, message, fields }),
      ...options,
    });
  }

  static async start(id: bigint, options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(id, options);
    node.server = await createPeerServer({
      url: options.listenUrl ?? (options.tls === undefined ? 'http://127.0.0.1:0' : 'https://127.0.0.1:0'),
      ...(options.serverTls !== undefined || options.tls !== undefined
        ? { tls: (options.serverTls ?? options.tls) as TlsFiles }
        : {}),
      ...(options.readTimeoutMs === undefined ? {} : { readTimeoutMs: options.readTimeoutMs }),
      handlers: {
        clusterId: testClusterId,
        serverVersion: '3.5.30',
        clusterVersion: () => '3.5.0',
        members: () => [],
        raft: (request, response) => node.transport.requestHandler(request, response),
        ...options.handlers,
      },
      log: (level, message, fields) => node.lines.push({ level, message, fields }),
    });
    return node;
  }

  get url(): string {
    return this.server?.url ?? '';
  }

  async stop(): Promise<void> {
    await this.transport.close();
    await this.server?.close();
  }

  logged(message: string): LogLine[] {
    return this.lines.filter((line) => line.message.includes(message));
  }
}

/** Two members that know each other, both streams up in both directions. */
export async function connect(a: TestNode, b: TestNode): Promise<void> {
  a.transport.addPeer(b.id, [b.url]);
  b.transport.addPeer(a.id, [a.url]);
  await streamsUp(a, b);
}

/** Waits until what `a` and `b` send to each other goes over streams. */
export async function streamsUp(a: TestNode, b: TestNode, times = 1): Promise<void> {
  for (const node of [a, b]) {
    await until(() => node.logged('established').length >= 4 * times, `${node.id} has its streams`);
  }
}

export function message(from: TestNode, to: TestNode, fields: Partial<Message> = {}): Message {
  return Message.create({ type: MessageType.MsgHeartbeat, from: from.id, to: to.id, term: 1, ...fields });
}

/** A database of `size` bytes that does not compress to one repeated page. */
export function fakeDatabase(size: number): BackendSnapshot & { sum: number; closed: number; produced: number } {
  const chunkBytes = 64 * 1024;
  const chunk = (at: number) => Buffer.alloc(Math.min(chunkBytes, size - at), (at / chunkBytes) % 251);
  let sum = 0;
  for (let at = 0; at < size; at += chunkBytes) {
    sum = crc32(chunk(at), sum);
  }
  const database = {
    sizeBytes: size,
    sum,
    closed: 0,
    produced: 0,
    async *chunks() {
      for (let at = 0; at < size; at += chunkBytes) {
        database.produced = at;
        yield chunk(at);
      }
    },
    close() {
      database.closed++;
    },
  };
  return database;
}
