/** The record of one run, complete enough to be read a year later: what was done, when, and what was proved. */
import type { RecoveryPart } from '../engine/context.ts';
import type { DrillDefinition } from '../engine/definition.ts';
import type { DrillResult, Phase } from '../engine/events.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import type { KeyDifference } from '../verification/compare.ts';
import type { Observation } from '../verification/evidence.ts';
import { isFailure } from '../verification/evidence.ts';
import { printableKey } from '../verification/key-space.ts';
import type { Check, Verdict } from '../verification/verify.ts';

export interface TimelineEntry {
  phase: Phase;
  title: string;
  startedAt: string;
  durationMs: number;
  outcome: 'done' | 'failed';
  summary: string;
}

/** As `report.json` holds it. Fields are added over time, never changed or removed within a format version. */
export interface DrillReport {
  format: 'etcdlab-drill-report/1';
  drill: string;
  title: string;
  teaches: string;
  runId: string;
  lab: string;
  engine: string;
  result: DrillResult;
  /** Why the drill could not be carried through; only with result `inconclusive`. */
  error?: string;
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  timeline: TimelineEntry[];
  /** Recovery time objective, measured from the first member that was hurt. */
  rto?: {
    healthyMs: number;
    provenMs: number;
    byStep: { title: string; durationMs: number }[];
    /** Milliseconds of detect, decide, fetch, restore, start and verify, as far as the drill has them. */
    parts: Partial<Record<RecoveryPart, number>>;
  };
  /** Recovery point objective: what the restored snapshot does not have. */
  rpo?: { revisions: number; durationMs: number; keys: ReportedDifference[] };
  snapshot?: SnapshotManifest;
  members?: ReportedMember[];
  checks: Check[];
  /** Keys that differ from the record, by member. */
  differences: Record<string, ReportedDifference[]>;
  /** Where the data of before the drill lies, if it was kept. */
  keptData?: Record<string, string>;
}

export interface ReportedDifference {
  key: string;
  kind: KeyDifference['kind'];
  fields: string[];
  expected?: Record<string, string | number>;
  observed?: Record<string, string | number>;
}

export interface ReportedMember {
  name: string;
  memberId?: string;
  clusterId?: string;
  leader?: string;
  revision?: number;
  hashKv?: number;
  keys?: number;
  leases?: number;
}

export interface ReportInput {
  drill: DrillDefinition;
  runId: string;
  lab: string;
  engine: string;
  result: DrillResult;
  error?: string | undefined;
  startedAt: Date;
  finishedAt: Date;
  timeline: TimelineEntry[];
  manifest?: SnapshotManifest | undefined;
  loss?: { revisions: number; durationMs: number; keys: KeyDifference[] } | undefined;
  parts: Partial<Record<RecoveryPart, number>>;
  disasterAt?: Date | undefined;
  recoveredAt?: Date | undefined;
  observations: readonly Observation[];
  verdict?: Verdict | undefined;
  keptData?: Record<string, string> | undefined;
}

export function buildReport(input: ReportInput): DrillReport {
  const { drill, timeline, verdict, loss, disasterAt, recoveredAt, manifest, keptData, error } = input;
  const since = (from: Date, to: Date): number => to.getTime() - from.getTime();
  return {
    format: 'etcdlab-drill-report/1',
    drill: drill.name,
    title: drill.title,
    teaches: drill.teaches,
    runId: input.runId,
    lab: input.lab,
    engine: input.engine,
    result: input.result,
    ...(error === undefined ? {} : { error }),
    startedAt: input.startedAt.toISOString(),
    finishedAt: input.finishedAt.toISOString(),
    durationMs: since(input.startedAt, input.finishedAt),
    timeline,
    ...(disasterAt === undefined || recoveredAt === undefined
      ? {}
      : {
          rto: {
            healthyMs: since(disasterAt, recoveredAt),
            provenMs: since(disasterAt, input.finishedAt),
            byStep: timeline
              .filter(({ phase }) => phase !== 'prepare' && phase !== 'backup')
              .map(({ title, durationMs }) => ({ title, durationMs })),
            parts: input.parts,
          },
        }),
    ...(loss === undefined
      ? {}
      : { rpo: { revisions: loss.revisions, durationMs: loss.durationMs, keys: loss.keys.map(reported) } }),
    ...(manifest === undefined ? {} : { snapshot: manifest }),
    ...(input.observations.length === 0 ? {} : { members: input.observations.map(reportedMember) }),
    checks: verdict?.checks ?? [],
    differences: Object.fromEntries(
      Object.entries(verdict?.differences ?? {}).map(([member, list]) => [member, list.map(reported)]),
    ),
    ...(keptData === undefined || Object.keys(keptData).length === 0 ? {} : { keptData }),
  };
}

function reported({ key, kind, fields, expected, observed }: KeyDifference): ReportedDifference {
  const record = (side: KeyDifference['expected']) =>
    side && {
      createRevision: side.createRevision,
      modRevision: side.modRevision,
      version: side.version,
      lease: side.lease.toString(16),
      valueBytes: side.valueBytes,
      valueSha256: side.valueSha256,
    };
  const [before, after] = [record(expected), record(observed)];
  return {
    key: printableKey(key),
    kind,
    fields,
    ...(before && { expected: before }),
    ...(after && { observed: after }),
  };
}

function reportedMember({ member, status, hashKv, keys, leases }: Observation): ReportedMember {
  return {
    name: member,
    ...(isFailure(status)
      ? {}
      : {
          memberId: status.memberId.toString(16),
          clusterId: status.clusterId.toString(16),
          leader: status.leader.toString(16),
          revision: status.revision,
        }),
    ...(isFailure(hashKv) ? {} : { hashKv: hashKv.hash }),
    ...(isFailure(keys) ? {} : { keys: keys.size }),
    ...(leases === undefined || isFailure(leases) ? {} : { leases: leases.length }),
  };
}
