/**
 * A TCP proxy in front of one member's peer port that a test can cut, slow down and reset, for all who connect or for
 * one of them, in both directions or in one.
 *
 * A cut link is silent, as a network without a route is: connections stay open and nothing comes through, and what was
 * under way arrives when the link is healed, as TCP would deliver it. Members' connections are told apart by the header
 * `X-Server-From` that begins each of them (contract: disk-and-peer §8.1), so the links must be without TLS.
 */
import net from 'node:net';

/** `towards` the member behind the proxy, or `back` from it. */
export type Direction = 'towards' | 'back';

/** What is wrong with a link; nothing, unless it is said. */
export interface LinkFault {
  /** Nothing comes through in these directions. */
  readonly cut?: readonly Direction[];
  /** Every piece arrives so much later, in either direction. */
  readonly delayMs?: number;
  /** No more comes through, in either direction. */
  readonly bytesPerSecond?: number;
}

/** Beyond this, a direction that is slow or cut stops reading, and the sender meets a full window. */
const maxQueuedBytes = 256 * 1024;
/** Where the header of a connection must have come to its end. */
const maxHeadBytes = 8 * 1024;
/** How much a throttled direction sends in one go. */
const sliceMs = 20;

const everybody = '*';

export class FaultProxy {
  /** Where to connect to. */
  readonly port: number;
  private readonly server: net.Server;
  private readonly targetPort: number;
  private readonly links = new Set<Link>();
  private readonly faults = new Map<string, LinkFault>();

  private constructor(server: net.Server, targetPort: number) {
    this.server = server;
    this.targetPort = targetPort;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => this.accept(socket));
  }

  /** Listens on loopback. @param port 0 for any that is free */
  static async listen(targetPort: number, port = 0): Promise<FaultProxy> {
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return new FaultProxy(server, targetPort);
  }

  /**
   * Makes the links faulty, those that are open and those to come, until `heal`. Takes the place of an earlier fault of
   * the same source.
   *
   * @param from the connecting member's id in hexadecimal; everybody unless given
   */
  fault(fault: LinkFault, from = everybody): void {
    this.faults.set(from, fault);
    for (const link of this.links) link.changed();
  }

  /** Ends all faults. */
  heal(): void {
    this.faults.clear();
    for (const link of this.links) link.changed();
  }

  /** Breaks open connections at once; they may be made again. @param from as for `fault` */
  reset(from = everybody): void {
    for (const link of [...this.links]) if (from === everybody || link.from === from) link.reset();
  }

  /** Open connections of everybody. */
  get openLinks(): number {
    return this.links.size;
  }

  /** Stops listening and breaks every connection. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const link of [...this.links]) link.reset();
    await closed;
  }

  private accept(socket: net.Socket): void {
    const link = new Link(socket, this.targetPort, (from) => this.faultsOf(from));
    this.links.add(link);
    link.onClosed = () => this.links.delete(link);
  }

  private faultsOf(from: string | undefined): LinkFault[] {
    const faults = [this.faults.get(everybody), from === undefined ? undefined : this.faults.get(from)];
    return faults.filter((fault) => fault !== undefined);
  }
}

/** One connection through the proxy. */
class Link {
  /** Who connected; undefined until its header has been seen. */
  from: string | undefined;
  onClosed: () => void = () => undefined;
  private readonly outer: net.Socket;
  private readonly inner: net.Socket;
  private readonly pipes: Pipe[];
  private head = '';

  constructor(outer: net.Socket, targetPort: number, faultsOf: (from: string | undefined) => LinkFault[]) {
    this.outer = outer;
    this.inner = net.connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const faults = () => faultsOf(this.from);
    this.pipes = [
      new Pipe(outer, this.inner, 'towards', faults, (chunk) => this.readHead(chunk)),
      new Pipe(this.inner, outer, 'back', faults),
    ];
    for (const socket of [outer, this.inner]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset());
      socket.once('close', () => this.closedOne());
    }
  }

  changed(): void {
    for (const pipe of this.pipes) pipe.pump();
  }

  reset(): void {
    for (const socket of [this.outer, this.inner]) if (!socket.destroyed) socket.resetAndDestroy();
  }

  private closedOne(): void {
    for (const pipe of this.pipes) pipe.stop();
    this.outer.destroy();
    this.inner.destroy();
    this.onClosed();
  }

  private readHead(chunk: Buffer): void {
    if (this.from !== undefined || this.head.length > maxHeadBytes) return;
    this.head += chunk.toString('latin1');
    const [, from] = /\r\nx-server-from: *([0-9a-f]+)\r\n/i.exec(this.head) ?? [];
    if (from !== undefined) this.from = from;
  }
}

/** One direction of a link. */
class Pipe {
  private readonly source: net.Socket;
  private readonly sink: net.Socket;
  private readonly direction: Direction;
  private readonly faults: () => LinkFault[];
  private queue: { chunk: Buffer; arrivedMs: number }[] = [];
  private queuedBytes = 0;
  private hasEnded = false;
  private isSinkFull = false;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    source: net.Socket,
    sink: net.Socket,
    direction: Direction,
    faults: () => LinkFault[],
    look: (chunk: Buffer) => void = () => undefined,
  ) {
    this.source = source;
    this.sink = sink;
    this.direction = direction;
    this.faults = faults;
    source.on('data', (chunk: Buffer) => {
      look(chunk);
      this.queue.push({ chunk, arrivedMs: performance.now() });
      this.queuedBytes += chunk.length;
      if (this.queuedBytes > maxQueuedBytes) source.pause();
      this.pump();
    });
    source.once('end', () => {
      this.hasEnded = true;
      this.pump();
    });
    sink.on('drain', () => {
      this.isSinkFull = false;
      this.pump();
    });
    source.resume();
  }

  /** Passes on what may pass by now. */
  pump(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const faults = this.faults();
    if (this.isStopped || this.isSinkFull || faults.some(({ cut }) => cut?.includes(this.direction))) return;
    const delayMs = Math.max(0, ...faults.map((fault) => fault.delayMs ?? 0));
    const rate = Math.min(
      Number.POSITIVE_INFINITY,
      ...faults.map((fault) => fault.bytesPerSecond ?? Number.POSITIVE_INFINITY),
    );
    let budget = Math.max(1, (rate * sliceMs) / 1000);
    for (let next = this.queue[0]; next !== undefined && !this.isSinkFull; next = this.queue[0]) {
      const waitMs = budget < 1 ? sliceMs : next.arrivedMs + delayMs - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      budget -= this.pass(next, Math.floor(budget));
    }
    if (this.queue.length === 0 && this.hasEnded) this.sink.end();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.queue = [];
    this.queuedBytes = 0;
  }

  /** @returns how many bytes of the first chunk were passed on */
  private pass(first: { chunk: Buffer; arrivedMs: number }, most: number): number {
    const piece = first.chunk.subarray(0, most);
    if (piece.length === first.chunk.length) this.queue.shift();
    else first.chunk = first.chunk.subarray(piece.length);
    this.queuedBytes -= piece.length;
    this.isSinkFull = !this.sink.write(piece);
    if (this.queuedBytes <= maxQueuedBytes && !this.hasEnded) this.source.resume();
    return piece.length;
  }
}
