import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../../toolkit/errors.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { deltasFolder, listChains, newChainId } from '../backup/deltas/chain.ts';
import { ChainWriter } from '../backup/deltas/chain-writer.ts';
import { follow } from '../backup/deltas/follow.ts';
import { derive } from '../backup/point-in-time/derive.ts';
import { planRestore } from '../backup/point-in-time/plan.ts';
import type { Batch } from '../dataset/dataset.ts';
import { writeBatches } from '../dataset/write.ts';
import { type DrillContext, inconclusive, required } from '../engine/context.ts';
import { recordState, settledRevision, sourceOf } from '../recovery/record.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import { leaseReference, readLeases } from '../verification/leases.ts';
import { defineStep } from './step.ts';

/** A log that takes longer than this to get what was just acknowledged does not work. */
const catchUpTimeoutMs = 30_000;

/** Begins a delta log at the snapshot, and follows the cluster until the drill ends. */
export const followChanges = defineStep({
  name: 'follow-changes',
  parameters: z.strictObject({}),
  needs: ['snapshot'],
  makes: ['log'],
  title: () => 'Record every change from the snapshot on',
  async run({ lab, runId, directory, signal, found, now, onEnd }) {
    const { sha256, manifest } = required(found.snapshot, 'snapshot');
    const writer = await ChainWriter.create(deltasFolder(directory), {
      id: newChainId(now(), manifest.clusterId),
      clusterId: manifest.clusterId,
      base: { backup: runId, sha256, revision: manifest.revision },
      fromMs: Date.parse(manifest.createdAt),
    });
    const client = lab.client();
    const ended = new AbortController();
    const log = { writer, problem: undefined as string | undefined };
    const following = follow(client, writer, { signal: AbortSignal.any([signal, ended.signal]) }).catch((error) => {
      log.problem = messageOf(error);
    });
    onEnd(async () => {
      ended.abort();
      await following;
      client.close();
      await writer.close();
    });
    found.log = log;
    return `from revision ${manifest.revision} on`;
  },
});

/** Writes what no snapshot holds, and records the state that must come back. */
export const writeRecorded = defineStep({
  name: 'write-recorded',
  parameters: z.strictObject({ transactions: z.number().int().min(1).max(10_000).default(50) }),
  needs: ['dataSet', 'snapshot', 'reference', 'log'],
  makes: ['reference', 'loss'],
  outcome: 'restored',
  title: ({ transactions }) => `Write ${transactions} transactions that the snapshot does not hold`,
  async run({ lab, signal, found, progress }, { transactions }) {
    const { prefix, leases } = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'snapshot');
    const client = lab.client();
    try {
      await writeBatches(client, recordedBatches(prefix, transactions, leases[0]?.id), { signal });
      const revision = await settledRevision(client, lab, signal);
      progress(`reading the keys at revision ${revision}`);
      const state = await recordState(client, lab, revision, signal);
      const held = await readLeases(client, sourceOf(lab).clientUrl, signal);
      const leasesThen = held && leaseReference(held, held);
      found.reference = { ...reference, ...state, leases: leasesThen, lastRevision: revision };
      found.loss = { revisions: 0, durationMs: 0, keys: [] };
      return `revision ${revision}, ${state.keys.size} keys, HashKV ${state.hashKv}`;
    } finally {
      client.close();
    }
  },
});

/** New keys, one that is overwritten again and again, one that comes and goes, and one of a lease. */
function recordedBatches(prefix: string, transactions: number, lease = 0n): Batch[] {
  const key = (name: string): Buffer => Buffer.from(`${prefix}recorded/${name}`);
  return Array.from({ length: transactions }, (_, i): Batch => {
    if (i % 10 === 9) return { deletes: [key('comes and goes')] };
    const value = Buffer.from(`transaction ${i}`);
    const puts = [
      { key: key(String(i)), value },
      { key: key('overwritten'), value },
      { key: key('comes and goes'), value },
    ];
    return { puts: i % 10 === 0 ? [...puts, { key: key(`leased ${i}`), value, lease }] : puts };
  });
}

/** A prefix goes, and a program that ran wild writes, overwrites and deletes more: all of it is to be undone. */
export const makeMistake = defineStep({
  name: 'make-mistake',
  parameters: z.strictObject({
    /** Below the data set's own prefix. */
    prefix: z.string().regex(/^[a-z]+\/$/, 'must be letters and a slash, such as binary/'),
  }),
  needs: ['dataSet', 'reference', 'log'],
  makes: ['disasterAt', 'mistake'],
  title: ({ prefix }) => `Delete everything under ${prefix} by mistake, and write and delete more`,
  async run({ lab, signal, found, now }, { prefix }) {
    const dataSet = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'record of the cluster');
    const whole = `${dataSet.prefix}${prefix}`;
    const client = lab.client();
    try {
      found.disasterAt = now();
      const range = { key: Buffer.from(whole), range_end: Buffer.from(`${whole.slice(0, -1)}0`) };
      const { deleted, header } = await client.deleteRange(range, { signal, timeoutMs: 15_000 });
      const revision = header?.revision ?? 0;
      if (revision !== reference.revision + 1) {
        throw inconclusive(`somebody else wrote: the mistake has revision ${revision}, not ${reference.revision + 1}`);
      }
      found.mistake = { prefix: whole, revision };
      const lastRevision = await writeBatches(client, dataSet.after, { signal });
      found.reference = { ...reference, laterKeys: dataSet.laterKeys, lastRevision };
      return `${deleted} keys deleted at revision ${revision}; the cluster is at ${lastRevision} now`;
    } finally {
      client.close();
    }
  },
});

/** Makes the state right before the mistake of snapshot and log, and restores all members from it. */
export const restoreMoment = defineStep({
  name: 'restore-moment',
  parameters: z.strictObject({}),
  needs: ['mistake', 'snapshot', 'reference', 'log'],
  makes: ['restoredFrom'],
  title: () => 'Restore all members to the revision right before the mistake',
  async run(context) {
    const { lab, runId, journal, signal, found, progress, measured } = context;
    const revision = required(found.mistake, 'mistake').revision - 1;
    const reference = required(found.reference, 'record of the cluster');
    const { manifest, state } = await measured('fetch', () => buildMoment(context, revision));
    const snapshot = path.join(context.directory, 'moment', manifest.file);
    found.reference = { ...reference, snapshotSha256: manifest.sha256 };
    found.snapshot = { path: snapshot, sha256: manifest.sha256, manifest };
    await journal.begin(lab, runId);
    await allDone(lab.nodes.map(({ host }) => host.service.stop()));
    await allDone(
      lab.nodes.map(({ name, host, paths }) => host.rename(paths.data, journal.asideByNode[name] as string)),
    );
    const token = `${lab.name}-${runId}`;
    found.restoredFrom = await restoreLab(lab, { snapshot, token, runId, signal, progress, measured });
    return `snapshot and ${state.appliedRevisions} revisions of the log, up to revision ${revision}: nothing before the mistake is lost`;
  },
});

async function buildMoment({ directory, signal, found, progress, now, runId }: DrillContext, revision: number) {
  const { path: file, manifest } = required(found.snapshot, 'snapshot');
  const log = required(found.log, 'delta log');
  const deadline = performance.now() + catchUpTimeoutMs;
  while (log.writer.lastRevision < revision) {
    if (log.problem !== undefined) throw new Error(`the changes were not recorded: ${log.problem}`);
    if (performance.now() > deadline)
      throw new Error(`the log is at revision ${log.writer.lastRevision}, not ${revision}`);
    await delay(50, undefined, { signal });
  }
  const base = { id: runId, folder: directory, snapshot: file, manifest, proofs: [] };
  const plan = planRestore({ kind: 'revision', revision }, [base], await listChains(deltasFolder(directory)));
  const folder = path.join(directory, 'moment');
  await mkdir(folder, { mode: 0o700 });
  return derive(plan, folder, { bumpBy: 0, at: now(), signal, progress });
}
