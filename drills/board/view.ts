/** What the page is sent: one lab as it is now. */
import type { CertificateListing } from '../../toolkit/provision/certificate-list.ts';
import type { Memory } from './changes.ts';
import type { LearnerView } from './learner.ts';
import {
  type AlarmType,
  leaderAmong,
  mostInformed,
  type NodeObservation,
  type Observation,
  type Silence,
} from './observation.ts';
import type { Rates } from './rates.ts';

/**
 * - `starting`: nobody was asked yet.
 * - `healthy`: all members answer, one leads, there is no alarm.
 * - `impaired`: one leads, and a member is down, or there is an alarm.
 * - `leaderless`: members answer, none leads: nothing can be written.
 * - `down`: no member answers.
 * - `missing`: there is no such lab, or not any more.
 */
export type Health = 'starting' | 'healthy' | 'impaired' | 'leaderless' | 'down' | 'missing';

export interface MemberView {
  readonly name: string;
  /** `late`: it has not answered the last time. `listed`: in the member list, and no node of the lab. */
  readonly state: 'up' | 'late' | 'down' | 'listed';
  readonly role?: 'leader' | 'follower' | 'learner' | undefined;
  readonly silence?: Silence | undefined;
  readonly askedAs?: string | undefined;
  readonly version?: string | undefined;
  readonly term?: number | undefined;
  readonly revision?: number | undefined;
  readonly appliedIndex?: number | undefined;
  /** Entries that others have committed and it has not applied. */
  readonly behind?: number | undefined;
  readonly dbSizeBytes?: number | undefined;
  readonly dbInUseBytes?: number | undefined;
  readonly dbQuotaBytes?: number | undefined;
  readonly fsyncP99Seconds?: number | undefined;
  readonly alarms: readonly AlarmType[];
  /** Of the server certificate that it serves; else of the one in the lab's folder. */
  readonly certificateEndsAtMs?: number | undefined;
}

export interface CertificateView {
  readonly name: string;
  readonly status: CertificateListing['status'];
  readonly reason?: string | undefined;
  readonly endsAtMs?: number | undefined;
}

export interface LabView {
  readonly name: string;
  readonly health: Health;
  readonly leader?: string | undefined;
  readonly term?: number | undefined;
  readonly revision?: number | undefined;
  readonly members: readonly MemberView[];
  readonly alarms: readonly { readonly member: string; readonly type: AlarmType }[];
  /** Per second, oldest first. */
  readonly keysPerSecond: readonly number[];
  readonly certificates: readonly CertificateView[];
  readonly learner: LearnerView;
}

/** All that is known of a lab. */
export interface Known {
  readonly name: string;
  readonly observation?: Observation | undefined;
  readonly memory?: Memory | undefined;
  readonly rates: Rates;
  readonly certificates: readonly CertificateListing[];
  readonly learner: LearnerView;
  readonly isMissing: boolean;
}

export function viewOf({ name, observation, memory, rates, certificates, learner, isMissing }: Known): LabView {
  const common = {
    name,
    keysPerSecond: rates.keysPerSecond,
    certificates: certificates.map(certificateView),
    learner,
  };
  if (isMissing || observation === undefined || memory === undefined) {
    return { ...common, health: isMissing ? 'missing' : 'starting', members: [], alarms: [] };
  }
  const { nodes } = observation;
  const word = mostInformed(nodes);
  const leader = leaderAmong(nodes);
  const alarms = [...memory.alarms.values()];
  const members = nodes.map((node): MemberView => {
    const alarmsOf = alarms.filter(({ member }) => member === node.node).map(({ type }) => type);
    const files = certificates.find((listing) => listing.name === `server-${node.node}`)?.notAfter?.getTime();
    return {
      ...memberView(node, memory, word?.committedIndex ?? 0, leader?.memberId),
      alarms: alarmsOf,
      fsyncP99Seconds: rates.fsyncP99Seconds(node.node),
      certificateEndsAtMs: node.counters?.certificate?.endsAtMs ?? files,
    };
  });
  return {
    ...common,
    health: healthOf(nodes, memory),
    leader: nodes.find(({ answer }) => answer !== undefined && answer === leader)?.node,
    term: word?.term,
    revision: word?.revision,
    members: [...members, ...listedOnly(memory)],
    alarms,
  };
}

function certificateView({ name, status, reason, notAfter }: CertificateListing): CertificateView {
  return { name, status, reason, endsAtMs: notAfter?.getTime() };
}

function healthOf(nodes: readonly NodeObservation[], memory: Memory): Health {
  const downs = nodes.filter(({ node }) => memory.nodes.get(node)?.isDown === true);
  if (downs.length === nodes.length) return 'down';
  // A leader that has missed one question still leads.
  const leader = nodes.find(({ node }) => memory.nodes.get(node)?.memberId === memory.leader?.memberId);
  const leads = memory.leader !== undefined && leader !== undefined && !downs.includes(leader);
  if (!leads) return 'leaderless';
  return downs.length > 0 || memory.alarms.size > 0 ? 'impaired' : 'healthy';
}

function memberView(
  { node: name, askedAs, answer, silence, counters }: NodeObservation,
  memory: Memory,
  committedIndex: number,
  leaderId: string | undefined,
): Omit<MemberView, 'alarms'> {
  if (answer === undefined) {
    return { name, state: memory.nodes.get(name)?.isDown === true ? 'down' : 'late', silence, askedAs };
  }
  const { isLearner, memberId, version, term, revision, appliedIndex, dbSizeBytes, dbInUseBytes } = answer;
  return {
    name,
    state: 'up',
    askedAs,
    role: isLearner ? 'learner' : memberId === leaderId ? 'leader' : 'follower',
    version,
    term,
    revision,
    appliedIndex,
    behind: Math.max(0, committedIndex - appliedIndex),
    dbSizeBytes,
    dbInUseBytes,
    dbQuotaBytes: counters?.dbQuotaBytes,
  };
}

/** Members that somebody has added by hand. */
function listedOnly({ roster, nodes }: Memory): MemberView[] {
  const probed = new Set([...nodes.values()].map(({ memberId }) => memberId));
  const others = [...roster.values()].filter(({ memberId, name }) => !probed.has(memberId) && !nodes.has(name));
  return others.map(({ memberId, name, isLearner }) => ({
    name: name || memberId,
    state: 'listed',
    ...(isLearner && { role: 'learner' }),
    alarms: [],
  }));
}
