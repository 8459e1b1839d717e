/**
 * How far a backup can be trusted, rung by rung, the cheapest first. A rung is climbed only when those below hold.
 *
 * | level | proves |
 * |---|---|
 * | 0 | the file is there, and of the size in its manifest |
 * | 1 | its SHA-256 is that of the manifest, and the one at its end is right |
 * | 2 | every page of the database is sound, and its revision is that of the manifest |
 * | 3 | etcdutl restores it |
 * | 4 | a member starts on it, and shows the keys, the revision and the HashKV of the manifest |
 * | 5 | so do all members of a cluster of its size, and what is written through one is read through the others |
 * | 6 | so does the lab itself, with the backup in the place of its data: `live-proof.ts`, since that is no trial |
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { LabError, messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { EngineConfig } from '../../toolkit/lab/config.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { sha256OfFile } from '../recovery/file-digest.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import { createScratchLab, removeScratchLab, trialFolder } from '../scratch/scratch-lab.ts';
import type { Backup, Backups, Proof } from './backup-store.ts';

/** The highest that is climbed without the lab being touched. */
export const highestLevel = 5;

export interface VerifyBackupOptions {
  /** 0 to 5. */
  level: number;
  engine: EngineConfig;
  /** The lab's folder of runs: there the next command finds, and ends, what a killed one has left running. */
  workFolder: string;
  signal: AbortSignal;
  progress?: ((text: string) => void) | undefined;
}

/** What a rung found: a sentence for the evidence, or an error for what does not hold. */
type Rung = () => Promise<string>;

/**
 * As `verifyBackup`, for a backup that may be kept elsewhere: that it cannot be got back as it was stored disproves it.
 *
 * @throws LabError when it cannot be reached, or nobody has its key
 */
export async function verifyStored(backups: Backups, backup: Backup, options: VerifyBackupOptions): Promise<Proof> {
  const startedAt = performance.now();
  try {
    return await backups.borrow(backup, (borrowed) => verifyBackup(borrowed, options));
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'LAB_STORE_OBJECT') throw error;
    return proofOf(backup, options, { level: 0, passed: false, startedAt, evidence: [`L0: ${error.message}`] });
  }
}

/** @returns what was proved or disproved; that something does not hold is a result, not an error */
export async function verifyBackup(backup: Backup, options: VerifyBackupOptions): Promise<Proof> {
  const { level, signal, progress } = options;
  const startedAt = performance.now();
  const evidence: string[] = [];
  let passed = true;
  let reached = 0;
  for (const [rung, climb] of rungs(backup, options).entries()) {
    if (rung > level || !passed) break;
    throwIfInterrupted(signal);
    reached = rung;
    progress?.(`level ${rung}`);
    try {
      evidence.push(`L${rung}: ${await climb()}`);
    } catch (error) {
      throwIfInterrupted(signal);
      passed = false;
      evidence.push(`L${rung}: ${messageOf(error)}`);
    }
  }
  return proofOf(backup, options, { level: reached, passed, startedAt, evidence });
}

function proofOf(
  { manifest }: Backup,
  { engine }: VerifyBackupOptions,
  { startedAt, ...found }: Pick<Proof, 'level' | 'passed' | 'evidence'> & { startedAt: number },
): Proof {
  return {
    ...found,
    at: new Date().toISOString(),
    durationMs: Math.round(performance.now() - startedAt),
    sha256: manifest.sha256,
    engine: engine.kind,
  };
}

function rungs(backup: Backup, options: VerifyBackupOptions): Rung[] {
  const { snapshot, manifest } = backup;
  return [
    async () => {
      const { size } = await stat(snapshot);
      must(size === manifest.sizeBytes, `it has ${size} bytes, its manifest says ${manifest.sizeBytes}`);
      return `${size} bytes`;
    },
    async () => {
      const sha256 = await sha256OfFile(snapshot);
      must(sha256 === manifest.sha256, `its SHA-256 is ${sha256}, its manifest says ${manifest.sha256}`);
      return `SHA-256 ${sha256}`;
    },
    async () => {
      const { revision, trailer, totalKeys } = await snapshotStatus(snapshot);
      must(trailer === 'ok', 'it has no SHA-256 at its end');
      must(revision === manifest.revision, `it is at revision ${revision}, its manifest says ${manifest.revision}`);
      return `structure sound, revision ${revision}, ${totalKeys} records`;
    },
    () => onScratchLab(backup, options, 1, async () => 'restored by etcdutl'),
    () => onScratchLab(backup, options, 1, (lab) => served(lab, backup, options.signal)),
    () =>
      onScratchLab(backup, options, Math.max(3, manifest.members.length), async (lab) => {
        const shown = await served(lab, backup, options.signal);
        return `${shown}; ${await writesTravel(lab, options.signal)}`;
      }),
  ];
}

function must(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem);
}

/** Restores onto a cluster of its own in an empty directory, and removes it whatever comes of it. */
async function onScratchLab(
  { snapshot, manifest }: Backup,
  { engine, workFolder, signal, progress }: VerifyBackupOptions,
  members: number,
  look: (lab: Lab) => Promise<string>,
): Promise<string> {
  const directory = await mkdtemp(path.join(workFolder, trialFolder));
  let lab: Lab | undefined;
  try {
    lab = await createScratchLab({ directory, engine, members });
    const restoredFrom = await restoreLab(lab, { snapshot, token: 'proof', runId: 'proof', signal, progress });
    for (const sha256 of Object.values(restoredFrom)) {
      must(sha256 === manifest.sha256, `restored from SHA-256 ${sha256}, not ${manifest.sha256}`);
    }
    return await look(lab);
  } finally {
    if (lab !== undefined) await removeScratchLab(lab);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Starts the members, and compares what each shows with the manifest. */
async function served(lab: Lab, { manifest }: Backup, signal: AbortSignal): Promise<string> {
  await allDone(lab.nodes.map(({ host }) => host.service.start()));
  await waitUntilHealthy(lab, { signal });
  const client = lab.client();
  try {
    for (const { name, clientUrl: endpoint } of lab.nodes) {
      const options = { endpoint, signal, timeoutMs: 60_000 };
      const { header } = await client.status({}, options);
      must(
        header?.revision === manifest.revision,
        `${name} is at revision ${header?.revision}, not ${manifest.revision}`,
      );
      const all = { key: Buffer.from([0]), range_end: Buffer.from([0]) };
      const { count } = await client.range({ ...all, count_only: true, serializable: true }, options);
      must(count === manifest.keys, `${name} has ${count} keys, not ${manifest.keys}`);
      const { hash } = await client.hashKv({ revision: manifest.revision }, options);
      must(
        manifest.hashKv === undefined || hash === manifest.hashKv,
        `${name} has HashKV ${hash}, not ${manifest.hashKv}`,
      );
    }
    const compared = manifest.hashKv === undefined ? '' : `, HashKV ${manifest.hashKv}`;
    const who = lab.nodes.length === 1 ? '1 member serves' : `${lab.nodes.length} members serve`;
    return `${who} revision ${manifest.revision} with ${manifest.keys} keys${compared}`;
  } finally {
    client.close();
  }
}

/**
 * Writes through each member, reads through all, and removes what it wrote.
 *
 * @returns a line of evidence @throws Error naming the members between which a write does not travel; RpcError
 */
export async function writesTravel(lab: Lab, signal: AbortSignal): Promise<string> {
  const client = lab.client();
  try {
    for (const { name, clientUrl: endpoint } of lab.nodes) {
      const key = Buffer.from(`etcdlab-drill/probe/${name}`);
      await client.put({ key, value: key }, { endpoint, signal });
      for (const other of lab.nodes) {
        const { kvs } = await client.range({ key }, { endpoint: other.clientUrl, signal });
        must(kvs.length === 1, `what was written through ${name} is not read through ${other.name}`);
      }
      await client.deleteRange({ key }, { endpoint, signal });
    }
    return 'a write through each is read through all';
  } finally {
    client.close();
  }
}
