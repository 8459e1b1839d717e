/** Listens to the board, and shows what it says. */
import { keepChildren, make, setText, showMembers } from './cards.js';
import { Controls } from './controls.js';
import { showCluster, showExercise, showHappenings, showLearners } from './panels.js';

/** A board sends something at least every 5 s. */
const staleAfterMs = 12_000;
const retryMs = 5000;
const maxHappenings = 200;

const state = {
  document: undefined,
  happenings: [],
  shownLab: undefined,
  heardAtMs: Date.now(),
  aheadMs: 0,
  notice: '',
};
let source;

state.shownLab = new URLSearchParams(location.hash.slice(1)).get('lab') ?? undefined;

const focusOn = (selector) => () => document.querySelector(selector).focus();
const digits = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), () => chooseNumber(n - 1)]));
const controls = new Controls(
  {
    n: () => chooseNumber(shownNumber() + 1),
    p: () => chooseNumber(shownNumber() - 1),
    m: focusOn('#members'),
    s: focusOn('#learners .scroll'),
    e: focusOn('#log'),
    ...digits,
  },
  show,
);
const select = document.getElementById('lab');
select.addEventListener('change', () => choose(select.value));

function labs() {
  return state.document?.labs ?? [];
}

function shownNumber() {
  return labs().findIndex(({ name }) => name === state.document?.lab?.name);
}

function chooseNumber(number) {
  const lab = labs().at(number % Math.max(1, labs().length));
  if (lab !== undefined) choose(lab.name);
}

function choose(name) {
  if (name === state.shownLab) return;
  state.shownLab = name;
  history.replaceState(null, '', `#lab=${name}`);
  listen();
}

/** Shows all anew; what has not changed is not touched. */
function show() {
  const { words, language } = controls;
  const context = { words, language, nowMs: Date.now() + state.aheadMs };
  const lab = state.document?.lab;
  showCluster(lab, context);
  showMembers(document.getElementById('cards'), lab?.members ?? [], context);
  showExercise(lab?.learner.exercise, context);
  showLearners(labs(), lab?.name, choose, context);
  showHappenings(state.happenings, lab?.name, context);
  keepChildren(
    select,
    labs(),
    ({ name }) => name,
    ({ name }) => make('option', { value: name }, name),
    () => undefined,
  );
  if (lab !== undefined && select.value !== lab.name) select.value = lab.name;
  document.title = lab === undefined ? 'etcdlab' : `${lab.name} · ${words.health[lab.health]}`;
  showNotice(words);
}

function showNotice(words) {
  const silentMs = Date.now() - state.heardAtMs;
  const isStale = silentMs > staleAfterMs;
  const hasNoLabs = state.document !== undefined && labs().length === 0;
  const text =
    state.notice === 'locked'
      ? words.locked
      : isStale
        ? words.stale(Math.floor(silentMs / 1000))
        : hasNoLabs
          ? words.noLabs
          : '';
  const notice = document.getElementById('notice');
  notice.hidden = text === '';
  setText(notice, text);
  document.body.dataset.stale = String(isStale);
}

/** Hears of the shown lab from now on. */
function listen() {
  source?.close();
  state.happenings = [];
  const log = document.getElementById('log');
  // What happened before is there to be read, and is not read out.
  log.setAttribute('aria-live', 'off');
  const query = state.shownLab === undefined ? '' : `?lab=${encodeURIComponent(state.shownLab)}`;
  source = new EventSource(`/events${query}`);
  const opened = source;
  source.addEventListener('document', ({ data }) => {
    takeDocument(JSON.parse(data));
    setTimeout(() => opened === source && log.setAttribute('aria-live', 'polite'), 1000);
  });
  source.addEventListener('happening', ({ data }) => takeHappening(JSON.parse(data)));
  source.addEventListener('error', () => {
    // It tries again by itself unless it was refused.
    if (opened !== source || opened.readyState !== EventSource.CLOSED) return;
    void findOutWhy();
    setTimeout(() => opened === source && listen(), retryMs);
  });
}

async function findOutWhy() {
  try {
    const { status } = await fetch('/state', { cache: 'no-store' });
    state.notice = status === 401 ? 'locked' : '';
  } catch {
    state.notice = '';
  }
  show();
}

function takeDocument(received) {
  if (state.document !== undefined && state.document.epoch !== received.epoch) state.happenings = [];
  state.document = received;
  state.aheadMs = received.nowMs - Date.now();
  state.heardAtMs = Date.now();
  state.notice = '';
  show();
}

function takeHappening(happening) {
  if (state.happenings.some(({ id }) => id === happening.id)) return;
  state.happenings = [...state.happenings, happening].slice(-maxHappenings);
  show();
}

/** The token comes once, in the fragment; from then on the browser has a cookie. */
async function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  history.replaceState(null, '', location.pathname);
  // What comes of it is seen when the page listens.
  await fetch('/state', { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' }).catch(() => undefined);
}

// The address with the token may be opened where the page is open already.
window.addEventListener('hashchange', async () => {
  await takeToken();
  listen();
});
await takeToken();
listen();
show();
setInterval(show, 1000);
