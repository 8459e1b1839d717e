/** `etcdlab workshop`: exercises on the lab. */
import { addCommand, type RegisterCommand } from '../cli.ts';
import { authorCheck, newExercise } from './author-check.ts';
import { type SeatsOptions, seats } from './seats.ts';
import { registerServe } from './serve.ts';
import { addVerb, type WorkshopCommandOptions } from './session.ts';
import { type ConfirmedOptions, check, env, hint, list, next, reset, show, solve, start, status } from './verbs.ts';
import { watch } from './watch.ts';

export const registerWorkshop: RegisterCommand = (program, cli) => {
  const group = program.command('workshop').description('learn on the lab: exercises that are checked');
  addVerb(group, cli, 'list', 'the exercises there are, and which you have passed', (options) => list(cli, options));
  addVerb<ConfirmedOptions>(
    group,
    cli,
    'start [exercise]',
    'set an exercise up: the open one again, or the first that you have not passed',
    (options, [name]) => start(cli, options, name),
  ).option('-y, --yes', 'do not ask');
  addVerb(group, cli, 'show [exercise]', 'what is to be done', (options, [name]) => show(cli, options, name));
  addVerb(group, cli, 'env', 'print what your shell needs: eval "$(etcdlab workshop env)"', (options) =>
    env(cli, options),
  );
  addVerb(group, cli, 'check', 'look whether it is done; exit code 1 if not', (options) => check(cli, options));
  addVerb<ConfirmedOptions>(group, cli, 'watch', 'check again every second, with keys for the rest', (options) =>
    watch(cli, options),
  ).option('-y, --yes', 'do not ask');
  addVerb(group, cli, 'hint', 'one hint more; there are three', (options) => hint(cli, options));
  addVerb<ConfirmedOptions>(group, cli, 'solve', 'show the solution, and type it for you', (options) =>
    solve(cli, options),
  ).option('-y, --yes', 'do not ask');
  addVerb(group, cli, 'reset', 'take away what the open exercise has made', (options) => reset(cli, options));
  addVerb<ConfirmedOptions>(group, cli, 'next', 'take it away, and set up the next one', (options) =>
    next(cli, options),
  ).option('-y, --yes', 'do not ask');
  addVerb<WorkshopCommandOptions>(group, cli, 'status', 'the open exercise, the time, and your progress', (options) =>
    status(cli, options),
  );
  addCommand<SeatsOptions>(
    group,
    cli,
    'seats <count>',
    'bring up a lab for each of so many learners on this machine: seat1, seat2, ...',
    (options, [count = '']) => seats(cli, options, count),
  )
    .option('--destroy', 'remove them instead')
    .option('-y, --yes', 'do not ask');
  registerServe(group, cli);
  addVerb(group, cli, 'new <id>', 'make an exercise of your own', (options, [id = '']) =>
    newExercise(cli, options, id),
  );
  addVerb<ConfirmedOptions>(
    group,
    cli,
    'author-check [exercises...]',
    'prove that exercises work: set up, solve and take away each',
    (options, names) => authorCheck(cli, options, names),
  ).option('-y, --yes', 'do not ask');
};
