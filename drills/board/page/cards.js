/** The members, as large cards. */
import { formatCount, formatLeft, formatSeconds, formatSize } from './formats.js';

/** @param {string} tag @param {Record<string, string>} attributes */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Touches the document only where something is new, so that nothing is read out or loses the focus without need. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Makes the children of a list those of the items, in their order, and keeps those that are there. */
export function keepChildren(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  for (const [position, item] of items.entries()) {
    const key = keyOf(item);
    const child = known.get(key) ?? create(item);
    known.delete(key);
    child.dataset.key = key;
    if (parent.children[position] !== child) parent.insertBefore(child, parent.children[position] ?? null);
    update(child, item, position);
  }
  for (const child of known.values()) child.remove();
}

const rowNames = ['revision', 'applied', 'database', 'fsync', 'certificate'];

function makeCard() {
  const head = make('div', { class: 'card-head' }, make('h3', { class: 'name' }), make('p', { class: 'role' }));
  const rows = rowNames.map((name) => {
    const value = make('dd', {}, make('span', { class: 'value' }), ' ', make('span', { class: 'aside' }));
    return make('div', { class: `row ${name}` }, make('dt'), value);
  });
  const parts = [head, make('p', { class: 'alarms' }), make('p', { class: 'why' }), make('dl', {}, ...rows)];
  return make('li', { class: 'card' }, ...parts);
}

/** @param context words, language, and the time at the server */
function updateCard(card, member, { words, language, nowMs }) {
  const { name, state, role, alarms, silence } = member;
  setAttribute(card, 'data-state', state);
  setAttribute(card, 'data-role', role ?? 'none');
  setText(card.querySelector('.name'), name);
  const mark = role === 'leader' ? '♛ ' : state === 'down' ? '✖ ' : '';
  const isLearner = role === 'learner';
  const said = isLearner ? words.role.learner : (words.state[state] ?? words.role[role] ?? '');
  setText(card.querySelector('.role'), `${mark}${said}`);
  setText(card.querySelector('.alarms'), alarms.map((type) => `⚠ ${words.alarm(type)}`).join(' '));
  setText(card.querySelector('.why'), state === 'listed' ? words.listed : silenceText(silence, words));
  const { behind } = member;
  const values = {
    revision: [words.revision, formatCount(member.revision, language), ''],
    applied: [
      words.applied,
      formatCount(member.appliedIndex, language),
      behind > 0 ? words.behind(formatCount(behind, language)) : '',
    ],
    database: [words.database, formatSize(member.dbSizeBytes, language), databaseAside(member, words, language)],
    fsync: [words.fsync, formatSeconds(member.fsyncP99Seconds, language), ''],
    certificate: [words.certificate, formatLeft(leftMs(member.certificateEndsAtMs, nowMs), words), ''],
  };
  for (const [row, [label, value, aside]] of Object.entries(values)) {
    const element = card.querySelector(`.row.${row}`);
    setText(element.querySelector('dt'), label);
    setText(element.querySelector('.value'), value);
    setText(element.querySelector('.aside'), aside);
  }
}

function silenceText(silence, words) {
  if (silence === undefined) return '';
  const why = words.silence[silence.kind];
  return silence.detail === undefined ? why : `${why} (${silence.detail})`;
}

/** The quota is worth a word once half of it is taken. */
function databaseAside({ dbSizeBytes: size, dbInUseBytes: used, dbQuotaBytes: quota }, words, language) {
  if (used === undefined) return '';
  const isTight = quota > 0 && size >= quota / 2;
  if (!isTight) return words.inUse(formatSize(used, language));
  return words.ofQuota(formatCount(Math.round((size / quota) * 100), language), formatSize(quota, language));
}

/** @returns what is left of a certificate's life */
export function leftMs(endsAtMs, nowMs) {
  return endsAtMs === undefined ? undefined : endsAtMs - nowMs;
}

/** Shows the members. */
export function showMembers(list, members, context) {
  keepChildren(
    list,
    members,
    ({ name }) => name,
    makeCard,
    (card, member) => updateCard(card, member, context),
  );
}
