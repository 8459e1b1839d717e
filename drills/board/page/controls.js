/** What the reader chooses: language, colours, keys. Kept in this browser. */
import { make, setAttribute, setText } from './cards.js';
import { texts } from './texts.js';

const themes = ['auto', 'light', 'dark'];

/** A browser may keep nothing, as in private windows. */
function recall(name) {
  try {
    return localStorage.getItem(`etcdlab-board-${name}`);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`etcdlab-board-${name}`, value);
  } catch {
    // Then it lasts as long as the page.
  }
}

function firstLanguage() {
  const chosen = recall('language') ?? (navigator.language.startsWith('tr') ? 'tr' : 'en');
  return chosen in texts ? chosen : 'en';
}

export class Controls {
  language = firstLanguage();
  theme = themes.includes(recall('theme')) ? recall('theme') : 'auto';
  areKeysOn = recall('keys') !== 'off';

  /** @param actions what keys do besides: by key @param onChange when all is to be shown anew */
  constructor(actions, onChange) {
    this.onChange = onChange;
    this.dialog = document.getElementById('keys');
    this.actions = { '?': () => this.showHelp(), l: () => this.nextLanguage(), t: () => this.nextTheme(), ...actions };
    document.getElementById('language').addEventListener('click', () => this.nextLanguage());
    document.getElementById('theme').addEventListener('click', () => this.nextTheme());
    document.getElementById('help').addEventListener('click', () => this.showHelp());
    const keysOn = document.getElementById('keys-on');
    keysOn.checked = this.areKeysOn;
    keysOn.addEventListener('change', () => {
      this.areKeysOn = keysOn.checked;
      keep('keys', this.areKeysOn ? 'on' : 'off');
    });
    document.addEventListener('keydown', (event) => this.press(event));
    this.apply();
  }

  get words() {
    return texts[this.language];
  }

  press(event) {
    const isTyping = event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement;
    if (!this.areKeysOn || isTyping || event.ctrlKey || event.altKey || event.metaKey || this.dialog.open) return;
    const action = this.actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  showHelp() {
    if (!this.dialog.open) this.dialog.showModal();
  }

  nextLanguage() {
    this.language = this.language === 'en' ? 'tr' : 'en';
    keep('language', this.language);
    this.apply();
    this.onChange();
  }

  nextTheme() {
    this.theme = themes[(themes.indexOf(this.theme) + 1) % themes.length];
    keep('theme', this.theme);
    this.apply();
  }

  /** Everything that depends on nothing but the choices. */
  apply() {
    const { words, language, theme } = this;
    document.documentElement.lang = language;
    document.documentElement.dataset.theme = theme;
    for (const element of document.querySelectorAll('[data-text]')) setText(element, words[element.dataset.text]);
    const other = document.getElementById('language');
    setText(other, words.language);
    other.lang = language === 'en' ? 'tr' : 'en';
    setText(document.getElementById('theme'), `◐ ${words.themes[theme]}`);
    setAttribute(document.getElementById('theme'), 'aria-label', `${words.colours}: ${words.themes[theme]}`);
    const rows = words.keys.map(([keys, what]) =>
      make('div', {}, make('dt', {}, make('kbd', {}, keys)), make('dd', {}, what)),
    );
    document.getElementById('keys-list').replaceChildren(...rows);
  }
}
