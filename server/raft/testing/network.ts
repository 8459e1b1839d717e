import { Message } from '../../proto/gen/raft.ts';

interface Packet {
  from: bigint;
  to: bigint;
  bytes: Uint8Array;
}

/** Packets at most on their way; the oldest are lost beyond that. */
const capacity = 2000;

/**
 * A network that loses, repeats, delays and reorders as it is told. Messages travel as bytes, so that no two members
 * share an object.
 */
export class SimulatedNetwork {
  private packets: Packet[] = [];
  private readonly cuts = new Set<string>();
  /** Called for each message that will not arrive. */
  onLost: (message: Message) => void = () => {};

  get inTransit(): number {
    return this.packets.length;
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const { from, to } = message;
      this.packets.push({ from, to, bytes: Message.encode(message) });
    }
    while (this.packets.length > capacity) this.lose(0);
  }

  /** Takes a message off the network; undefined when its link is cut. It may stay behind, to arrive once more. */
  take(position: number, keep = false): Message | undefined {
    const packet = this.packets[position];
    if (packet === undefined) throw new RangeError(`no packet at ${position}`);
    if (this.isCut(packet.from, packet.to)) {
      this.lose(position);
      return undefined;
    }
    if (!keep) this.packets.splice(position, 1);
    return Message.decode(packet.bytes);
  }

  lose(position: number): void {
    const [packet] = this.packets.splice(position, 1);
    if (packet !== undefined) this.onLost(Message.decode(packet.bytes));
  }

  /** Cuts the link in both directions. */
  cut(a: bigint, b: bigint): void {
    this.cuts.add(`${a}-${b}`).add(`${b}-${a}`);
  }

  /** Cuts the link in one direction. */
  cutOneWay(from: bigint, to: bigint): void {
    this.cuts.add(`${from}-${to}`);
  }

  /** Leaves only the links within `group` and within the rest. */
  partition(group: readonly bigint[], rest: readonly bigint[]): void {
    for (const a of group) for (const b of rest) this.cut(a, b);
  }

  heal(): void {
    this.cuts.clear();
  }

  private isCut(from: bigint, to: bigint): boolean {
    return this.cuts.has(`${from}-${to}`);
  }
}
