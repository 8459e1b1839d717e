/** One run of a workshop command: the lab, its exercises, the language. */
import path from 'node:path';
import type { Command } from 'commander';
import { findExercise, listExercises } from '../../../drills/workshop/catalogue.ts';
import type { Exercise } from '../../../drills/workshop/exercise.ts';
import { type Language, languageOf, languages } from '../../../drills/workshop/language.ts';
import { workshopPaths } from '../../../drills/workshop/paths.ts';
import { readProgress } from '../../../drills/workshop/progress.ts';
import { Workshop } from '../../../drills/workshop/workshop.ts';
import { LabError } from '../../errors.ts';
import { addCommand, type Cli, type CommonOptions, configPath, describedLab, openLab } from '../cli.ts';
import { type Words, words } from './words.ts';

export interface WorkshopCommandOptions extends CommonOptions {
  readonly lang?: string;
  readonly exercises?: string;
}

export interface Session {
  readonly cli: Cli;
  readonly workshop: Workshop;
  readonly language: Language;
  readonly words: Words;
}

/** Adds a verb of `etcdlab workshop` with the options that all of them have. */
export function addVerb<Options extends WorkshopCommandOptions>(
  group: Command,
  cli: Cli,
  usage: string,
  summary: string,
  action: (options: Options, args: string[]) => Promise<number | undefined>,
): Command {
  return addCommand<Options>(group, cli, usage, summary, action)
    .option(
      '--lang <language>',
      `${languages.join(' or ')}; remembered for the lab (default: as LC_ALL, LC_MESSAGES or LANG say)`,
    )
    .option('--exercises <folder>', 'exercises of your own, besides those there are (default: as lab.yaml says)');
}

/** @param remembered of this lab; counts unless another one is asked for @throws LabError LAB_USAGE */
export function chosenLanguage(cli: Cli, { lang }: WorkshopCommandOptions, remembered?: Language): Language {
  if (lang === undefined) return remembered ?? languageOf(cli.io.environment);
  const found = languages.find((language) => language === lang);
  if (found === undefined) throw new LabError('LAB_USAGE', `--lang takes ${languages.join(' or ')}, not '${lang}'`);
  return found;
}

/** @returns the folder of exercises of one's own, if there is one */
export async function ownExercises(cli: Cli, options: WorkshopCommandOptions): Promise<string | undefined> {
  if (options.exercises !== undefined) return path.resolve(cli.io.workingDirectory, options.exercises);
  return (await describedLab(cli, options)).config.exercises;
}

export async function allExercises(cli: Cli, options: WorkshopCommandOptions): Promise<Exercise[]> {
  return listExercises(await ownExercises(cli, options));
}

/**
 * Opens the lab's workshop for as long as `work` takes.
 *
 * @param folder where it keeps what it knows, instead of the learner's
 * @throws LabError LAB_MISSING, LAB_CONFIG, LAB_EXERCISE_FILE, or what `work` throws
 */
export async function inWorkshop<T>(
  cli: Cli,
  options: WorkshopCommandOptions,
  work: (session: Session) => Promise<T>,
  folder?: string,
): Promise<T> {
  const exercises = await allExercises(cli, options);
  const { name, stateDirectory, paths } = await describedLab(cli, options);
  const { language: remembered } = await readProgress(workshopPaths(paths).progressFile);
  const language = chosenLanguage(cli, options, remembered);
  const lab = await openLab(cli, options);
  const workshop = new Workshop(lab, {
    exercises,
    choice: { name, stateDirectory, file: configPath(cli, options) },
    language,
    environment: cli.io.environment,
    signal: cli.signal,
    folder,
    onStage: (stage) => {
      cli.ui.event({ event: 'stage', stage });
      cli.ui.line(cli.ui.style('dim', words[language].stages[stage]));
    },
  });
  try {
    if (options.lang !== undefined && language !== remembered) await workshop.rememberLanguage(language);
    return await work({ cli, workshop, language, words: words[language] });
  } finally {
    workshop.close();
  }
}

/** @returns the exercise that is open @throws LabError LAB_EXERCISE_NONE */
export async function currentExercise({ workshop }: Session): Promise<Exercise> {
  const current = workshop.currentOf(await workshop.progress());
  if (current !== undefined) return current;
  throw new LabError('LAB_EXERCISE_NONE', 'no exercise is open', { advice: 'etcdlab workshop start' });
}

export function namedExercise({ workshop }: Session, name: string): Exercise {
  return findExercise(workshop.exercises, name);
}
