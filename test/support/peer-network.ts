/** The network between the members of a test cluster, as far as a test wants to break it. */
import { idToHex, initialMembers, parseInitialCluster } from '../../server/membership/mod.ts';
import { FaultProxy, type LinkFault } from './fault-proxy.ts';
import { freePorts, type TestCluster } from './test-cluster.ts';

export class PeerNetwork {
  private readonly proxies: readonly FaultProxy[];
  /** Of each member, as it says in its requests. */
  private readonly ids: readonly string[];

  private constructor(proxies: readonly FaultProxy[], ids: readonly string[]) {
    this.proxies = proxies;
    this.ids = ids;
  }

  /** Puts a proxy in front of each member's peer port. The cluster must not have been started, and be without TLS. */
  static async between(cluster: TestCluster, token = 'test'): Promise<PeerNetwork> {
    const ports = await freePorts(cluster.members.length);
    const proxies: FaultProxy[] = [];
    for (const [i, member] of cluster.members.entries()) {
      const behind = ports[i] as number;
      proxies.push(await FaultProxy.listen(behind, Number(new URL(member.peerUrl).port)));
      member.listenPeerUrl = `http://127.0.0.1:${behind}`;
    }
    const { members } = initialMembers(parseInitialCluster(cluster.initialCluster), token);
    const ids = cluster.members.map(({ name }) => idToHex(members.find((member) => member.name === name)?.id ?? 0n));
    return new PeerNetwork(proxies, ids);
  }

  /** Nothing passes between two members. */
  cut(one: number, other: number): void {
    this.slow(one, other, { cut: ['towards', 'back'] });
  }

  /** Nothing of what the one sends arrives at the other, on connections that either has made. */
  cutOneWay(sender: number, receiver: number): void {
    this.proxy(receiver).fault({ cut: ['towards'] }, this.ids[sender]);
    this.proxy(sender).fault({ cut: ['back'] }, this.ids[receiver]);
  }

  /** Nothing passes between a member and all others. */
  isolate(member: number): void {
    for (const other of this.proxies.keys()) if (other !== member) this.cut(member, other);
  }

  /** Makes the link between two members faulty, whoever has made the connections. */
  slow(one: number, other: number, fault: LinkFault): void {
    this.proxy(one).fault(fault, this.ids[other]);
    this.proxy(other).fault(fault, this.ids[one]);
  }

  /** Breaks all open connections between members. */
  reset(): void {
    for (const proxy of this.proxies) proxy.reset();
  }

  heal(): void {
    for (const proxy of this.proxies) proxy.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }

  private proxy(index: number): FaultProxy {
    return this.proxies[index] as FaultProxy;
  }
}
