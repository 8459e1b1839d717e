/** Upstream's executables out of an archive of a release. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { LabError, messageOf } from '../errors.ts';
import { binariesIn, missingBinaries } from './engine.ts';
import type { EngineArchive } from './engine-config.ts';

const unpackTimeoutMs = 120_000;
/** A folder of an unpacking that was killed; no other one takes as long. */
const abandonedAfterMs = 3_600_000;

/** @throws LabError LAB_ENGINE if the archive cannot be read, or is another one than its checksum says */
export async function requireChecksum({ file, sha256 }: EngineArchive): Promise<void> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new LabError('LAB_ENGINE', `${file} cannot be read: ${messageOf(cause)}`, {
      advice: 'correct engine.archive in lab.yaml',
      cause,
    });
  }
  const found = hash.digest('hex');
  if (found === sha256) return;
  throw new LabError(
    'LAB_ENGINE',
    `${file} is not the archive that is wanted: its SHA-256 is ${found}, not ${sha256}`,
    {
      advice: 'download it again, and compare with SHA256SUMS of the release',
    },
  );
}

/**
 * Unpacks an archive unless that was done before. The folder is there only when all of it is.
 * @param folder for etcd, etcdctl and etcdutl; named after the checksum
 * @param nowMs what time it is
 * @throws LabError LAB_ENGINE as `requireChecksum`, or if the archive does not hold all three
 */
export async function unpackEngine(archive: EngineArchive, folder: string, nowMs = Date.now()): Promise<void> {
  if ((await missingBinaries(binariesIn(folder))).length === 0) return;
  await requireChecksum(archive);
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(dirname(folder), nowMs);
  const work = await mkdtemp(`${folder}.`);
  try {
    const options = { reject: false, timeout: unpackTimeoutMs } as const;
    const { exitCode, stderr } = await execa('tar', ['-xf', archive.file, '-C', work, '--no-same-owner'], options);
    if (exitCode !== 0) {
      throw new LabError('LAB_ENGINE', `${archive.file} cannot be unpacked: ${stderr.trim().split('\n')[0]}`);
    }
    // Upstream's archives hold one folder, with everything in it.
    const inside = (await readdir(work, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const candidate of [work, ...inside.map(({ name }) => join(work, name))]) {
      if ((await missingBinaries(binariesIn(candidate))).length > 0) continue;
      // Somebody else was quicker: members may run on it already.
      if ((await missingBinaries(binariesIn(folder))).length === 0) return;
      await rm(folder, { recursive: true, force: true });
      await rename(candidate, folder);
      return;
    }
    throw new LabError('LAB_ENGINE', `${archive.file} does not hold etcd, etcdctl and etcdutl`, {
      advice: 'name an archive of a release of etcd 3.5 or later',
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Removes what killed runs were unpacking. Tar sets the times of what it unpacks, but not when they were changed. */
async function removeAbandoned(engines: string, nowMs: number): Promise<void> {
  for (const name of await readdir(engines)) {
    if (!/^[0-9a-f]{16}\.\w{6}$/.test(name)) continue;
    const { ctimeMs = nowMs } = (await stat(join(engines, name)).catch(() => undefined)) ?? {};
    if (nowMs - ctimeMs > abandonedAfterMs) await rm(join(engines, name), { recursive: true, force: true });
  }
}
