/** The line of the cluster, the learners, and what happened. */
import { keepChildren, leftMs, make, setAttribute, setText } from './cards.js';
import { curvePoints, formatClock, formatCount, formatDuration, formatLeft, formatRate } from './formats.js';
import { describeHappening } from './happenings.js';

const healthMarks = { starting: '…', healthy: '✔', impaired: '▲', leaderless: '✖', down: '✖', missing: '?' };
const shownHappenings = 100;
/** A certificate that ends sooner is a matter for today. */
const soonMs = 7 * 86_400_000;

const byId = (id) => document.getElementById(id);

/** @param lab undefined while there is none */
export function showCluster(lab, { words, language, nowMs }) {
  const health = lab?.health ?? 'missing';
  setText(byId('health'), `${healthMarks[health]} ${words.health[health]}`);
  setAttribute(byId('health'), 'data-health', health);
  setText(byId('leader'), lab?.leader ?? words.none);
  setText(byId('term'), formatCount(lab?.term, language));
  setText(byId('revision'), formatCount(lab?.revision, language));
  const rates = lab?.keysPerSecond ?? [];
  setText(byId('rate'), formatRate(rates.at(-1), language));
  setAttribute(document.querySelector('#curve polyline'), 'points', curvePoints(rates));
  const label = words.curve(formatRate(rates.at(-1) ?? 0, language), formatRate(Math.max(0, ...rates), language));
  setAttribute(byId('curve'), 'aria-label', label);
  showExpiry(lab?.certificates ?? [], words, nowMs);
}

/** What cannot be used any more comes first, then what ends first. */
function showExpiry(certificates, words, nowMs) {
  const unusable = certificates.find(({ status }) => status === 'unusable');
  const [next] = certificates.filter((one) => one.endsAtMs !== undefined).sort((a, b) => a.endsAtMs - b.endsAtMs);
  const left = formatLeft(leftMs(next?.endsAtMs, nowMs), words);
  const soonest = next === undefined ? left : `${left} · ${next.name}`;
  setText(byId('expiry'), unusable === undefined ? soonest : `✖ ${unusable.name}: ${unusable.reason}`);
  const isSoon = next !== undefined && next.endsAtMs - nowMs < soonMs;
  setAttribute(byId('expiry'), 'data-soon', String(isSoon || unusable !== undefined));
}

/** The learner's exercise at the lab that is shown. */
export function showExercise(exercise, { words, language, nowMs }) {
  const parts =
    exercise === undefined
      ? [[words.noExercise, 'aside']]
      : [
          [exercise.title[language] ?? exercise.title.en ?? exercise.id, 'title'],
          [elapsed(exercise, nowMs), 'timer'],
          [exerciseFacts(exercise, words).join(' · '), 'aside'],
        ];
  keepChildren(
    byId('exercise'),
    parts,
    ([, kind]) => kind,
    ([, kind]) => make('span', { class: kind }),
    (element, [text]) => setText(element, text),
  );
}

function exerciseFacts({ phase, minutes, lastCheck, isSolutionUsed }, words) {
  const isSolved = phase === 'passed' && isSolutionUsed;
  return [
    isSolved ? words.solved : words.phase[phase],
    words.planned(minutes),
    ...(lastCheck === undefined ? [] : [words.conditions(lastCheck.met, lastCheck.of)]),
    ...(isSolutionUsed && !isSolved ? [words.solution] : []),
  ];
}

function elapsed({ startedAtMs, tookMs }, nowMs) {
  return formatDuration(tookMs ?? nowMs - startedAtMs);
}

/** @param choose is told the name of the lab to show */
export function showLearners(labs, shownLab, choose, { words, language, nowMs }) {
  keepChildren(
    byId('rows'),
    labs,
    ({ name }) => name,
    ({ name }) => {
      const button = make('button', { type: 'button' });
      button.addEventListener('click', () => choose(name));
      const cells = ['cluster', 'exercise', 'time', 'checks', 'hints', 'passed'].map((kind) =>
        make('td', { class: kind }),
      );
      return make('tr', {}, make('th', { scope: 'row' }, button), ...cells);
    },
    (row, { name, health, learner }) => {
      const { exercise, passed, solved } = learner;
      const button = row.querySelector('button');
      setText(button, name);
      setAttribute(button, 'aria-label', words.show(name));
      setAttribute(button, 'aria-pressed', String(name === shownLab));
      const title = exercise && (exercise.title[language] ?? exercise.title.en ?? exercise.id);
      const mark = exercise?.phase === 'passed' ? (exercise.isSolutionUsed ? '▷ ' : '✔ ') : '';
      const values = {
        cluster: `${healthMarks[health]} ${words.health[health]}`,
        exercise: exercise === undefined ? words.none : `${mark}${title}`,
        time: exercise === undefined ? '' : elapsed(exercise, nowMs),
        checks: exercise === undefined ? '' : formatCount(exercise.attempts, language),
        hints: exercise === undefined ? '' : formatCount(exercise.hints, language),
        passed: solved === 0 ? String(passed) : words.passedAndSolved(passed, solved),
      };
      for (const [kind, text] of Object.entries(values)) setText(row.querySelector(`.${kind}`), text);
      // Where there is no room for the head of the table.
      setAttribute(row.querySelector('.passed'), 'data-label', words.passed);
      setAttribute(row, 'data-health', health);
      // Twice the planned time: somebody may need help.
      const isLate = exercise?.phase === 'open' && nowMs - exercise.startedAtMs > 2 * exercise.minutes * 60_000;
      setAttribute(row, 'data-late', String(isLate));
    },
  );
}

/** Shows them, the newest first. Those that are new are read out by screen readers. */
export function showHappenings(happenings, shownLab, { language }) {
  keepChildren(
    byId('log'),
    [...happenings].reverse().slice(0, shownHappenings),
    ({ id }) => String(id),
    () => make('li', {}, make('time'), ' ', make('span', { class: 'mark', 'aria-hidden': 'true' }), ' ', make('span')),
    (item, happening) => {
      const { mark, sentence, tone } = describeHappening(happening, language, shownLab);
      const [time, sign, text] = item.children;
      setText(time, formatClock(happening.atMs, language));
      setText(sign, mark);
      setText(text, sentence);
      setAttribute(item, 'data-tone', tone);
      setAttribute(item, 'data-kind', happening.change.kind);
    },
  );
}
