import { describe, expect, it } from 'vitest';
import { languageOf } from './language.ts';

describe('the language of the workshop', () => {
  it.each([
    [{}, 'en'],
    [{ LANG: 'tr_TR.UTF-8' }, 'tr'],
    [{ LANG: 'C.UTF-8' }, 'en'],
    [{ LANG: 'de_DE.UTF-8' }, 'en'],
    [{ LANG: 'tr_TR.UTF-8', LC_MESSAGES: 'en_GB.UTF-8' }, 'en'],
    [{ LANG: 'tr_TR.UTF-8', LC_ALL: '' }, 'tr'],
    [{ LC_ALL: 'tr', LANG: 'en_US.UTF-8' }, 'tr'],
    // No language of that name; it only begins alike.
    [{ LANG: 'trv_TW' }, 'en'],
  ])('%o is %s', (environment, language) => {
    expect(languageOf(environment)).toBe(language);
  });
});
