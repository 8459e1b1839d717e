/** What can be seen of a cluster from outside, member by member. */
import { connect } from 'node:net';
import { EtcdClient, explainConnectFailure } from '../../../server/client/mod.ts';
import type { Member, StatusResponse } from '../../../server/proto/gen/rpc.ts';
import type { ServiceStatus } from '../../hosts/host.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { tellingLines } from './log-line.ts';
import { Patience } from './patience.ts';

/** The hash of all live keys of one member up to a revision. */
export interface KeySpaceHash {
  readonly hash: number;
  /** Members that compacted at different revisions hash different histories. */
  readonly compactRevision: number;
}

export interface ClusterView {
  readonly nodes: readonly LabNode[];
  process(node: LabNode): Promise<ServiceStatus>;
  /** @returns whether the member once had data and has none now */
  hasLostData(node: LabNode): Promise<boolean>;
  /** @returns the end of the member's log of its present or last run, as far as it says what went wrong */
  tellingLog(node: LabNode): Promise<string[]>;
  /** @returns why no TCP connection can be made, or undefined */
  portProblem(node: LabNode): Promise<string | undefined>;
  /** What the member says of itself; it needs no quorum for that. */
  status(node: LabNode): Promise<StatusResponse>;
  members(node: LabNode): Promise<Member[]>;
  /** @returns the revision at which a linearizable read through this member was served */
  linearizableRead(node: LabNode): Promise<number>;
  hashKv(node: LabNode, revision: number): Promise<KeySpaceHash>;
  /** @returns why the member cannot be reached over TLS, in a sentence. Never rejects. */
  explain(node: LabNode): Promise<string>;
  close(): void;
}

/** How far back the reason for a failure is looked for, and how much of it is shown. */
const searchedLogLines = 300;
const shownLogLines = 8;

/** A host that is there accepts or refuses within a round trip. */
const connectTimeoutMs = 1000;
/** Where a handshake takes long, it is not begun anew for each question. */
const dialTimeoutMs = 8000;

/** @returns a view over real connections, as the administrator; to be closed */
export function openClusterView(lab: Lab): ClusterView {
  const tls = lab.clientTlsMaterial();
  const clients = new Map<string, EtcdClient>();
  // One client per member: each question is put to exactly one.
  const clientOf = ({ clientUrl }: LabNode): EtcdClient => {
    let client = clients.get(clientUrl);
    if (client === undefined) {
      client = new EtcdClient({ endpoints: [clientUrl], tls, dialTimeoutMs });
      clients.set(clientUrl, client);
    }
    return client;
  };
  const patience = new Patience();
  const ask = <T>(node: LabNode, question: (client: EtcdClient, call: { readonly timeoutMs: number }) => Promise<T>) =>
    patience.ask(node.name, (call) => question(clientOf(node), call));
  return {
    nodes: lab.nodes,
    process: (node) => node.host.service.status(),
    hasLostData: ({ name }) => lab.hasLostData(name),
    tellingLog: async ({ host }) => {
      const { startedAt } = await host.service.status();
      return tellingLines(await host.service.logTail(searchedLogLines), startedAt, shownLogLines);
    },
    portProblem: (node) => tcpProblem(node.address, node.clientPort),
    status: (node) => ask(node, (client, call) => client.status({}, call)),
    members: (node) =>
      ask(node, async (client, call) => (await client.memberList({ linearizable: true }, call)).members),
    linearizableRead: (node) =>
      ask(
        node,
        async (client, call) => (await client.range({ key: Buffer.from('health') }, call)).header?.revision ?? 0,
      ),
    hashKv: (node, revision) =>
      ask(node, async (client, call) => {
        const { hash, compact_revision } = await client.hashKv({ revision }, call);
        return { hash, compactRevision: compact_revision };
      }),
    explain: async (node) => {
      const sentence = await explainConnectFailure(node.clientUrl, tls, patience.timeoutMs(node.name));
      // The member is named wherever the sentence is shown.
      return sentence.replace(`${node.clientUrl}: `, '');
    },
    close: () => {
      for (const client of clients.values()) client.close();
    },
  };
}

function tcpProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs });
    const finish = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(`no answer from ${host}:${port}`));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? `nothing listens on ${host}:${port} yet` : error.message),
    );
  });
}
