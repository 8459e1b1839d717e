/** How exercises, conditions and progress look. */

import type { Verdict } from '../../../drills/workshop/check/messages.ts';
import type { Exercise } from '../../../drills/workshop/exercise.ts';
import type { Language } from '../../../drills/workshop/language.ts';
import { elapsedMs, type Progress } from '../../../drills/workshop/progress.ts';
import { formatMarkdown, type Paint } from '../../output/markdown.ts';
import { formatTable } from '../../output/table.ts';
import type { Session } from './session.ts';
import { words } from './words.ts';

/** @returns minutes and seconds, such as `3:07`; hours before them if there are any */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** @returns one block a condition: whether it holds, and what was seen */
export function formatVerdicts(
  verdicts: readonly Verdict[],
  language: Language,
  paint: (format: 'green' | 'red' | 'dim', text: string) => string,
): string {
  const { seen: seenWord } = words[language];
  return verdicts
    .map(({ is, met, seen }) => {
      const mark = met ? paint('green', '✔') : paint('red', '✘');
      const what = seen[language].replaceAll('\n', '\n      ');
      const line = `    ${seenWord}: ${what}`;
      return `${mark} ${is[language]}\n${met ? paint('dim', line) : line}`;
    })
    .join('\n');
}

/** @returns a heading with number, title and minutes */
export function formatTitle(exercise: Exercise, language: Language, paint: Paint): string {
  const { order, title, minutes } = exercise;
  return `${paint('bold', `${order}. ${title[language]}`)}  ${paint('dim', `(${words[language].minutes(minutes)})`)}`;
}

/** Writes a text of an exercise as it is: what it tells to type works in the learner's shell. */
export function writeMarkdown({ cli }: Session, text: string): void {
  if (cli.ui.mode === 'json') return;
  cli.ui.raw(`${formatMarkdown(text, (format, part) => cli.ui.style(format, part))}\n`);
}

/** @returns all exercises with what the learner has done of them */
export function formatList(exercises: readonly Exercise[], progress: Progress, language: Language): string {
  const said = words[language];
  const rows = exercises.map(({ id, order, title, minutes }) => {
    const { done } = progress.exercises[id] ?? {};
    const state = progress.current === id ? said.open : done === undefined ? '-' : said.done[done.by];
    const took = done === undefined ? '-' : formatDuration(done.tookMs);
    return [String(order), id, title[language], String(minutes), state, took];
  });
  const all = [said.columns, ...rows];
  const widthOf = (column: number) => Math.max(...all.map((row) => (row[column] ?? '').length));
  const others = said.columns.reduce((sum, _, column) => sum + (column === titleColumn ? 0 : widthOf(column) + 2), 0);
  const room = Math.max(leastTitleWidth, terminalWidth - others);
  const table = formatTable(
    said.columns,
    rows.map((row) => row.with(titleColumn, shorten(row[titleColumn] ?? '', room))),
  );
  const localOnly = exercises.filter(({ needs }) => needs.providers.join() === 'local').map(({ order }) => order);
  return localOnly.length === 0 ? table : `${table}\n\n${said.localOnly(localOnly.join(', '))}`;
}

const terminalWidth = 80;
const titleColumn = 2;
const leastTitleWidth = 10;

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
}

/** @returns how many exercises the learner has passed alone, and with the solution's help: `4/16, solved 2` */
export function formatPassed(exercises: readonly Exercise[], progress: Progress, language: Language): string {
  const countOf = (by: 'learner' | 'solution') =>
    exercises.filter(({ id }) => progress.exercises[id]?.done?.by === by).length;
  const solved = countOf('solution');
  const more = solved === 0 ? '' : `, ${words[language].done.solution} ${solved}`;
  return `${countOf('learner')}/${exercises.length}${more}`;
}

/** @returns the same for programs */
export function listValue(exercises: readonly Exercise[], progress: Progress): object[] {
  return exercises.map(({ id, order, title, minutes, tags, needs, danger }) => ({
    id,
    order,
    title,
    minutes,
    tags,
    needs,
    ...(danger !== undefined && { danger }),
    open: progress.current === id,
    ...(progress.exercises[id]?.done && { done: progress.exercises[id].done }),
  }));
}

/** @returns where the learner is */
export function formatStatus(session: Session, exercise: Exercise, progress: Progress, now: Date): string {
  const { cli, language, words: said, workshop } = session;
  const entry = progress.exercises[exercise.id];
  const state = entry?.phase === 'passed' ? said.done[entry.solutionUsed ? 'solution' : 'learner'] : said.open;
  const rows = [
    [said.status.time, `${formatDuration(entry === undefined ? 0 : elapsedMs(entry, now))} (${state})`],
    [said.status.hints, `${entry?.hints ?? 0}/3`],
    [said.status.attempts, String(entry?.attempts ?? 0)],
    [said.status.folder, workshop.paths.work],
    [said.status.progress, formatPassed(workshop.exercises, progress, language)],
  ];
  const width = Math.max(...rows.map(([label = '']) => label.length));
  const title = formatTitle(exercise, language, (format, text) => cli.ui.style(format, text));
  return [title, ...rows.map(([label = '', value]) => `  ${label.padEnd(width)}  ${value}`)].join('\n');
}
