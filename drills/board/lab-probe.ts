/** Asks all members of one lab, and reads what lies beside them: certificates. Changes nothing. */
import { PkiStore } from '../../pki/mod.ts';
import { messageOf } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { type CertificateListing, listCertificates } from '../../toolkit/provision/certificate-list.ts';
import { readIdentities } from './identity.ts';
import { MemberProbe } from './member-probe.ts';
import { type Counters, mostInformed, type NodeObservation, type Observation, type Silence } from './observation.ts';

/** To ask a machine for the state of its service may take an SSH connection. */
const processTimeoutMs = 3000;

interface ProbedNode {
  readonly node: LabNode;
  readonly probe: MemberProbe;
  /** The last ones; a member is not asked for them each time. */
  counters?: Counters | undefined;
}

export class LabProbe {
  private readonly lab: Lab;
  private readonly nodes: readonly ProbedNode[];
  private readonly now: () => number;

  /** @param lab closed by the caller @param now milliseconds */
  constructor(lab: Lab, now: () => number) {
    this.lab = lab;
    this.now = now;
    this.nodes = lab.nodes.map((node) => ({ node, probe: new MemberProbe(node.clientUrl, now) }));
  }

  /** Asks every member for its status, and one of them for the member list. Does not reject. */
  async observe(): Promise<Observation> {
    const nodes = await Promise.all(this.nodes.map((node) => this.observeNode(node)));
    const word = mostInformed(nodes)?.memberId;
    const informed = this.nodes[nodes.findIndex(({ answer }) => answer !== undefined && answer.memberId === word)];
    const roster = await informed?.probe.roster();
    return { atMs: this.now(), nodes, ...(roster !== undefined && { roster }) };
  }

  /** Reads the counters of all members, for the next observation. Does not reject. */
  async readCounters(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        node.counters = await node.probe.counters();
      }),
    );
  }

  /** Reads the certificates to ask with anew. */
  async refreshIdentity(): Promise<void> {
    const identities = await readIdentities(this.lab);
    for (const { probe } of this.nodes) probe.identifyAs(identities);
  }

  /** @returns the certificates in the lab's folder; none if the folder cannot be read just now */
  async certificates(): Promise<CertificateListing[]> {
    const store = new PkiStore(this.lab.paths.pki);
    const { nodes, state } = this.lab;
    return listCertificates(store, nodes, state.certificates, new Date(this.now())).catch(() => []);
  }

  close(): void {
    for (const { probe } of this.nodes) probe.close();
  }

  private async observeNode({ node, probe, counters }: ProbedNode): Promise<NodeObservation> {
    const said = await probe.status(() => processSilence(node));
    const common = { node: node.name, askedAs: probe.user, ...(counters !== undefined && { counters }) };
    return 'memberId' in said ? { ...common, answer: said } : { ...common, silence: said };
  }
}

/** @returns undefined if the process is there, so that the reason must be another, or nobody knows */
async function processSilence({ host }: LabNode): Promise<Silence | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, processTimeoutMs, undefined);
  try {
    const status = await Promise.race([host.service.status(), late]);
    return status === undefined || status.state === 'running' ? undefined : { kind: status.state };
  } catch (error) {
    return { kind: 'unreachable', detail: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
