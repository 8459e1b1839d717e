/**
 * The network between the machines: it loses, delays, repeats and reorders, and links can be cut in either direction.
 * Messages travel as bytes, so that no two members share an object.
 */
import { Message, MessageType } from '../../server/proto/gen/raft.ts';
import type { Prng } from '../../server/raft/testing/prng.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

/** What a member takes from the network. */
export interface Endpoint {
  readonly owner: Owner;
  process(message: Message): void;
  isRemoved(id: bigint): boolean;
  reportUnreachable(id: bigint): void;
  reportSnapshot(id: bigint, ok: boolean): void;
  receiveSnapshot(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  removedFromCluster(): void;
}

/** How bad the network is; each run draws its own. Probabilities and milliseconds. */
export interface NetworkManners {
  loss: number;
  duplication: number;
  /** Messages of a link may overtake one another, as they do when a connection breaks and another takes over. */
  reordering: boolean;
  shortestMs: number;
  longestMs: number;
}

/** Bytes of a database in one piece of a transfer. */
const chunkBytes = 16 * 1024;
/** How long a sender waits for what becomes of a snapshot. */
const snapshotTimeoutMs = 30_000;
/** The longest that the transfer of a large database takes. */
const slowTransferMs = 3000;
/** Messages under way to one member; what comes on top is lost, as from a full send queue. */
const maxUnderWay = 4096;

export class SimulatedNetwork {
  manners: NetworkManners;
  readonly counts = { sent: 0, delivered: 0, lost: 0, duplicated: 0, cut: 0, snapshots: 0 };
  /** Sees each message that arrives, and each that does not. */
  onMessage: (fate: 'arrives' | 'lost' | 'cut' | 'refused', message: Message) => void = () => undefined;
  private readonly time: VirtualTime;
  private readonly prng: Prng;
  private readonly endpoints = new Map<bigint, Endpoint>();
  private readonly cuts = new Set<string>();
  private readonly underWay = new Map<bigint, number>();
  /** When the last message of a link arrives. */
  private readonly arrivals = new Map<string, number>();

  constructor(time: VirtualTime, prng: Prng, manners: NetworkManners) {
    this.time = time;
    this.prng = prng;
    this.manners = manners;
  }

  /** Replaces what was there by that id. */
  attach(id: bigint, endpoint: Endpoint): void {
    this.endpoints.set(id, endpoint);
  }

  /** Whether a message from one could reach the other now. */
  reaches(from: bigint, to: bigint): boolean {
    return this.allows(from, to) && this.endpoints.get(to)?.owner.isAlive === true;
  }

  /** Whether the link in this direction is whole. */
  allows(from: bigint, to: bigint): boolean {
    return !this.cuts.has(`${from}-${to}`);
  }

  cutOneWay(from: bigint, to: bigint): void {
    this.cuts.add(`${from}-${to}`);
  }

  /** Leaves only the links within `group` and within the rest. */
  partition(group: readonly bigint[], rest: readonly bigint[]): void {
    for (const a of group) {
      for (const b of rest) {
        this.cutOneWay(a, b);
        this.cutOneWay(b, a);
      }
    }
  }

  heal(): void {
    this.cuts.clear();
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.post(message);
      // A connection carries a proposal once, or breaks: proposing twice would be writing twice.
      if (message.type !== MessageType.MsgProp && this.prng.chance(this.manners.duplication)) {
        this.counts.duplicated++;
        this.post(message);
      }
    }
  }

  /**
   * The transfer of a snapshot with its database: it arrives whole, breaks off, or is lost. It may take so long that the
   * receiver has all of it from elsewhere by then, and be sent again although it has arrived.
   */
  sendSnapshot(message: Message, database: Uint8Array): void {
    this.counts.snapshots++;
    this.transfer(message, database);
    if (this.prng.chance(this.manners.duplication * 3)) this.transfer(message, database);
  }

  private transfer(message: Message, database: Uint8Array): void {
    const { from, to } = message;
    const bytes = Message.encode(message);
    const isLarge = this.prng.chance(0.2);
    this.time.after(this.delayMs() * 4 + (isLarge ? this.prng.int(slowTransferMs) : 0), undefined, () => {
      const receiver = this.endpoints.get(to);
      let isReported = false;
      const report = (ok: boolean): void => {
        if (isReported) return;
        isReported = true;
        this.tell(from, (sender) => sender.reportSnapshot(to, ok));
      };
      if (receiver === undefined || !this.reaches(from, to) || this.prng.chance(this.manners.loss)) {
        this.onMessage('lost', message);
        report(false);
        return;
      }
      // A receiver that is gone by then, or hangs, gives no answer.
      this.time.after(snapshotTimeoutMs, undefined, () => report(false));
      const breaksAt = this.prng.chance(this.manners.loss * 3) ? this.prng.int(database.length) : Infinity;
      this.onMessage('arrives', message);
      this.time.whenAwake(receiver.owner, () =>
        receiver.receiveSnapshot(Message.decode(bytes), chunksOf(database, breaksAt)).then(
          () => report(true),
          () => report(false),
        ),
      );
    });
  }

  /** Does it as that member, if it runs, some time later. */
  tell(id: bigint, what: (endpoint: Endpoint) => void): void {
    this.time.after(this.delayMs(), undefined, () => {
      const endpoint = this.endpoints.get(id);
      if (endpoint !== undefined) this.time.whenAwake(endpoint.owner, () => what(endpoint));
    });
  }

  delayMs(): number {
    const { shortestMs, longestMs } = this.manners;
    // Mostly near the short end, sometimes far out.
    return shortestMs + (longestMs - shortestMs) * this.prng.next() ** 3;
  }

  private post(message: Message): void {
    const { to } = message;
    this.counts.sent++;
    if ((this.underWay.get(to) ?? 0) >= maxUnderWay || this.prng.chance(this.manners.loss)) {
      this.drop('lost', message);
      return;
    }
    this.underWay.set(to, (this.underWay.get(to) ?? 0) + 1);
    const bytes = Message.encode(message);
    this.time.after(this.arrivesInMs(message), undefined, () => {
      this.underWay.set(to, (this.underWay.get(to) ?? 1) - 1);
      this.arrive(Message.decode(bytes));
    });
  }

  private arrivesInMs({ from, to }: Message): number {
    const delayMs = this.delayMs();
    if (this.manners.reordering) return delayMs;
    const link = `${from}-${to}`;
    const atMs = Math.max(this.time.nowMs + delayMs, this.arrivals.get(link) ?? 0);
    this.arrivals.set(link, atMs);
    return atMs - this.time.nowMs;
  }

  private arrive(message: Message): void {
    const { from, to } = message;
    const receiver = this.endpoints.get(to);
    if (receiver === undefined || !this.reaches(from, to)) {
      this.drop('cut', message);
      return;
    }
    this.time.whenAwake(receiver.owner, () => {
      if (receiver.isRemoved(from)) {
        this.onMessage('refused', message);
        // As upstream does: whoever was removed is told so when it speaks.
        this.tell(from, (sender) => sender.removedFromCluster());
        return;
      }
      this.counts.delivered++;
      this.onMessage('arrives', message);
      receiver.process(message);
    });
  }

  private drop(fate: 'lost' | 'cut', message: Message): void {
    this.counts[fate]++;
    this.onMessage(fate, message);
    // A broken connection is noticed, most of the time.
    if (this.prng.chance(0.5)) this.tell(message.from, (sender) => sender.reportUnreachable(message.to));
  }
}

async function* chunksOf(bytes: Uint8Array, breaksAt: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    if (start + chunkBytes > breaksAt) throw new Error('the connection broke during the transfer');
    yield bytes.subarray(start, start + chunkBytes);
  }
}
