/** What happened in the workshop, for the trainer's page and for later: a file that grows to a bound. */
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';

export type WorkshopEvent =
  | { readonly event: 'started' | 'prepared' | 'reset' | 'solution-shown'; readonly exercise: string }
  | { readonly event: 'hint'; readonly exercise: string; readonly hint: number }
  | { readonly event: 'checked'; readonly exercise: string; readonly met: number; readonly of: number }
  | {
      readonly event: 'passed';
      readonly exercise: string;
      readonly by: 'learner' | 'solution';
      readonly tookMs: number;
    };

/** Some ten thousand events; above it, the older half is dropped. */
const maxSizeBytes = 1024 * 1024;

/** Appends a line. The caller holds the workshop's lock. */
export async function appendEvent(file: string, event: WorkshopEvent, now: Date): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size > maxSizeBytes) await dropOlderHalf(file);
  await appendFile(file, `${JSON.stringify({ at: now.toISOString(), ...event })}\n`, { mode: 0o600 });
}

async function dropOlderHalf(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const cut = text.indexOf('\n', text.length / 2) + 1;
  await writeFileAtomically(file, text.slice(cut), 0o600);
}
