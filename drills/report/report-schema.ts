/**
 * The form of `report.json`: one description for the types, for checks, and for `report.schema.json`, by which other
 * programs read it. Fields are added over time, never changed or removed within a format version.
 */
import { z } from 'zod';
import { recoveryParts } from '../engine/context.ts';
import { phases } from '../engine/events.ts';
import { snapshotManifestSchema } from '../engine/manifest.ts';

const count = z.int().min(0);
const milliseconds = z.number().min(0);

const timelineEntry = z.object({
  phase: z.enum(phases),
  title: z.string(),
  startedAt: z.iso.datetime(),
  durationMs: milliseconds,
  outcome: z.enum(['done', 'failed']),
  summary: z.string(),
});
export type TimelineEntry = z.output<typeof timelineEntry>;

const keyRecord = z.record(z.string(), z.union([z.string(), z.number()]));

const difference = z.object({
  key: z.string().describe('as text where it is printable ASCII, in Go’s quoted form otherwise'),
  kind: z.enum(['missing', 'unexpected', 'changed']),
  fields: z.array(z.string()).describe('which ones differ; only for `changed`'),
  expected: z.exactOptional(keyRecord),
  observed: z.exactOptional(keyRecord),
});
export type ReportedDifference = z.output<typeof difference>;

const member = z.object({
  name: z.string(),
  memberId: z.exactOptional(z.string()).describe('hexadecimal, as are the other IDs'),
  clusterId: z.exactOptional(z.string()),
  leader: z.exactOptional(z.string()),
  revision: z.exactOptional(count),
  hashKv: z.exactOptional(count),
  keys: z.exactOptional(count),
  leases: z.exactOptional(count),
});
export type ReportedMember = z.output<typeof member>;

const check = z.object({
  name: z.string().describe('stable, such as `hash-kv`'),
  member: z.exactOptional(z.string()).describe('missing for a check of all members together'),
  passed: z.boolean(),
  expected: z.string(),
  observed: z.string(),
});

const recoveryTime = z.object({
  healthyMs: milliseconds,
  provenMs: milliseconds,
  byStep: z.array(z.object({ title: z.string(), durationMs: milliseconds })),
  parts: z.partialRecord(z.enum(recoveryParts), milliseconds).describe('as far as the drill has them'),
});

const recoveryPoint = z.object({
  revisions: count,
  durationMs: z.number().describe('from the snapshot to the last write that was acknowledged'),
  keys: z.array(difference),
});

const watches = z.object({
  heldRevision: count.describe('the last revision that was told before the disaster'),
  outcome: z
    .enum(['cancelled', 'misses', 'unknown'])
    .describe(
      'what becomes of a watch that goes on after `heldRevision`: it is told that its past is gone, or nothing',
    ),
  missed: z
    .exactOptional(z.object({ from: count, to: count }))
    .describe('revisions that such a watch is never told of, though they are given to new writes'),
});

export const reportSchema = z
  .object({
    format: z.literal('etcdlab-drill-report/1'),
    drill: z.string(),
    title: z.string(),
    teaches: z.string(),
    runId: z.string(),
    lab: z.string(),
    engine: z.string(),
    result: z.enum(['passed', 'failed', 'inconclusive']),
    error: z.exactOptional(z.string()).describe('why it could not be carried through; only when inconclusive'),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    durationMs: milliseconds,
    timeline: z.array(timelineEntry),
    rto: z.exactOptional(recoveryTime).describe('recovery time objective, from the first member that was hurt'),
    rpo: z.exactOptional(recoveryPoint).describe('recovery point objective: what the restored snapshot does not have'),
    watches: z.exactOptional(watches).describe('of clients that watched before; only of a restored cluster'),
    snapshot: z.exactOptional(snapshotManifestSchema),
    members: z.exactOptional(z.array(member)),
    checks: z.array(check),
    differences: z.record(z.string(), z.array(difference)).describe('keys that differ from the record, by member'),
    keptData: z
      .exactOptional(z.record(z.string(), z.string()))
      .describe('where the data of before the drill lies, by member, if it was kept; keys of authorities by file name'),
  })
  .describe('The report of one drill of etcdlab');

/** As `report.json` holds it. */
export type DrillReport = z.output<typeof reportSchema>;

/** @returns `report.schema.json`; fields that it does not know are allowed, for later versions have more */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema, { io: 'input' });
}
