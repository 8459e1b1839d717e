/** The record of one run, complete enough to be read a year later: what was done, when, and what was proved. */
import type { RecoveryPart } from '../engine/context.ts';
import type { DrillDefinition } from '../engine/definition.ts';
import type { DrillResult } from '../engine/events.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import type { KeyDifference } from '../verification/compare.ts';
import type { Observation } from '../verification/evidence.ts';
import { isFailure } from '../verification/evidence.ts';
import { printableKey } from '../verification/key-space.ts';
import type { Verdict } from '../verification/verify.ts';
import type { WatchReport } from '../verification/watches.ts';
import type { DrillReport, ReportedDifference, ReportedMember, TimelineEntry } from './report-schema.ts';

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
  watches?: WatchReport | undefined;
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
    ...(input.watches === undefined ? {} : { watches: input.watches }),
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
