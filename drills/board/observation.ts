/** What the board saw of a cluster at one moment. Ids are hexadecimal, as etcdctl shows them. */

export type AlarmType = 'NOSPACE' | 'CORRUPT';

/** What a member says of itself (RPC Status). */
export interface MemberAnswer {
  readonly memberId: string;
  readonly clusterId: string;
  /** Missing while the member knows of no leader. */
  readonly leaderId?: string;
  readonly isLearner: boolean;
  readonly version: string;
  readonly term: number;
  readonly committedIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  readonly dbSizeBytes: number;
  readonly dbInUseBytes: number;
  readonly alarms: readonly { readonly memberId: string; readonly type: AlarmType }[];
}

/** Why a member did not answer. `silent`: it may only be slow. */
export interface Silence {
  readonly kind: 'stopped' | 'exited' | 'frozen' | 'unreachable' | 'refused' | 'silent';
  /** A sentence with the reason, in English, where there is more to say. */
  readonly detail?: string;
}

/** Upper bounds in seconds and how many observations were at or below each, rising; the last bound is infinite. */
export type Histogram = readonly (readonly [upperSeconds: number, count: number])[];

/** What a member has counted since it started (GET /metrics). */
export interface Counters {
  readonly atMs: number;
  readonly startedAtSeconds: number;
  readonly puts: number;
  readonly dbQuotaBytes: number;
  /** Snapshots that clients have taken of it. */
  readonly snapshotsSaved: number;
  /** Snapshots that it has received from a leader. */
  readonly snapshotsReceived: number;
  readonly fsync: Histogram;
  /** Of the certificate that it has just served. */
  readonly certificate?: { readonly serial: string; readonly endsAtMs: number };
}

export interface NodeObservation {
  /** In lab.yaml. */
  readonly node: string;
  /** The user of the certificate that it was asked with. */
  readonly askedAs?: string | undefined;
  /** Either this or `silence`. */
  readonly answer?: MemberAnswer;
  readonly silence?: Silence;
  /** Of this moment or of a little before it; missing if they could not be read. */
  readonly counters?: Counters;
}

/** A member as the member list has it. */
export interface RosterEntry {
  readonly memberId: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly isLearner: boolean;
}

export interface Observation {
  readonly atMs: number;
  /** In the order of lab.yaml. */
  readonly nodes: readonly NodeObservation[];
  /** Missing if nobody could be asked. */
  readonly roster?: readonly RosterEntry[];
}

/**
 * Whose word counts for what all members share: the leader of the highest term, or whoever has applied most.
 * @returns undefined if nobody answered
 */
export function mostInformed(nodes: readonly NodeObservation[]): MemberAnswer | undefined {
  const answers = nodes.flatMap(({ answer }) => answer ?? []);
  return leaderAmong(nodes) ?? [...answers].sort((a, b) => b.appliedIndex - a.appliedIndex)[0];
}

/** @returns who says that it leads; of two, one of which has not heard of the other, the one of the higher term */
export function leaderAmong(nodes: readonly NodeObservation[]): MemberAnswer | undefined {
  const leaders = nodes.flatMap(({ answer }) => (answer?.leaderId === answer?.memberId ? (answer ?? []) : []));
  return leaders.sort((a, b) => b.term - a.term)[0];
}
