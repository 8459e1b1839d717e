/** For authors: `etcdlab workshop new` makes an exercise, `author-check` proves that exercises work, on a lab. */
import path from 'node:path';
import { type AuthorReport, checkExercise } from '../../../drills/workshop/author-check.ts';
import { findExercise } from '../../../drills/workshop/catalogue.ts';
import type { Exercise } from '../../../drills/workshop/exercise.ts';
import { makeExercise } from '../../../drills/workshop/skeleton.ts';
import { ExitCode, LabError, throwIfInterrupted } from '../../errors.ts';
import type { Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { inWorkshop, ownExercises, type Session, type WorkshopCommandOptions } from './session.ts';
import type { ConfirmedOptions } from './verbs.ts';

/** Besides the learner's, whose progress it leaves alone. */
const folder = 'author-check';

export async function newExercise(cli: Cli, options: WorkshopCommandOptions, id: string): Promise<undefined> {
  const exercises = await ownExercises(cli, options);
  if (exercises === undefined) {
    throw new LabError('LAB_USAGE', 'say where your exercises are', {
      advice: [`etcdlab workshop new ${id} --exercises FOLDER`, 'or a line in lab.yaml: exercises: ./FOLDER'],
    });
  }
  const made = await makeExercise(exercises, id);
  cli.ui.event({ event: 'made', folder: made });
  cli.ui.line(
    `${path.relative(cli.io.workingDirectory, made)} is there: an exercise that works, to be changed step by step.`,
  );
  cli.ui.line(
    `  etcdlab workshop author-check ${id}${options.exercises === undefined ? '' : ` --exercises ${options.exercises}`}`,
  );
}

export function authorCheck(cli: Cli, options: ConfirmedOptions, names: readonly string[]): Promise<number> {
  return inWorkshop(
    cli,
    options,
    async (session) => {
      const exercises = chosen(session, names, await ownExercises(cli, options));
      if (options.yes !== true) {
        await confirm(cli, {
          action: `${exercises.length} exercises are set up, solved and taken away on lab '${session.workshop.lab.name}'; some hurt its members`,
          word: session.workshop.lab.name,
          command: 'etcdlab workshop author-check --yes',
        });
      }
      const reports: AuthorReport[] = [];
      for (const exercise of exercises) {
        throwIfInterrupted(cli.signal);
        const report = await checkExercise(session.workshop, exercise);
        reports.push(report);
        cli.ui.event({ event: 'author-checked', ...report });
        cli.ui.line(describe(cli, report));
      }
      const failed = reports.filter(({ problems }) => problems.length > 0).length;
      const notTried = reports.filter((report) => report.notTried !== undefined).length;
      cli.ui.event({ event: 'finished', exercises: reports.length, failed, notTried });
      cli.ui.line();
      cli.ui.line(`${reports.length} exercises: ${failed} with problems, ${notTried} not tried here.`);
      return failed === 0 ? ExitCode.ok : ExitCode.failed;
    },
    folder,
  );
}

/** @param own the trainer's own folder: without names, its exercises are meant */
function chosen({ workshop }: Session, names: readonly string[], own: string | undefined): readonly Exercise[] {
  if (names.length > 0) return names.map((name) => findExercise(workshop.exercises, name));
  return own === undefined
    ? workshop.exercises
    : workshop.exercises.filter((exercise) => path.dirname(exercise.folder) === own);
}

function describe({ ui }: Cli, { exercise, problems, notTried, durationsMs }: AuthorReport): string {
  const took = Object.entries(durationsMs).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
  const mark = problems.length > 0 ? ui.style('red', '✘') : notTried === undefined ? ui.style('green', '✔') : '-';
  return [
    `${mark} ${exercise}  ${ui.style('dim', notTried ?? took.join(', '))}`,
    ...problems.map((line) => `    ${line}`),
  ].join('\n');
}
