/** What can be wrong with an exercise, as far as it can be seen without running it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../toolkit/errors.ts';
import {
  checkFile,
  type Exercise,
  readHints,
  readText,
  type ScriptName,
  scriptFile,
  type TextName,
} from './exercise.ts';
import { type Language, languages } from './language.ts';

const maxColumns = 80;
const wantedHints = 3;
/** Folders of one machine or one user; `/etc/kubernetes` and `/registry` are the same everywhere. */
const machinePath = /(?<![\w.$}~-])\/(?:home|root|tmp|Users|work|var\/folders)(?:\/|\b)/;

const fencedCode = /^```.*?^```/gms;

/** @returns one line for each thing that is wrong */
export async function lintExercise(exercise: Exercise): Promise<string[]> {
  const problems = await Promise.all([
    ...languages.map((language) => lintTexts(exercise, language)),
    ...(['setup', 'solve', 'reset'] as const).map((name) => lintScript(exercise, name)),
    compareLanguages(exercise),
    lintPaths(exercise),
  ]);
  if (!existsSync(checkFile(exercise))) problems.push(['check.mjs is missing']);
  return problems.flat();
}

async function lintTexts(exercise: Exercise, language: Language): Promise<string[]> {
  const problems: string[] = [];
  for (const name of ['text', 'hints', 'solution'] as const satisfies TextName[]) {
    const file = `${name}.${language}.md`;
    const text = await readText(exercise, name, language).catch(() => '');
    if (text.trim() === '') problems.push(`${file} is missing or empty`);
    const prose = text.replaceAll(fencedCode, '');
    const long = prose.split('\n').find((line) => line.length > maxColumns);
    if (long !== undefined) problems.push(`${file} has a line of ${long.length} columns: ${long.slice(0, 40)}...`);
  }
  const hints = await readHints(exercise, language).catch(() => []);
  if (hints.length !== wantedHints) {
    problems.push(`hints.${language}.md has ${hints.length} hints under ## 1, ## 2, ...: ${wantedHints} are wanted`);
  }
  return problems;
}

/** A translation that speaks of other keys or files than the original is out of date. */
async function compareLanguages(exercise: Exercise): Promise<string[]> {
  const named = await Promise.all(
    languages.map(async (language) => {
      const text = await readText(exercise, 'text', language).catch(() => '');
      const prose = text.replaceAll(fencedCode, '');
      const codes = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
      return new Set(codes.filter((code) => exercise.keys.some((prefix) => code.startsWith(prefix))));
    }),
  );
  const [original = new Set<string>(), ...others] = named;
  return others.flatMap((other, i) =>
    [...original.symmetricDifference(other)].map(
      (code) => `text.${languages[0]}.md and text.${languages[i + 1]}.md do not both speak of ${code}`,
    ),
  );
}

async function lintScript(exercise: Exercise, name: ScriptName): Promise<string[]> {
  const file = scriptFile(exercise, name);
  if (file === undefined) return name === 'solve' ? ['solve.sh is missing'] : [];
  const { promise, resolve } = Promise.withResolvers<string[]>();
  execFile('bash', ['-n', file], { timeout: 10_000 }, (error, _, stderr) => {
    resolve(error === null ? [] : [`${name}.sh: ${stderr.trim() || messageOf(error)}`]);
  });
  return promise;
}

async function lintPaths({ folder }: Exercise): Promise<string[]> {
  const problems: string[] = [];
  for (const name of await readdir(folder)) {
    if (!/\.(?:sh|md|mjs|yaml)$/.test(name)) continue;
    const lines = (await readFile(path.join(folder, name), 'utf8')).split('\n');
    const at = lines.findIndex((line) => machinePath.test(line.replace(/^#!.*/, '')));
    if (at >= 0) problems.push(`${name}:${at + 1} names a path of one machine: ${lines[at]?.trim()}`);
  }
  return problems;
}
