/** `etcdlab workshop watch`: looks again every second while the learner works in another terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exercise } from '../../../drills/workshop/exercise.ts';
import { readText } from '../../../drills/workshop/exercise.ts';
import { elapsedMs } from '../../../drills/workshop/progress.ts';
import type { CheckResult } from '../../../drills/workshop/workshop.ts';
import { ExitCode, interrupted, LabError } from '../../errors.ts';
import { formatMarkdown } from '../../output/markdown.ts';
import type { Cli } from '../cli.ts';
import { fitScreen } from './fit-screen.ts';
import { Keyboard } from './keyboard.ts';
import { currentExercise, inWorkshop, type Session } from './session.ts';
import { formatDuration, formatTitle, formatVerdicts } from './show.ts';
import { type ConfirmedOptions, goOn, passedSentence, takeHints } from './verbs.ts';

const periodMs = 1000;

/** Hints, text or solution of one exercise, between the conditions and the keys. */
interface Screen {
  exercise: string;
  below: string;
  /** Of what does not fit into the terminal. */
  page: number;
  drawn: string;
}

export function watch(cli: Cli, options: ConfirmedOptions): Promise<number> {
  return inWorkshop(cli, options, async (session) => {
    const isTerminal = cli.ui.mode === 'terminal';
    using keyboard = isTerminal ? new Keyboard(cli.io.stdin) : undefined;
    const screen: Screen = { exercise: '', below: '', page: 0, drawn: '' };
    let asked = false;
    for (;;) {
      if (cli.signal.aborted) throw interrupted();
      const exercise = await currentExercise(session);
      turnTo(screen, exercise);
      const result = await lookAgain(session, exercise, asked);
      asked = false;
      if (result !== undefined) await draw(session, exercise, result, screen);
      // Without a keyboard nobody can say what comes next.
      if (keyboard === undefined && result?.passed) return ExitCode.ok;
      const key = await (keyboard?.next(periodMs) ?? pause(cli.signal));
      if (key === 'q') return ExitCode.ok;
      if (key === 'c') {
        asked = true;
        // A text that was in the way of the conditions goes.
        show(screen, '');
      } else if (key === ' ') screen.page += 1;
      else if (key === 'n') {
        keyboard?.pause();
        clear(session, screen);
        const refused = await refusalOf(goOn(session, options));
        const current = session.workshop.currentOf(await session.workshop.progress());
        if (current === undefined) return ExitCode.ok;
        keyboard?.resume();
        turnTo(screen, current);
        show(screen, refused ?? formatText(session, await readText(current, 'text', session.language)));
      } else if (key !== undefined) show(screen, await belowFor(session, exercise, key));
    }
  });
}

/** What was shown of an exercise stays with it: another terminal may have gone on to the next one. */
export function turnTo(screen: Screen, { id }: Pick<Exercise, 'id'>): void {
  if (screen.exercise === id) return;
  screen.exercise = id;
  show(screen, '');
}

/** @param text undefined: what is there stays */
function show(screen: Screen, text: string | undefined): void {
  if (text === undefined) return;
  screen.below = text;
  screen.page = 0;
}

/** @returns what is said when the learner has answered no: then it goes on as before */
async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof LabError && error.code === 'LAB_NOT_CONFIRMED') return error.message;
    throw error;
  }
}

async function pause(signal: AbortSignal): Promise<undefined> {
  await sleep(periodMs, undefined, { signal }).catch(() => undefined);
}

/** @returns undefined while another command sets up or takes away */
async function lookAgain(session: Session, exercise: Exercise, asked: boolean): Promise<CheckResult | undefined> {
  try {
    return await session.workshop.check(exercise, asked);
  } catch (error) {
    const isBusy = error instanceof LabError && ['LAB_LOCKED', 'LAB_EXERCISE_NOT_SET_UP'].includes(error.code);
    if (isBusy) return undefined;
    throw error;
  }
}

async function belowFor(session: Session, exercise: Exercise, key: string): Promise<string | undefined> {
  const { language, words } = session;
  if (key === 't') return formatText(session, await readText(exercise, 'text', language));
  if (key !== 'h') return undefined;
  const hints = await takeHints(session, exercise);
  const shown = hints.map((text, i) => `### ${words.hint(i + 1, 3)}\n${text}`);
  if (hints.length === 3) shown.push(words.noMoreHints);
  return formatText(session, shown.join('\n\n'));
}

function formatText({ cli }: Session, text: string): string {
  return formatMarkdown(text, (format, part) => cli.ui.style(format, part));
}

/** Draws on a terminal what has changed; elsewhere writes the conditions when one of them has changed. */
async function draw(session: Session, exercise: Exercise, result: CheckResult, screen: Screen): Promise<void> {
  const { cli, language } = session;
  const { verdicts, passed, entry } = result;
  const conditions = formatVerdicts(verdicts, language, (format, text) => cli.ui.style(format, text));
  if (cli.ui.mode !== 'terminal') {
    if (conditions === screen.drawn) return;
    screen.drawn = conditions;
    cli.ui.event({ event: 'checked', exercise: exercise.id, passed, conditions: verdicts });
    cli.ui.line(`${conditions}\n${passed ? `${passedSentence(session, entry)}\n` : ''}`);
    return;
  }
  const time = entry === undefined ? '' : formatDuration(elapsedMs(entry, new Date()));
  const met = verdicts.filter((verdict) => verdict.met).length;
  const solution = async () => formatText(session, await readText(exercise, 'solution', language));
  const size = cli.ui.size();
  const frame = fitScreen(
    {
      title: `${formatTitle(exercise, language, (format, text) => cli.ui.style(format, text))}  ${time}`,
      conditions,
      summary: session.words.notYet(met, verdicts.length),
      body: passed ? `${cli.ui.style('green', passedSentence(session, entry))}\n\n${await solution()}` : screen.below,
      keys: keyLine(session),
      more: (page, of) => `${cli.ui.style('bold', session.words.space)} ${session.words.more} ${page}/${of}`,
    },
    size,
    screen.page,
  );
  const drawn = `${size.columns}x${size.rows} ${frame}`;
  if (drawn === screen.drawn) return;
  screen.drawn = drawn;
  // Home, the frame with the rest of each line erased, and nothing below it: a whole screen that is cleared flickers.
  cli.ui.raw(`\x1b[H${frame.replaceAll('\n', '\x1b[K\n')}\x1b[K\n\x1b[J`);
}

function clear({ cli }: Session, screen: Screen): void {
  screen.drawn = '';
  if (cli.ui.mode === 'terminal') cli.ui.raw('\x1b[H\x1b[J');
}

function keyLine({ cli, words }: Session): string {
  const { hint, text, check, next, quit } = words.keys;
  const keys = { h: hint, t: text, c: check, n: next, q: quit };
  return Object.entries(keys)
    .map(([key, word]) => `${cli.ui.style('bold', key)} ${word}`)
    .join('   ');
}
