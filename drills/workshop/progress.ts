/** How far a learner is. In a file: a terminal that is closed loses nothing. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import { type Language, languages } from './language.ts';

const count = z.number().int().min(0);

const entry = z.strictObject({
  /** Here as well as in the exercise, for readers that have only this file. */
  title: z.strictObject({ en: z.string(), tr: z.string() }),
  minutes: count,
  /**
   * - `preparing`, `clearing`: setup or reset is at work, or was interrupted, and must be repeated.
   * - `open`: the learner is at it.
   * - `passed`: its check has passed; what it made is still there.
   * - `left`: nothing of it is left but this entry.
   */
  phase: z.enum(['preparing', 'open', 'passed', 'clearing', 'left']),
  /** When the learner was given it, this time. */
  startedAt: z.iso.datetime(),
  /** When its check passed, this time. */
  passedAt: z.iso.datetime().optional(),
  /** Hints seen this time. */
  hints: count,
  /** Checks that the learner asked for this time. */
  attempts: count,
  /** Whether the solution was shown or run before the check had passed, this time. */
  solutionUsed: z.boolean(),
  lastCheck: z.strictObject({ at: z.iso.datetime(), met: count, of: count }).optional(),
  /** The best time it was passed: by the learner rather than by the solution; kept when it is done again. */
  done: z
    .strictObject({
      at: z.iso.datetime(),
      by: z.enum(['learner', 'solution']),
      tookMs: count,
      hints: count,
      attempts: count,
    })
    .optional(),
});

const schema = z.strictObject({
  version: z.literal(1),
  /** The exercise that was started last, while anything of it is left. */
  current: z.string().optional(),
  /** What was asked for last; it need not be said again. */
  language: z.enum(languages).optional(),
  exercises: z.record(z.string(), entry),
});

export type ProgressEntry = z.output<typeof entry>;
export type Progress = z.output<typeof schema>;

/** @returns the progress; that of a beginner if there is no file @throws LabError LAB_STATE if it is damaged */
export async function readProgress(file: string): Promise<Progress> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { version: 1, exercises: {} };
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`
        : messageOf(error);
    throw new LabError('LAB_STATE', `${file}, the progress of the workshop, cannot be read: ${reason}`, {
      advice: 'move the file away to begin anew',
      cause: error,
    });
  }
}

/** Changes entries, one at a time: whoever calls holds the workshop's lock. */
export class ProgressFile {
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  read(): Promise<Progress> {
    return readProgress(this.file);
  }

  /** @throws LabError LAB_EXERCISE_NOT_SET_UP if the exercise was never started */
  async entry(id: string): Promise<ProgressEntry> {
    const entry = (await this.read()).exercises[id];
    if (entry !== undefined) return entry;
    throw new LabError('LAB_EXERCISE_NOT_SET_UP', `exercise '${id}' was not started`, {
      advice: `etcdlab workshop start ${id}`,
    });
  }

  async update(id: string, change: (entry: ProgressEntry) => ProgressEntry): Promise<void> {
    await this.put(id, change(await this.entry(id)));
  }

  /** Replaces an entry; its exercise is the current one as long as anything of it is left. */
  async put(id: string, entry: ProgressEntry): Promise<void> {
    const { current, ...rest } = await this.read();
    const next = entry.phase !== 'left' ? id : current === id ? undefined : current;
    const progress = {
      ...rest,
      ...(next !== undefined && { current: next }),
      exercises: { ...rest.exercises, [id]: entry },
    };
    await this.write(progress);
  }

  async putLanguage(language: Language): Promise<void> {
    await this.write({ ...(await this.read()), language });
  }

  private async write(progress: Progress): Promise<void> {
    await writeFileAtomically(this.file, `${JSON.stringify(schema.parse(progress), undefined, 2)}\n`, 0o600);
  }
}

/** @returns how long the learner has been at it, or was until it was passed, in milliseconds */
export function elapsedMs({ startedAt, passedAt }: ProgressEntry, now: Date): number {
  const end = passedAt === undefined ? now : new Date(passedAt);
  // Clocks are set back at times.
  return Math.max(0, end.getTime() - new Date(startedAt).getTime());
}

/** @returns the entry with the exercise passed; a time of the learner's own is not replaced by one of the solution */
export function passedEntry(entry: ProgressEntry, now: Date): ProgressEntry {
  if (entry.phase === 'passed') return entry;
  const by = entry.solutionUsed ? 'solution' : 'learner';
  const done = {
    at: now.toISOString(),
    by,
    tookMs: elapsedMs(entry, now),
    hints: entry.hints,
    attempts: entry.attempts,
  } as const;
  const isKept = entry.done?.by === 'learner' && by === 'solution';
  return { ...entry, phase: 'passed', passedAt: now.toISOString(), ...(!isKept && { done }) };
}
