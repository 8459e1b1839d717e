/** What a learner does with an exercise. */
import { readFile } from 'node:fs/promises';
import { type Exercise, readHints, readText, scriptFile } from '../../../drills/workshop/exercise.ts';
import { workshopPaths } from '../../../drills/workshop/paths.ts';
import { elapsedMs, readProgress } from '../../../drills/workshop/progress.ts';
import type { CheckResult } from '../../../drills/workshop/workshop.ts';
import { ExitCode, LabError } from '../../errors.ts';
import { type Cli, locateLab } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { formatEnvironment, formatPath } from '../env.ts';
import {
  allExercises,
  chosenLanguage,
  currentExercise,
  inWorkshop,
  namedExercise,
  type Session,
  type WorkshopCommandOptions,
} from './session.ts';
import {
  formatDuration,
  formatList,
  formatStatus,
  formatTitle,
  formatVerdicts,
  listValue,
  writeMarkdown,
} from './show.ts';

export interface ConfirmedOptions extends WorkshopCommandOptions {
  readonly yes?: boolean;
}

/** Works without a lab as well: one may look at what there is first. */
export async function list(cli: Cli, options: WorkshopCommandOptions): Promise<undefined> {
  const exercises = await allExercises(cli, options);
  const { paths } = await locateLab(cli, options);
  const progress = await readProgress(workshopPaths(paths).progressFile);
  const language = chosenLanguage(cli, options, progress.language);
  cli.ui.listing(formatList(exercises, progress, language), listValue(exercises, progress));
}

export function start(cli: Cli, options: ConfirmedOptions, name: string | undefined): Promise<undefined> {
  return inWorkshop(cli, options, async (session) => {
    const { workshop } = session;
    const progress = await workshop.progress();
    const open = workshop.currentOf(progress);
    const exercise = name === undefined ? (open ?? workshop.following(progress)) : namedExercise(session, name);
    if (exercise === undefined) {
      cli.ui.line(session.words.allDone);
      return undefined;
    }
    // All questions come first: whoever says no finds everything as it was.
    const other = open?.id === exercise.id ? undefined : open;
    if (other !== undefined) await askToLeave(session, options, other, `start ${exercise.id}`);
    await askForDanger(session, options, exercise);
    if (other !== undefined) await workshop.reset();
    return give(session, exercise);
  });
}

export function next(cli: Cli, options: ConfirmedOptions): Promise<undefined> {
  return inWorkshop(cli, options, (session) => goOn(session, options));
}

/** Takes the open exercise away, after a question unless it is passed, and sets up the one after it. */
export async function goOn(session: Session, options: ConfirmedOptions): Promise<undefined> {
  const { workshop, cli, words } = session;
  const progress = await workshop.progress();
  const open = workshop.currentOf(progress);
  const following = workshop.following(progress, open);
  if (open !== undefined) await askToLeave(session, options, open, 'next');
  if (following !== undefined) await askForDanger(session, options, following);
  await workshop.reset();
  if (following !== undefined) return give(session, following);
  cli.ui.event({ event: 'all-done' });
  cli.ui.line(words.allDone);
}

/** @param verb what confirms it on the command line */
async function askToLeave(session: Session, options: ConfirmedOptions, { id }: Exercise, verb: string): Promise<void> {
  const { exercises } = await session.workshop.progress();
  if (exercises[id]?.phase !== 'open') return;
  await ask(session.cli, options, `Exercise '${id}' is not passed, and is taken away first`, verb);
}

async function askForDanger(session: Session, options: ConfirmedOptions, exercise: Exercise): Promise<void> {
  const { cli, workshop, language } = session;
  const phase = (await workshop.progress()).exercises[exercise.id]?.phase;
  if (exercise.danger === undefined || phase === 'open' || phase === 'passed') return;
  await ask(cli, options, exercise.danger[language], `start ${exercise.id}`);
}

async function give(session: Session, exercise: Exercise): Promise<undefined> {
  const { cli, workshop, language, words } = session;
  const isNew = await workshop.start(exercise);
  const text = await readText(exercise, 'text', language);
  const folder = workshop.paths.work;
  cli.ui.event({ event: 'started', exercise: exercise.id, resumed: !isNew, title: exercise.title, folder, text });
  cli.ui.line();
  if (!isNew) cli.ui.line(cli.ui.style('dim', words.resumed));
  cli.ui.line(formatTitle(exercise, language, (format, part) => cli.ui.style(format, part)));
  cli.ui.line();
  writeMarkdown(session, text);
  cli.ui.line();
  cli.ui.line(words.work);
  cli.ui.line('  eval "$(etcdlab workshop env)"; cd "$WORKSHOP_DIR"');
  cli.ui.line(words.watch);
  cli.ui.line('  etcdlab workshop watch');
  cli.ui.line(words.orCheck);
}

async function ask(cli: Cli, { yes }: ConfirmedOptions, action: string, verb: string): Promise<void> {
  if (yes === true) return;
  await confirm(cli, { action: action.replace(/\.$/, ''), word: 'yes', command: `etcdlab workshop ${verb} --yes` });
}

export function check(cli: Cli, options: WorkshopCommandOptions): Promise<number> {
  return inWorkshop(cli, options, async (session) => {
    const exercise = await currentExercise(session);
    const result = await session.workshop.check(exercise, true);
    await showCheck(session, exercise, result);
    return result.passed ? ExitCode.ok : ExitCode.failed;
  });
}

async function showCheck(session: Session, exercise: Exercise, result: CheckResult): Promise<void> {
  const { cli, language, words } = session;
  const { verdicts, passed, entry } = result;
  cli.ui.event({ event: 'checked', exercise: exercise.id, passed, conditions: verdicts });
  cli.ui.line(formatVerdicts(verdicts, language, (format, text) => cli.ui.style(format, text)));
  cli.ui.line();
  if (!passed) {
    cli.ui.line(words.notYet(verdicts.filter(({ met }) => met).length, verdicts.length));
    return;
  }
  cli.ui.line(cli.ui.style('green', passedSentence(session, entry)));
  cli.ui.line();
  writeMarkdown(session, await readText(exercise, 'solution', language));
  cli.ui.line();
  cli.ui.line(words.next);
}

export function passedSentence({ words }: Session, entry: CheckResult['entry']): string {
  if (entry === undefined || entry.solutionUsed) return words.passedBySolution;
  return words.passed(formatDuration(elapsedMs(entry, new Date())));
}

export function hint(cli: Cli, options: WorkshopCommandOptions): Promise<undefined> {
  return inWorkshop(cli, options, async (session) => {
    const exercise = await currentExercise(session);
    const hints = await takeHints(session, exercise);
    cli.ui.event({ event: 'hint', exercise: exercise.id, hints });
    for (const text of hints.map((text, i) => `### ${session.words.hint(i + 1, 3)}\n${text}\n`)) {
      writeMarkdown(session, text);
      cli.ui.line();
    }
    if (hints.length === 3) cli.ui.line(session.words.noMoreHints);
    return undefined;
  });
}

/** @returns the hints seen so far and one more */
export async function takeHints({ workshop, language }: Session, exercise: Exercise): Promise<string[]> {
  const all = await readHints(exercise, language);
  return all.slice(0, await workshop.takeHint(exercise, all.length));
}

/** Shows what would be typed, asks, and types it. */
export function solve(cli: Cli, options: ConfirmedOptions): Promise<number> {
  return inWorkshop(cli, options, async (session) => {
    const { workshop, language, words } = session;
    const exercise = await currentExercise(session);
    await workshop.noteSolutionShown(exercise);
    const script = await readSolution(exercise);
    const solution = await readText(exercise, 'solution', language);
    cli.ui.event({ event: 'solution', exercise: exercise.id, script, solution });
    cli.ui.line(cli.ui.style('bold', words.solution));
    cli.ui.line();
    writeMarkdown(session, `\`\`\`\n${script.trim()}\n\`\`\``);
    cli.ui.line();
    await ask(cli, options, words.solutionRun, 'solve');
    await workshop.solve(exercise, cli.ui.mode === 'json' ? 'log' : 'terminal');
    cli.ui.line();
    const result = await workshop.check(exercise, false);
    await showCheck(session, exercise, result);
    return result.passed ? ExitCode.ok : ExitCode.failed;
  });
}

async function readSolution(exercise: Exercise): Promise<string> {
  const file = scriptFile(exercise, 'solve');
  if (file === undefined) throw new LabError('LAB_EXERCISE_FILE', `${exercise.folder}/solve.sh: there is no such file`);
  return readFile(file, 'utf8');
}

export function reset(cli: Cli, options: WorkshopCommandOptions): Promise<undefined> {
  return inWorkshop(cli, options, async ({ workshop, language, words }) => {
    const exercise = await workshop.reset();
    cli.ui.event({ event: 'reset', exercise: exercise?.id ?? null });
    cli.ui.line(exercise === undefined ? words.nothingOpen : words.wasReset(exercise.title[language]));
    return undefined;
  });
}

export function status(cli: Cli, options: WorkshopCommandOptions): Promise<undefined> {
  return inWorkshop(cli, options, async (session) => {
    const { workshop, words } = session;
    const progress = await workshop.progress();
    const exercise = workshop.currentOf(progress);
    const text = exercise === undefined ? words.nothingOpen : formatStatus(session, exercise, progress, new Date());
    const phase = exercise === undefined ? undefined : progress.exercises[exercise.id]?.phase;
    const half = phase === 'preparing' ? words.halfSetUp : phase === 'clearing' ? words.halfTakenAway : undefined;
    cli.ui.listing(half === undefined ? text : `${text}\n${half}`, progress);
    return undefined;
  });
}

/** Shows the text of the open exercise, or of any, once more. */
export function show(cli: Cli, options: WorkshopCommandOptions, name: string | undefined): Promise<undefined> {
  return inWorkshop(cli, options, async (session) => {
    const { language } = session;
    const exercise = name === undefined ? await currentExercise(session) : namedExercise(session, name);
    const text = await readText(exercise, 'text', language);
    cli.ui.event({ event: 'text', exercise: exercise.id, title: exercise.title, text });
    cli.ui.line(formatTitle(exercise, language, (format, part) => cli.ui.style(format, part)));
    cli.ui.line();
    writeMarkdown(session, text);
    return undefined;
  });
}

/** For `eval "$(etcdlab workshop env)"`: what scripts of exercises find as well. */
export function env(cli: Cli, options: WorkshopCommandOptions): Promise<undefined> {
  return inWorkshop(cli, options, async ({ workshop }) => {
    const variables = workshop.variables();
    const folders = await workshop.provide();
    const lines = [
      formatEnvironment(variables, 'posix'),
      ...folders.map((folder) => formatPath(folder, 'posix')).reverse(),
    ];
    cli.ui.listing(lines.join('\n'), variables);
    return undefined;
  });
}
