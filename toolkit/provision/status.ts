/** The state of a cluster as one value: for a table, for JSON, for drills. */
import type { StatusResponse } from '../../server/proto/gen/rpc.ts';
import { LabError } from '../errors.ts';
import type { ServiceState } from '../hosts/host.ts';
import type { LabNode } from '../lab/nodes.ts';
import { type ClusterView, healthConditions } from './health/mod.ts';

/** What a member says of itself. Ids are hexadecimal, as etcdctl shows them. */
export interface MemberReport {
  readonly memberId: string;
  readonly clusterId: string;
  readonly role: 'leader' | 'follower' | 'learner';
  readonly leaderId: string;
  readonly version: string;
  readonly dbSizeBytes: number;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly revision: number;
}

export interface MemberStatus {
  readonly node: string;
  readonly endpoint: string;
  /** `unreachable`: the machine it runs on does not answer. */
  readonly process: ServiceState | 'unreachable';
  readonly pid?: number;
  /** Missing if the member did not answer. */
  readonly report?: MemberReport;
}

export interface ClusterStatus {
  readonly name: string;
  readonly healthy: boolean;
  readonly members: readonly MemberStatus[];
  /** One line each. */
  readonly problems: readonly string[];
}

/** Asks every member once, and does not wait for anything to become better. */
export async function clusterStatus(name: string, view: ClusterView): Promise<ClusterStatus> {
  const problems: string[] = [];
  const members = await Promise.all(
    view.nodes.map(async (node): Promise<MemberStatus> => {
      const { state, pid, startedAt, reason } = await processOf(view, node);
      const common = { node: node.name, endpoint: node.clientUrl, process: state, ...(pid !== undefined && { pid }) };
      const isLost = state !== 'unreachable' && (await view.hasLostData(node));
      if (isLost) problems.push(`${node.name} has lost its data: etcdlab replace ${node.name}`);
      if (state === 'unreachable') problems.push(reason);
      else if (state !== 'running') {
        if (!isLost || state === 'frozen') problems.push(processProblem(node, state, startedAt));
        return common;
      }
      const report = await view.status(node).then(memberReport, () => undefined);
      if (report === undefined) problems.push(`${node.name} does not answer: ${await view.explain(node)}`);
      return report === undefined ? common : { ...common, report };
    }),
  );
  if (problems.length === 0) problems.push(...(await firstShortfalls(view)));
  // A cut that nobody sees any more is no problem; one that explains a problem is the first thing to know.
  if (problems.length > 0) problems.push(...(await cuts(view)));
  return { name, healthy: problems.length === 0, members, problems: [...problems.sort(), ...lostMajority(members)] };
}

/** Members that are by themselves look well, and still call the leader by name that they have lost. */
function lostMajority(members: readonly MemberStatus[]): string[] {
  const voters = members.filter(({ report }) => report?.role !== 'learner');
  const answering = voters.filter(({ report }) => report !== undefined).length;
  // When none answers, all there is to say has been said.
  return answering === 0 ? [] : missingMajority(answering, voters.length, 'answer');
}

/** @returns one line that says what follows from it, unless so many of the voters are a majority */
export function missingMajority(there: number, voters: number, verb: 'answer' | 'run'): string[] {
  const needed = Math.floor(voters / 2) + 1;
  if (there >= needed) return [];
  const who = `${there} of ${voters} members ${there === 1 ? `${verb}s` : verb}`;
  return [`no majority, and so no leader: ${who}, ${needed} are needed to write anything`];
}

/** A machine that cannot be reached may have a member that can be: it is asked in any case. */
async function processOf(
  view: ClusterView,
  node: LabNode,
): Promise<{ state: MemberStatus['process']; pid?: number; startedAt?: Date; reason: string }> {
  try {
    return { ...(await view.process(node)), reason: '' };
  } catch (error) {
    if (!(error instanceof LabError) || error.code === 'LAB_INTERRUPTED') throw error;
    return { state: 'unreachable', reason: error.message };
  }
}

function processProblem(node: LabNode, state: ServiceState, startedAt: Date | undefined): string {
  if (state === 'frozen') return `${node.name} is frozen: it holds its ports and answers nobody`;
  if (state === 'stopped') return `${node.name} is stopped: etcdlab up starts it`;
  const since = startedAt?.toISOString() ?? 'unknown';
  return `${node.name} was started at ${since} and has ended by itself: etcdlab logs ${node.name} says why, etcdlab up repairs`;
}

async function cuts({ nodes }: ClusterView): Promise<string[]> {
  const lines = await Promise.all(
    nodes.map(async ({ name, host }) => {
      const addresses = await host.cutFrom().catch((): string[] => []);
      const others = addresses.map((address) => nodes.find((node) => node.address === address)?.name ?? address);
      return others.length === 0
        ? []
        : [`${name} is cut off from ${others.join(', ')}: etcdlab heal ${name} takes it back`];
    }),
  );
  return lines.flat();
}

function memberReport(status: StatusResponse): MemberReport {
  const { header, leader, isLearner } = status;
  const memberId = header?.member_id ?? 0n;
  return {
    memberId: memberId.toString(16),
    clusterId: (header?.cluster_id ?? 0n).toString(16),
    role: isLearner ? 'learner' : leader === memberId ? 'leader' : 'follower',
    leaderId: leader.toString(16),
    version: status.version,
    dbSizeBytes: status.dbSize,
    raftTerm: status.raftTerm,
    raftIndex: status.raftIndex,
    revision: header?.revision ?? 0,
  };
}

/** The first condition of health that does not hold tells most; those behind it follow from it. */
async function firstShortfalls(view: ClusterView): Promise<string[]> {
  for (const condition of healthConditions(view)) {
    const shortfalls = await condition.check();
    if (shortfalls.length > 0) return shortfalls.map(({ node, reason }) => `${node}: ${reason}`);
  }
  return [];
}
