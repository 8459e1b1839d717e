/** All that proves a run, for an auditor or a post-mortem: without the data of the cluster, and without a secret. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import { redactFile } from '../../toolkit/provision/redact.ts';
import { evidenceFolder } from './evidence-files.ts';
import { listRuns } from './retention.ts';

const sumsName = 'SHA256SUMS';

/**
 * @param name a run by its folder's name or the time it ends with; undefined for the newest
 * @returns its folder
 * @throws LabError LAB_USAGE, naming the newest runs there are
 */
export async function findRun(reports: string, name: string | undefined): Promise<string> {
  const runs = await listRuns(reports);
  const found = name === undefined ? runs[0] : runs.find((run) => isNamed(path.basename(run), name));
  if (found !== undefined) return found;
  const newest = runs.slice(0, 5).map((run) => path.basename(run));
  throw new LabError('LAB_USAGE', name === undefined ? 'no drill was run yet' : `there is no run '${name}'`, {
    advice: newest.length === 0 ? 'etcdlab drill run restore' : `runs: ${newest.join(', ')}`,
  });
}

function isNamed(folder: string, name: string): boolean {
  return folder === name || folder.endsWith(`-${name}`);
}

/**
 * Copies what belongs into a bundle, and adds the SHA-256 of each file in the form that `sha256sum -c` reads. Snapshots
 * and delta logs hold the cluster's values: they stay, and the manifest says what they were.
 *
 * @param run its folder
 * @param target a folder that is made
 * @returns the names of the files, sorted
 */
export async function assembleBundle(run: string, target: string): Promise<string[]> {
  const all = await readdir(run, { recursive: true, withFileTypes: true });
  const names = all
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(run, path.join(entry.parentPath, entry.name)))
    .filter(belongs)
    .sort();
  await mkdir(path.join(target, evidenceFolder), { recursive: true, mode: 0o700 });
  const sums: string[] = [];
  for (const name of names) {
    const text = redactFile(name, await readFile(path.join(run, name), 'utf8'));
    await writeFile(path.join(target, name), text, { mode: 0o600 });
    sums.push(`${createHash('sha256').update(text).digest('hex')}  ${name}\n`);
  }
  await writeFile(path.join(target, sumsName), sums.join(''), { mode: 0o600 });
  return [...names, sumsName].sort();
}

/** A list of what may go in: whatever a drill may leave in its folder some day stays out. */
function belongs(name: string): boolean {
  return /^report\.(md|json|html|xml)$/.test(name) || /^[^/]+\.manifest\.json$/.test(name) || isEvidence(name);
}

function isEvidence(name: string): boolean {
  return path.dirname(name) === evidenceFolder && /\.(json|log)$/.test(name);
}
