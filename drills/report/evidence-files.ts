/** What is kept of a run beside its report: what the members said of themselves, their logs, and the journal. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../toolkit/errors.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { redactFile } from '../../toolkit/provision/redact.ts';
import { isFailure, type Observation } from '../verification/evidence.ts';
import { hex } from '../verification/words.ts';

export const evidenceFolder = 'evidence';

/** Of each member; a drill takes less. */
const logLines = 5000;

export interface Evidence {
  observations: readonly Observation[];
  /** Logs from then on. */
  since: Date;
  /** The journal as it was before it was closed, if anything was moved aside. */
  journal: string | undefined;
}

/** What cannot be read is written down as such: evidence that is missing ends no drill. @param directory of the run */
export async function writeEvidence(lab: Lab, directory: string, evidence: Evidence): Promise<void> {
  const folder = path.join(directory, evidenceFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = new Map([['members.json', `${JSON.stringify(evidence.observations.map(described), undefined, 2)}\n`]]);
  if (evidence.journal !== undefined) files.set('journal.json', `${evidence.journal}\n`);
  const logs = await Promise.all(
    lab.nodes.map(({ host }) =>
      host.service.logTail(logLines).then(
        (lines) => linesSince(lines, evidence.since),
        (error: unknown) => [`cannot be read: ${messageOf(error)}`],
      ),
    ),
  );
  for (const [i, { name }] of lab.nodes.entries()) files.set(`${name}.log`, `${logs[i]?.join('\n')}\n`);
  for (const [name, text] of files) await writeFileAtomically(path.join(folder, name), redactFile(name, text), 0o600);
}

/** Member lists, IDs and hashes; the keys themselves are counted only. */
function described({ member, endpoint, status, members, hashKv, latestHash, keys }: Observation): object {
  const plain = <T, U>(reading: T | { failure: string }, show: (value: T) => U) =>
    isFailure(reading) ? reading : show(reading);
  return {
    member,
    endpoint,
    status: plain(status, ({ memberId, clusterId, leader, ...others }) => ({
      memberId: hex(memberId),
      clusterId: hex(clusterId),
      leader: hex(leader),
      ...others,
    })),
    members: plain(members, (list) => list.map(({ id, ...others }) => ({ id: hex(id), ...others }))),
    hashKv,
    ...(latestHash && { latestHash }),
    keys: plain(keys, (found) => found.size),
  };
}

/** Lines without a time, such as those of a stack trace, belong to the line before them. */
export function linesSince(lines: readonly string[], since: Date): readonly string[] {
  const start = lines.findIndex((line) => {
    const time = Date.parse(/"ts":"([^"]+)"/.exec(line)?.[1] ?? '');
    return time >= since.getTime();
  });
  return start < 0 ? [`no line since ${since.toISOString()} by the clock of the member's machine`] : lines.slice(start);
}
