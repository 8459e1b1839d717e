/** The languages that exercises are written in. */

export const languages = ['en', 'tr'] as const;
export type Language = (typeof languages)[number];

/** The same text in every language. */
export type Texts = Readonly<Record<Language, string>>;

/** @returns the language that POSIX's locale variables ask for, as far as there are exercises in it; else English */
export function languageOf(environment: Readonly<Record<string, string | undefined>>): Language {
  // The first that is set and not empty counts (POSIX, chapter 8.2).
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '';
  return languages.find((language) => new RegExp(`^${language}(?![a-z])`, 'i').test(locale)) ?? 'en';
}
