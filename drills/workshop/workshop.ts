/**
 * The workshop of one lab: one exercise at a time is set up, checked, solved and taken away. What is about to be done is
 * written down first, so that whatever is interrupted is noticed, and done again.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { requireHealthy } from '../../toolkit/provision/require-healthy.ts';
import { BackupStore } from '../backup/backup-store.ts';
import { createBackup } from '../backup/create-backup.ts';
import { Checker } from './check/checker.ts';
import type { Verdict } from './check/messages.ts';
import { type LabChoice, libraryFolder, programFolders, shellVariables, writeProgram } from './environment.ts';
import { appendEvent, type WorkshopEvent } from './event-log.ts';
import { exclusively } from './exclusive.ts';
import { type Exercise, type ScriptName, scriptFile } from './exercise.ts';
import { deleteKeys, requireNoKeys } from './exercise-keys.ts';
import type { Language } from './language.ts';
import { misfit, requireNeeds } from './needs.ts';
import { openObserver } from './observer/mod.ts';
import { type WorkshopPaths, workshopPaths } from './paths.ts';
import { elapsedMs, type Progress, type ProgressEntry, ProgressFile, passedEntry } from './progress.ts';
import { rememberObservations } from './remember.ts';
import { runScript } from './script.ts';

export interface WorkshopOptions {
  readonly exercises: readonly Exercise[];
  readonly choice: LabChoice;
  readonly language: Language;
  /** Of this process; scripts inherit it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** In the lab's folder, where progress and the learner's files are. Default `workshop`. */
  readonly folder?: string | undefined;
  /** Told what is being done that takes a while. */
  readonly onStage?: ((stage: Stage) => void) | undefined;
}

export type Stage = 'backup' | 'setup' | 'solve' | 'reset';

export interface CheckResult {
  readonly verdicts: readonly Verdict[];
  readonly passed: boolean;
  /** There while progress could be written. */
  readonly entry: ProgressEntry | undefined;
}

export class Workshop {
  readonly lab: Lab;
  readonly exercises: readonly Exercise[];
  readonly paths: WorkshopPaths;
  private readonly options: WorkshopOptions;
  private readonly file: ProgressFile;
  private checker: { id: string; checker: Checker } | undefined;

  constructor(lab: Lab, options: WorkshopOptions) {
    this.lab = lab;
    this.exercises = options.exercises;
    this.paths = workshopPaths(lab.paths, options.folder);
    this.options = options;
    this.file = new ProgressFile(this.paths.progressFile);
  }

  progress(): Promise<Progress> {
    return this.file.read();
  }

  /** @returns the exercise that is open or half set up @throws LabError LAB_EXERCISE_UNKNOWN when its folder is gone */
  currentOf({ current }: Progress): Exercise | undefined {
    if (current === undefined) return undefined;
    const found = this.exercises.find(({ id }) => id === current);
    if (found !== undefined) return found;
    throw new LabError('LAB_EXERCISE_UNKNOWN', `exercise '${current}' was started, and is not there any more`, {
      advice: 'name its folder with --exercises',
    });
  }

  /** @returns the first exercise after the given one, or of all, that fits this lab and was not passed yet */
  following(progress: Progress, after?: Exercise): Exercise | undefined {
    const start = after === undefined ? 0 : this.exercises.indexOf(after) + 1;
    const inOrder = [...this.exercises.slice(start), ...this.exercises.slice(0, start)];
    return inOrder.find(
      (exercise) =>
        exercise !== after &&
        progress.exercises[exercise.id]?.done === undefined &&
        misfit(exercise, this.lab) === undefined,
    );
  }

  /**
   * Sets an exercise up. One that is open already is left as it is; one that was interrupted is set up anew.
   *
   * @returns whether it was set up
   * @throws LabError LAB_EXERCISE_OPEN while another one is, LAB_EXERCISE_KEYS, LAB_PREFLIGHT, LAB_EXERCISE_SCRIPT
   */
  start(exercise: Exercise): Promise<boolean> {
    return this.locked('workshop start', async () => {
      const progress = await this.progress();
      const open = this.currentOf(progress);
      if (open !== undefined && open.id !== exercise.id) {
        throw new LabError('LAB_EXERCISE_OPEN', `exercise '${open.id}' is open: one at a time`, {
          advice: 'etcdlab workshop reset takes it away; what was passed stays passed',
        });
      }
      const phase = progress.exercises[exercise.id]?.phase;
      if (phase === 'open' || phase === 'passed') return false;
      if (phase === 'preparing' || phase === 'clearing') await this.clear(exercise);
      await requireNeeds(exercise, this.lab, this.searchPath());
      await requireHealthy(this.lab, 'an exercise starts from a healthy one');
      await requireNoKeys(this.lab, exercise);
      await this.prepare(exercise);
      return true;
    });
  }

  /** Remembers for this lab what the learner reads. */
  rememberLanguage(language: Language): Promise<void> {
    return this.locked('workshop --lang', () => this.file.putLanguage(language));
  }

  /** Looks whether the conditions hold. @param asked whether the learner has asked, or `watch` just looks again */
  async check(exercise: Exercise, asked: boolean): Promise<CheckResult> {
    await this.requireSetUp(exercise);
    const verdicts = await this.look(exercise);
    const met = verdicts.filter((verdict) => verdict.met).length;
    const passed = met === verdicts.length;
    const before = (await this.progress()).exercises[exercise.id];
    const isNews = before?.lastCheck?.met !== met || (passed && before.phase === 'open');
    const entry = asked || isNews ? await this.record(exercise, met, verdicts.length, asked) : before;
    return { verdicts, passed, entry };
  }

  /** @returns how many hints have been seen now, at most `available` */
  async takeHint(exercise: Exercise, available: number): Promise<number> {
    await this.requireSetUp(exercise);
    return this.locked('workshop hint', async () => {
      const before = (await this.file.entry(exercise.id)).hints;
      const hints = Math.min(available, before + 1);
      if (hints > before) {
        await this.file.update(exercise.id, (entry) => ({ ...entry, hints }));
        await this.log({ event: 'hint', exercise: exercise.id, hint: hints });
      }
      return hints;
    });
  }

  /** Remembers that the learner was shown the solution: from now on it is not passed by the learner alone. */
  async noteSolutionShown(exercise: Exercise): Promise<void> {
    await this.requireSetUp(exercise);
    await this.locked('workshop solve', async () => {
      await this.file.update(exercise.id, (entry) => ({
        ...entry,
        solutionUsed: entry.solutionUsed || entry.phase === 'open',
      }));
      await this.log({ event: 'solution-shown', exercise: exercise.id });
    });
  }

  /** Types the solution in the learner's place. @throws LabError LAB_EXERCISE_SCRIPT */
  async solve(exercise: Exercise, output: 'terminal' | 'log'): Promise<void> {
    await this.requireSetUp(exercise);
    await this.locked('workshop solve', () => this.script(exercise, 'solve', output));
  }

  /** Takes away what the exercise has made. @returns the exercise, or undefined if there was none */
  reset(): Promise<Exercise | undefined> {
    return this.locked('workshop reset', async () => {
      const exercise = this.currentOf(await this.progress());
      if (exercise !== undefined) await this.clear(exercise);
      return exercise;
    });
  }

  /** @returns variables beside PATH, for scripts and for the learner's shell */
  variables(): Record<string, string> {
    return shellVariables(this.lab, this.paths, this.options.choice);
  }

  /** Makes what the variables name. @returns folders that come first in PATH */
  async provide(): Promise<string[]> {
    await this.makeFolders();
    await writeProgram(this.paths);
    return programFolders(this.lab, this.paths);
  }

  /** Looks once, and writes nothing down. */
  async look(exercise: Exercise): Promise<Verdict[]> {
    if (this.checker?.id !== exercise.id) {
      this.close();
      this.checker = { id: exercise.id, checker: new Checker(exercise) };
    }
    const observer = openObserver(this.lab, this.paths);
    try {
      return await this.checker.checker.check(observer.observations);
    } finally {
      observer.close();
    }
  }

  close(): void {
    this.checker?.checker.close();
    this.checker = undefined;
  }

  private async prepare(exercise: Exercise): Promise<void> {
    const { id, title, minutes } = exercise;
    if (exercise.danger !== undefined) {
      this.options.onStage?.('backup');
      const reason = `before exercise '${id}'`;
      await createBackup(this.lab, new BackupStore(this.lab.paths.backups), { signal: this.options.signal, reason });
    }
    const done = (await this.progress()).exercises[id]?.done;
    const entry = { title, minutes, hints: 0, attempts: 0, solutionUsed: false, ...(done && { done }) };
    const begin = (phase: 'preparing' | 'open') =>
      this.file.put(id, { ...entry, phase, startedAt: new Date().toISOString() });
    await begin('preparing');
    await this.log({ event: 'started', exercise: id });
    await this.script(exercise, 'setup', 'log');
    await rememberObservations(this.lab, this.paths, exercise);
    // The learner's time begins when there is something to do.
    await begin('open');
    await this.log({ event: 'prepared', exercise: id });
  }

  /** Can be repeated when it was interrupted; ends with a healthy lab in which nothing of the exercise is left. */
  private async clear(exercise: Exercise): Promise<void> {
    this.close();
    await this.file.update(exercise.id, (entry) => ({ ...entry, phase: 'clearing' }));
    await this.script(exercise, 'reset', 'log');
    await waitUntilHealthy(this.lab, { signal: this.options.signal });
    await deleteKeys(this.lab, exercise);
    await empty(this.paths.work);
    await empty(this.paths.notes);
    await this.file.update(exercise.id, (entry) => ({ ...entry, phase: 'left' }));
    await this.log({ event: 'reset', exercise: exercise.id });
  }

  private async script(exercise: Exercise, name: ScriptName, output: 'terminal' | 'log'): Promise<void> {
    await this.provide();
    const file = scriptFile(exercise, name);
    if (file === undefined) return;
    this.options.onStage?.(name);
    await runScript({
      file,
      environment: {
        ...this.options.environment,
        ...this.variables(),
        PATH: this.searchPath(),
        WORKSHOP_NOTES: this.paths.notes,
        WORKSHOP_EXERCISE: exercise.folder,
        WORKSHOP_LIBRARY: libraryFolder,
        WORKSHOP_PROVIDER: this.lab.state.provider,
        WORKSHOP_LANG: this.options.language,
      },
      workingDirectory: this.paths.work,
      output: output === 'terminal' ? output : { file: this.paths.log(exercise.id, name) },
      timeoutMs: exercise.timeoutSeconds * 1000,
      signal: this.options.signal,
      advice: ['etcdlab workshop reset', `etcdlab workshop start ${exercise.id}`],
    });
  }

  private async makeFolders(): Promise<void> {
    for (const folder of [this.paths.work, this.paths.notes]) await mkdir(folder, { recursive: true, mode: 0o700 });
  }

  /** @returns PATH as scripts find it */
  searchPath(): string {
    return [...programFolders(this.lab, this.paths), this.options.environment.PATH ?? ''].join(path.delimiter);
  }

  private async requireSetUp(exercise: Exercise): Promise<void> {
    const phase = (await this.progress()).exercises[exercise.id]?.phase;
    if (phase === 'open' || phase === 'passed') return;
    const half = { preparing: 'half set up, or being set up', clearing: 'half taken away, or being taken away' };
    const what = phase === 'preparing' || phase === 'clearing' ? half[phase] : 'not set up';
    throw new LabError('LAB_EXERCISE_NOT_SET_UP', `exercise '${exercise.id}' is ${what}`, {
      advice: `etcdlab workshop start ${exercise.id}`,
    });
  }

  private async record(exercise: Exercise, met: number, of: number, asked: boolean): Promise<ProgressEntry> {
    return this.locked('workshop check', async () => {
      const now = new Date();
      const before = await this.file.entry(exercise.id);
      const seen = {
        ...before,
        attempts: before.attempts + (asked ? 1 : 0),
        lastCheck: { at: now.toISOString(), met, of },
      };
      const entry = met === of && before.phase === 'open' ? passedEntry(seen, now) : seen;
      await this.file.put(exercise.id, entry);
      await this.log({ event: 'checked', exercise: exercise.id, met, of });
      if (entry.phase === 'passed' && before.phase === 'open') {
        const by = entry.solutionUsed ? 'solution' : 'learner';
        await this.log({ event: 'passed', exercise: exercise.id, by, tookMs: elapsedMs(entry, now) });
      }
      return entry;
    });
  }

  private log(event: WorkshopEvent): Promise<void> {
    return appendEvent(this.paths.eventsFile, event, new Date());
  }

  private locked<T>(command: string, work: () => Promise<T>): Promise<T> {
    return exclusively(this.paths.root, command, work);
  }
}

/** The folder itself stays: somebody's shell may be in it. */
async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true, force: true });
}
